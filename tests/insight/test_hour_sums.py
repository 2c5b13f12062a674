"""Hours have the same numbers with and without the sums that the projection keeps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from rum_projector.engines.duckdb import open_duckdb
from rum_projector.queries.base import Selection
from rum_projector.queries.hour_sums import (
    Range,
    levels_by_hour,
    numbers_by_hour,
    views_by_page,
)
from rum_projector.schema import hour_totals
from rum_service.events.measures import Kind
from tests.insight.asked import Asked
from tests.insight.visits import HOUR_MS, START_MS, visits

_NAMES = ("sessions", "error_sessions", "js_errors", "http_requests", "lcp_poor")
_MANY = ["/cart", *(f"/absent/{number}" for number in range(40))]
_KINDS = (Kind.LCP, Kind.CLS)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Asked]:
    found = Asked(tmp_path)
    found.put(found.create("shop"), visits(120, hours=6))
    yield found
    found.threads.shutdown()


def _ranges() -> list[Range]:
    """Return ranges that overlap, and begin and end within a minute."""
    first_ms = START_MS + HOUR_MS // 3 + 1_234
    return [
        Range(Selection(1, start_ms, start_ms + 4 * HOUR_MS))
        for start_ms in (first_ms, first_ms + HOUR_MS)
    ]


def _found(log: Asked) -> list[Any]:
    ranges, query = _ranges(), log.engine.query
    views = views_by_page(query, ranges[0])
    return [
        *(
            sorted(
                (index, page, hour, tuple(values))
                for index, page, hour, values in numbers_by_hour(query, ranges, _NAMES, pages)
                if pages is None or page in pages
            )
            for pages in (None, ["/", "/cart"], _MANY)
        ),
        sorted(levels_by_hour(query, ranges, _KINDS)),
        sorted(
            query(select(views.c.page, func.sum(views.c.page_views)).group_by(views.c.page)),
        ),
    ]


def test_hours_have_the_same_numbers_with_and_without_sums(log: Asked, tmp_path: Path) -> None:
    with_some = _found(log)
    while log.engine.add_up_hours(limit=24):
        pass
    with_all = _found(log)
    log.engine.close()
    log.engine, _ = open_duckdb(
        tmp_path / "other.duckdb", name="log", memory_bytes=256 << 20, newest=0, now_ms=0
    )
    log.projection = type(log.projection)(log.store, log.engine, clock=lambda: log.now_s)
    while log.projection.step():
        pass
    without = _found(log)

    assert log.engine.query(select(func.count()).select_from(hour_totals)) == [(0,)]
    assert with_all == with_some == without
    assert all(without)
    log.engine.close()
