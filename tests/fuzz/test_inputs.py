"""Broken inputs get documented errors: nothing crashes, nothing grows, no 500."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.insight import Projecting, insight_queries
from tests.fuzz.parsers import INPUTS, PARSERS, outcomes
from tests.fuzz.running import Harness, grpc_calls, http_requests, usage
from tests.fuzz.seeds import BODIES, MESSAGES, POLICIES, SIGNED
from tests.fuzz.source_maps import source_map_uploads
from tests.support.batches import batch
from tests.support.running import OpenRum

_SENT = {
    http_requests: 8_000,
    insight_queries: 4_000,
    grpc_calls: 4_000,
    source_map_uploads: 2_000,
}
_MAX_GROWTH_MIB = 48
# The documented statuses of a request with these contents, and "closed": a request is incomplete.
_STATUSES = {"200", "400", "403", "404", "405", "408", "413", "415", "429", "431", "503", "closed"}
_CODES = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "RESOURCE_EXHAUSTED"}
_QUERIED = {"200", "400", "404", "429"}
_ALLOWED = {
    http_requests: _STATUSES,
    insight_queries: _QUERIED,
    grpc_calls: _CODES,
    source_map_uploads: {"OK", "INVALID_ARGUMENT", "NOT_FOUND"},
}


def test_the_same_number_gives_the_same_input() -> None:
    for parser in PARSERS.values():
        assert outcomes(parser, range(40)) == outcomes(parser, range(40))


def test_there_are_seeds_of_every_kind() -> None:
    assert min(map(len, (BODIES, MESSAGES, POLICIES, SIGNED))) > 20


@pytest.mark.slow
@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_accepts_an_input_or_raises_a_documented_error(name: str) -> None:
    counts = outcomes(PARSERS[name], range(INPUTS))

    assert counts.total() == INPUTS
    assert len(counts) > 1


@pytest.mark.slow
@pytest.mark.parametrize("send", _SENT, ids=lambda send: send.__name__)
def test_a_server_answers_broken_requests_with_documented_errors(
    tmp_path: Path, send: Harness
) -> None:
    kind = Projecting if send is insight_queries else OpenRum
    with kind(tmp_path) as server:
        count = _SENT[send]
        send(server, range(count // 4))
        before = usage(server.pid)
        counts = send(server, range(count // 4, count))
        after = usage(server.pid)
        status = server.post(f"/appmonitors/{server.monitor_id()}", batch())[0]
        output = "".join(server.output)

    assert set(counts) <= _ALLOWED[send]
    assert after.memory_mib - before.memory_mib < _MAX_GROWTH_MIB
    assert status == 200
    assert "Traceback" not in output
