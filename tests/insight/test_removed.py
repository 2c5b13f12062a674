"""What answers say about events that have been removed from the log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rum.v1 import insight_service_pb2 as pb
from tests.insight.asked import Asked, asked
from tests.insight.visits import HOUR_MS, START_MS, visits
from tests.service.served import LoopThread

_DAY_MS = 24 * HOUR_MS
_WEEK_MS = 7 * _DAY_MS
_AFTER, _BEFORE = START_MS + _DAY_MS, START_MS + 2 * _DAY_MS


@pytest.fixture
def shop(loop: LoopThread, tmp_path: Path) -> Iterator[Asked]:
    """Two days of visits."""
    with asked(loop, tmp_path) as found:
        found.create("shop")
        found.create("blog")
        found.put(1, visits(200))
        found.now_s = _BEFORE / 1000
        yield found


def _remove(shop: Asked, before_ms: int) -> None:
    retention = shop.store.retention
    while not retention.remove({1: before_ms}, limit=100, max_bytes=1 << 20)[1].is_done:
        pass
    shop.projection.delete_removed()


def _overview(shop: Asked, monitor: int = 1) -> pb.GetOverviewResponse:
    request = pb.GetOverviewRequest(after=_AFTER, before=_BEFORE, compare_after=_AFTER - _DAY_MS)
    response = shop.ask("GetOverview", request, monitor=monitor)
    assert isinstance(response, pb.GetOverviewResponse)
    return response


def test_a_response_says_what_was_removed(shop: Asked) -> None:
    before = _overview(shop)
    _remove(shop, _AFTER)
    after = _overview(shop)
    other = _overview(shop, monitor=2)

    assert before.freshness.removed_before_ms == 0
    assert _AFTER - HOUR_MS < after.freshness.removed_before_ms <= _AFTER
    assert other.freshness.removed_before_ms == 0
    assert after.total.counts.page_views == before.total.counts.page_views > 0


def test_nothing_is_compared_with_a_range_that_was_removed(shop: Asked) -> None:
    complete = _overview(shop)
    _remove(shop, START_MS + 12 * HOUR_MS)
    half = _overview(shop)

    assert complete.compared_total.counts.events > 0
    assert not half.HasField("compared_total")
    assert not half.HasField("compared_series")


def test_weeks_that_were_removed_in_part_are_not_compared_with(
    loop: LoopThread, tmp_path: Path
) -> None:
    with asked(loop, tmp_path) as shop:
        shop.create("shop")
        weeks = (visits(200, hours=24, seed=week) for week in range(3))
        for week, batches in zip((-2, -1, 0), weeks, strict=True):
            shift_ms = week * _WEEK_MS
            moved = []
            for stored in batches:
                for event in stored.request.rum_events:
                    event.timestamp += shift_ms / 1000
                moved.append(stored._replace(received_ms=stored.received_ms + shift_ms))
            shop.put(1, moved)
        shop.now_s = (START_MS + 2 * _DAY_MS) / 1000
        request = pb.ListChangesRequest(after=START_MS, before=START_MS + _DAY_MS)
        before = shop.ask("ListChanges", request)
        _remove(shop, START_MS - 2 * _WEEK_MS + 6 * HOUR_MS)
        after = shop.ask("ListChanges", request)

    assert (before.weeks, after.weeks) == (2, 1)
