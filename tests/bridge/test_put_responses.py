"""The response of the bridge to each request of the table, compared with the recorded one."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest

from tests.bridge.put_cases import CASES
from tests.bridge.put_responses import GOLDEN, Outcome, outcomes_of

_RECORDED: dict[str, dict[str, Any]] = json.loads(GOLDEN.read_text())


@pytest.fixture(scope="module")
async def outcomes() -> dict[str, Outcome]:
    """The outcomes of all requests."""
    return await outcomes_of(CASES)


def test_every_case_has_a_recorded_response() -> None:
    assert sorted(_RECORDED) == sorted(case.name for case in CASES)


@pytest.mark.parametrize("name", _RECORDED)
async def test_a_request_gets_the_recorded_response(
    outcomes: dict[str, Outcome], name: str
) -> None:
    assert asdict(outcomes[name]) == _RECORDED[name]
