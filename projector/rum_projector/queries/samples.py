"""The samples of metrics: tables with a step and a value, of which statistics are computed."""

from __future__ import annotations

__all__ = [
    "Clauses",
    "Dimensions",
    "Periods",
    "equal",
    "per_event",
    "per_session",
    "session_duration",
    "time_on_page",
]

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Subquery, func, literal, literal_column, select

from rum_projector.queries.base import step_of
from rum_projector.queries.measures import count_of
from rum_projector.schema import events
from rum_service.events.measures import Kind

_DAY_MS = 86_400_000

Clauses = Sequence[ColumnElement[bool]]
Dimensions = Sequence[tuple[str, Any]]
"""Columns of `events` with the value that they must have."""


class Periods(NamedTuple):
    """The requested time range and period length. Periods start at multiples of the length."""

    monitor: int
    after_ms: int
    before_ms: int
    period_ms: int

    @property
    def first_ms(self) -> int:
        """The start of the first period."""
        return self.after_ms // self.period_ms * self.period_ms

    def clauses(self, columns: Any, *, margin_ms: int = 0) -> list[ColumnElement[bool]]:
        """Return the clauses for app monitor and time range."""
        return [
            columns.monitor == self.monitor,
            columns.ts >= self.after_ms - margin_ms,
            columns.ts < self.before_ms + margin_ms,
        ]

    def step(self, column: Any = events.c.ts) -> Any:
        """Return the number of the period that contains a time."""
        return step_of(self.first_ms, self.period_ms, column).label("step")


def per_event(
    periods: Periods, dimensions: Dimensions, clauses: Clauses, value: Any = None
) -> Subquery:
    """Return one sample for each event: its value, or 1."""
    if value is None:
        value = literal(1)
    else:
        clauses = [*clauses, value.is_not(None)]
    return (
        select(periods.step(), value.label("value"))
        .where(*periods.clauses(events.c), *equal(events, dimensions), *clauses)
        .subquery("samples")
    )


def per_session(periods: Periods, dimensions: Dimensions, clauses: Clauses) -> Subquery:
    """Return one sample for each session and period: the number of its events."""
    return (
        select(periods.step(), count_of(*clauses).label("value"))
        .where(*periods.clauses(events.c), *equal(events, dimensions), events.c.session != "")
        .group_by(literal_column("step"), events.c.session)
        .subquery("samples")
    )


def session_duration(periods: Periods, dimensions: Dimensions) -> Subquery:
    """Return the time from the first to the last event of sessions, at the time of the first.

    A session may begin before the time range and end after it, but not by more than a day.
    """
    sessions = (
        select(
            func.min(events.c.ts).label("ts"),
            (func.max(events.c.ts) - func.min(events.c.ts)).label("value"),
        )
        .where(
            *periods.clauses(events.c, margin_ms=_DAY_MS),
            *equal(events, dimensions),
            events.c.session != "",
        )
        .group_by(events.c.session)
        .subquery("sessions")
    )
    return (
        select(periods.step(sessions.c.ts), sessions.c.value)
        .where(sessions.c.ts >= periods.after_ms, sessions.c.ts < periods.before_ms)
        .subquery("samples")
    )


def time_on_page(periods: Periods, dimensions: Dimensions) -> Subquery:
    """Return the time from each page view to the next, or to the last event of the session."""
    last_ms = func.max(events.c.ts).over(partition_by=events.c.session).label("last_ms")
    order = (events.c.ts, events.c.sequence, events.c.position)
    timed = (
        select(*events.c, last_ms)
        .where(*periods.clauses(events.c, margin_ms=_DAY_MS), events.c.session != "")
        .subquery("timed")
    )
    next_ms = func.lead(timed.c.ts).over(
        partition_by=timed.c.session, order_by=[timed.c[column.name] for column in order]
    )
    views = (
        select(*timed.c, next_ms.label("next_ms"))
        .where(timed.c.kind == Kind.PAGE_VIEW)
        .subquery("views")
    )
    value = func.coalesce(views.c.next_ms, views.c.last_ms) - views.c.ts
    return (
        select(periods.step(views.c.ts), value.label("value"))
        .where(*periods.clauses(views.c), *equal(views, dimensions))
        .subquery("samples")
    )


def equal(table: FromClause, dimensions: Dimensions) -> list[ColumnElement[bool]]:
    """Return the clauses for dimensions, for a table with the columns of `events`."""
    return [table.c[name] == value for name, value in dimensions]
