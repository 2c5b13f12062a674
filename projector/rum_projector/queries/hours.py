"""ListChanges: measures of each hour, as the detector of changes takes them."""

from __future__ import annotations

__all__ = [
    "HOUR_MS",
    "MINUTE_MS",
    "Hours",
    "busiest_pages",
    "first_event_ms",
    "has_events",
    "hours",
    "hours_of_pages",
    "level",
]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import func, select

from rum_projector.event_counts import LEVELS
from rum_projector.queries.base import Condition, Query, Selection
from rum_projector.queries.counts import percentiles_75
from rum_projector.queries.hour_sums import (
    Range,
    levels_by_hour,
    numbers_by_hour,
    views_by_page,
)
from rum_projector.schema import HOUR_MS, MINUTE_MS, event_counts, events
from rum_service.events.measures import Kind


@dataclass(frozen=True)
class Hours:
    """What happened in one hour, or on one page in all hours."""

    numbers: Mapping[str, Any]
    """For a page, arrays with all hours."""
    percentiles: Mapping[int, tuple[int, float]]
    """Samples and 75th percentile of LCP, INP and CLS. Empty for a page."""


_NUMBERS = (
    "sessions",
    "error_sessions",
    "http_requests",
    "http_4xx",
    "http_5xx",
    "http_no_response",
    "navigations_satisfied",
    "navigations_tolerated",
    "navigations_frustrated",
)
_RATINGS = tuple(
    f"{kind.name.lower()}_{rating}"
    for kind in LEVELS
    for rating in ("good", "needs_improvement", "poor")
)
_NOTHING = Hours(dict.fromkeys(_NUMBERS, 0), {})


def hours(query: Query, ranges: Sequence[Range]) -> list[list[Hours]]:
    """Return all hours of each range."""
    levels: dict[tuple[int, int], dict[int, tuple[int, float]]] = {}
    for index, hour, kind, samples, value in levels_by_hour(query, ranges, LEVELS):
        levels.setdefault((index, hour), {})[kind] = (samples, value)
    found = [[_NOTHING] * each.length for each in ranges]
    for index, _, hour, values in numbers_by_hour(query, ranges, _NUMBERS):
        numbers = dict(zip(_NUMBERS, values, strict=True))
        found[index][hour] = Hours(numbers, levels.get((index, hour), {}))
    return found


def hours_of_pages(
    query: Query, ranges: Sequence[Range], pages: Sequence[str]
) -> list[dict[str, Hours]]:
    """Return the same for each of these pages, with ratings instead of percentiles."""
    names = (*_NUMBERS, *_RATINGS)
    found = [{page: np.zeros((len(names), each.length)) for page in pages} for each in ranges]
    for index, page, hour, values in numbers_by_hour(query, ranges, names, pages):
        if page in found[index]:
            found[index][page][:, hour] = values
    return [
        {page: Hours(dict(zip(names, of_page, strict=True)), {}) for page, of_page in each.items()}
        for each in found
    ]


def level(query: Query, selection: Selection, page: str, kind: Kind) -> tuple[float, int]:
    """Return the 75th percentile for one kind on one page, and its number of samples."""
    only = selection.having(Condition("page", (page,)))
    found = percentiles_75(query, only, lambda columns: columns.page, (kind,))
    samples, value = found.get(page, {}).get(kind, (0, 0.0))
    return value, samples


def busiest_pages(query: Query, selection: Selection, *, limit: int) -> list[str]:
    """Return the pages with the most page views."""
    views = views_by_page(query, Range(selection)).c
    rows = query(
        select(views.page)
        .where(views.page_views > 0, views.page != "")
        .group_by(views.page)
        .order_by(func.sum(views.page_views).desc(), views.page)
        .limit(limit)
    )
    return [page for (page,) in rows]


def has_events(query: Query, selection: Selection) -> bool:
    """Return whether a selection has any event."""
    return bool(query(select(events.c.ts).where(*selection.clauses()).limit(1)))


def first_event_ms(query: Query, monitor: int) -> int | None:
    """Return the time of the app monitor's first event, if it has one."""
    ((minute_ms,),) = query(
        select(func.min(event_counts.c.ts)).where(event_counts.c.monitor == monitor)
    )
    if minute_ms is None:
        return None
    of_minute = Selection(monitor, minute_ms, minute_ms + MINUTE_MS)
    ((first_ms,),) = query(select(func.min(events.c.ts)).where(*of_minute.clauses()))
    return int(first_ms)
