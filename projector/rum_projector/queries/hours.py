"""ListChanges: measures of each hour, as the detector of changes takes them."""

from __future__ import annotations

__all__ = ["HOUR_MS", "Hours", "first_event_ms", "hours"]

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

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


def hours(query: Query, selection: Selection, *, first_ms: int) -> list[Hours]:
    """Return all hours of a selection.

    Args:
        first_ms: the start of the first hour, at most an hour before the selection.
    """
    clauses, hour = selection.clauses(), step_of(first_ms, HOUR_MS)
    sessions = visitors(query, clauses, hour)
    failing = visitors(query, [*clauses, events.c.kind == Kind.JS_ERROR], hour)
    numbers = counted(query, clauses, hour)
    percentiles = percentiles_75(query, clauses, hour, _VITALS)
    return [
        Hours(
            sessions.get(index, 0),
            failing.get(index, 0),
            numbers.get(index, Counted()),
            percentiles.get(index, {}),
        )
        for index in range(-((first_ms - selection.before_ms) // HOUR_MS))
    ]


def first_event_ms(query: Query, monitor: int) -> int | None:
    """Return the time of the first event of an app monitor, if it has one."""
    ((first_ms,),) = query(select(func.min(events.c.ts)).where(events.c.monitor == monitor))
    return None if first_ms is None else int(first_ms)
