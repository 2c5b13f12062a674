"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.running import OpenRum


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def openrum(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenRum]:
    """A running server with one app monitor, my-app."""
    server = OpenRum(tmp_path_factory.mktemp("openrum"))
    yield server
    server.stop()
