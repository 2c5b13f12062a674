"""Fixtures for the tests of InsightService in the projector."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.insight.asked import Asked, asked
from tests.insight.oracle import Seen, read
from tests.insight.visits import visits
from tests.service.served import LoopThread


@pytest.fixture(scope="module")
def loop() -> Iterator[LoopThread]:
    """An event loop in a thread, for a server that blocking tests call."""
    started = LoopThread()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def shop(loop: LoopThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """A projection of 400 visits to an app monitor with the key 1."""
    with asked(loop, tmp_path_factory.mktemp("shop")) as found:
        found.create("shop")
        found.put(1, visits(400))
        yield found


@pytest.fixture(scope="module")
def seen(shop: Asked) -> list[Seen]:
    """The events of `shop`, read from its log."""
    return read(shop.store.log)
