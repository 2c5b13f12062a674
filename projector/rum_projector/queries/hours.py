"""ListChanges: measures of each hour, as the detector of changes takes them."""

from __future__ import annotations

__all__ = [
    "HOUR_MS",
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
from sqlalchemy import ColumnElement, func, literal_column, select

from rum_projector.queries.base import Condition, Query, Selection, step_of
from rum_projector.queries.counts import counted, counts_of, number, percentiles_75
from rum_projector.schema import HOUR_MS, MINUTE_MS, event_counts, events
from rum_service.events.measures import Kind

_MANY_PAGES = 40
_VITALS = (Kind.LCP, Kind.INP, Kind.CLS)


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
    for kind in _VITALS
    for rating in ("good", "needs_improvement", "poor")
)
_NOTHING = Hours(dict.fromkeys(_NUMBERS, 0), {})


def hours(query: Query, selection: Selection, *, first_ms: int) -> list[Hours]:
    """Return all hours in the selection.

    Args:
        first_ms: the start of the first hour, at most an hour before the selection.
    """

    def by(columns: Any) -> ColumnElement[int]:
        return step_of(first_ms, HOUR_MS, columns.ts)

    found = counted(query, counts_of(query, selection), _NUMBERS, by)
    percentiles = percentiles_75(query, selection, by, _VITALS)
    return [
        Hours(found[index], percentiles.get(index, {})) if index in found else _NOTHING
        for index in range(_number(selection, first_ms))
    ]


def hours_of_pages(
    query: Query, selection: Selection, pages: Sequence[str], *, first_ms: int
) -> dict[str, Hours]:
    """Return the same for each of these pages, with ratings instead of percentiles."""
    names = (*_NUMBERS, *_RATINGS)
    if len(pages) >= _MANY_PAGES:  # a long condition takes longer than some more pages
        selection = selection.having(Condition("page", tuple(pages)))
    counts = counts_of(query, selection)
    step = step_of(first_ms, HOUR_MS, counts.c.ts).label("step")
    numbers = [number(counts, name) for name in names]
    rows = query(
        select(counts.c.page, step, *numbers).group_by(counts.c.page, literal_column("step"))
    )
    found = {page: np.zeros((len(names), _number(selection, first_ms))) for page in pages}
    for page, hour, *values in rows:
        if page in found:
            found[page][:, hour] = values
    return {
        page: Hours(dict(zip(names, of_page, strict=True)), {}) for page, of_page in found.items()
    }


def level(query: Query, selection: Selection, page: str, kind: Kind) -> tuple[float, int]:
    """Return the 75th percentile for one kind on one page, and its number of samples."""
    only = selection.having(Condition("page", (page,)))
    found = percentiles_75(query, only, lambda columns: columns.page, (kind,))
    samples, value = found.get(page, {}).get(kind, (0, 0.0))
    return value, samples


def busiest_pages(query: Query, selection: Selection, *, limit: int) -> list[str]:
    """Return the pages with the most page views."""
    counts = counts_of(query, selection)
    views = func.sum(counts.c.page_views)
    rows = query(
        select(counts.c.page)
        .where(counts.c.page_views > 0, counts.c.page != "")
        .group_by(counts.c.page)
        .order_by(views.desc(), counts.c.page)
        .limit(limit)
    )
    return [page for (page,) in rows]


def _number(selection: Selection, first_ms: int) -> int:
    return -((first_ms - selection.before_ms) // HOUR_MS)


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
