"""ListChanges: measures of each hour, as the detector of changes takes them."""

from __future__ import annotations

__all__ = ["HOUR_MS", "NOTHING", "Hours", "first_event_ms", "hours"]

from typing import Any, NamedTuple

from sqlalchemy import func, literal_column, select

from rum_projector.queries.base import Query, Selection, distinct_count, quantile, step_of
from rum_projector.queries.measures import NAVIGATIONS, count_of, value_of
from rum_projector.schema import events
from rum_service.events.measures import Kind

HOUR_MS = 3_600_000

_IS_HTTP = events.c.kind == Kind.HTTP


class Hours(NamedTuple):
    """What happened in one hour."""

    sessions: int
    error_sessions: int
    http_requests: int
    http_4xx: int
    http_5xx: int
    http_no_response: int
    satisfied: int
    tolerated: int
    frustrated: int
    lcps: int
    lcp_p75: float | None
    inps: int
    inp_p75: float | None
    clss: int
    cls_p75: float | None

    @property
    def navigations(self) -> int:
        """All navigations that have a duration."""
        return self.satisfied + self.tolerated + self.frustrated


NOTHING = Hours(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, None, 0, None, 0, None)

_COLUMNS: list[Any] = [
    distinct_count(events.c.session),
    distinct_count(events.c.session).filter(events.c.kind == Kind.JS_ERROR),
    count_of(_IS_HTTP),
    count_of(_IS_HTTP, events.c.status.between(400, 499)),
    count_of(_IS_HTTP, events.c.status.between(500, 599)),
    count_of(_IS_HTTP, events.c.status == 0),
    *NAVIGATIONS,
]
for _kind in (Kind.LCP, Kind.INP, Kind.CLS):
    _COLUMNS += [func.count(value_of(_kind)), quantile(value_of(_kind), "0.75")]


def hours(query: Query, selection: Selection, *, first_ms: int) -> list[Hours]:
    """Return all hours of a selection.

    Args:
        first_ms: the start of the first hour, at most an hour before the selection.
    """
    count = -((first_ms - selection.before_ms) // HOUR_MS)
    found = [NOTHING] * count
    rows = query(
        select(step_of(first_ms, HOUR_MS).label("step"), *_COLUMNS)
        .where(*selection.clauses())
        .group_by(literal_column("step"))
    )
    for step, *values in rows:
        found[step] = Hours(*values)
    return found


def first_event_ms(query: Query, monitor: int) -> int | None:
    """Return the time of the first event of an app monitor, if it has one."""
    ((first_ms,),) = query(select(func.min(events.c.ts)).where(events.c.monitor == monitor))
    return None if first_ms is None else int(first_ms)
