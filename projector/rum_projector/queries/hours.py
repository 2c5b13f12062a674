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
]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, func, select

from rum_projector.queries.base import Query, Selection, step_of
from rum_projector.queries.counts import Counted, counted, percentiles_75, visitors
from rum_projector.schema import events
from rum_service.events.measures import Kind

HOUR_MS = 3_600_000

_VITALS = (Kind.LCP, Kind.INP, Kind.CLS)


@dataclass(frozen=True)
class Hours:
    """What happened in one hour."""

    sessions: int
    error_sessions: int
    counted: Counted
    percentiles: Mapping[int, tuple[int, float]]
    """Samples and 75th percentile of LCP, INP and CLS."""


_NONE = Counted()
NOTHING = Hours(0, 0, _NONE, {})


def hours(query: Query, selection: Selection, *, first_ms: int) -> list[Hours]:
    """Return all hours in the selection.

    Args:
        first_ms: the start of the first hour, at most an hour before the selection.
    """
    found = _hours(query, selection.clauses(), step_of(first_ms, HOUR_MS))
    return [found.get(index, NOTHING) for index in range(_number(selection, first_ms))]


def hours_of_pages(
    query: Query, selection: Selection, pages: Sequence[str], *, first_ms: int
) -> dict[str, list[Hours]]:
    """Return the same for each of these pages."""
    number = _number(selection, first_ms)
    place = case({page: index for index, page in enumerate(pages)}, value=events.c.page)
    clauses = [*selection.clauses(), events.c.page.in_(pages)]
    found = _hours(query, clauses, place * number + step_of(first_ms, HOUR_MS))
    return {
        page: [found.get(index * number + hour, NOTHING) for hour in range(number)]
        for index, page in enumerate(pages)
    }


def busiest_pages(query: Query, selection: Selection, *, limit: int) -> list[str]:
    """Return the pages with the most page views."""
    views = func.count()
    rows = query(
        select(events.c.page)
        .where(*selection.clauses(), events.c.kind == Kind.PAGE_VIEW, events.c.page != "")
        .group_by(events.c.page)
        .order_by(views.desc(), events.c.page)
        .limit(limit)
    )
    return [page for (page,) in rows]


def _number(selection: Selection, first_ms: int) -> int:
    return -((first_ms - selection.before_ms) // HOUR_MS)


def _hours(
    query: Query, clauses: Sequence[ColumnElement[bool]], by: ColumnElement[int]
) -> dict[int, Hours]:
    sessions = visitors(query, clauses, by)
    failing = visitors(query, [*clauses, events.c.kind == Kind.JS_ERROR], by)
    numbers = counted(query, clauses, by)
    percentiles = percentiles_75(query, clauses, by, _VITALS)
    return {
        key: Hours(count, failing.get(key, 0), numbers.get(key, _NONE), percentiles.get(key, {}))
        for key, count in sessions.items()
    }


def has_events(query: Query, selection: Selection) -> bool:
    """Return whether a selection has any event."""
    return bool(query(select(events.c.ts).where(*selection.clauses()).limit(1)))


def first_event_ms(query: Query, monitor: int) -> int | None:
    """Return the time of the app monitor's first event, if it has one."""
    ((first_ms,),) = query(select(func.min(events.c.ts)).where(events.c.monitor == monitor))
    return None if first_ms is None else int(first_ms)
