"""TailEvents: events in the order in which they were stored."""

from __future__ import annotations

__all__ = ["TailFilter", "newest", "stored_after"]

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_, select

from rum_projector.queries.base import Condition, Query, clause_of
from rum_projector.queries.sessions import REF_COLUMNS, EventRef
from rum_projector.schema import events
from rum_service.events.measures import Kind, kind_of


@dataclass(frozen=True, slots=True)
class TailFilter:
    """Selects the events to return."""

    monitor: int
    """The key of the app monitor."""
    conditions: tuple[Condition, ...] = ()
    types: tuple[str, ...] = ()
    """Alternatives. None: all types."""
    session: str = ""

    def clauses(self) -> list[ColumnElement[bool]]:
        """Return it as SQL."""
        clauses = [events.c.monitor == self.monitor]
        clauses += map(clause_of, self.conditions)
        if self.types:
            clauses.append(or_(*map(_is_of_type, self.types)))
        if self.session:
            clauses.append(events.c.session == self.session)
        return clauses


def _is_of_type(event_type: str) -> ColumnElement[bool]:
    kind = kind_of(event_type)
    if kind == Kind.OTHER:
        return and_(events.c.kind == kind, events.c.type == event_type)
    return events.c.kind == kind


def newest(query: Query, wanted: TailFilter, *, limit: int) -> list[EventRef]:
    """Return the latest events, oldest first."""
    rows = query(
        select(*REF_COLUMNS)
        .where(*wanted.clauses())
        .order_by(events.c.sequence.desc(), events.c.position.desc())
        .limit(limit)
    )
    return [EventRef(*row) for row in reversed(rows)]


def stored_after(
    query: Query, wanted: TailFilter, *, sequence: int, position: int, limit: int
) -> list[EventRef]:
    """Return the events after a position in the log, oldest first."""
    rows = query(
        select(*REF_COLUMNS)
        .where(
            *wanted.clauses(),
            # Lets the database skip older parts of the table.
            events.c.sequence >= sequence,
            or_(events.c.sequence > sequence, events.c.position > position),
        )
        .order_by(events.c.sequence, events.c.position)
        .limit(limit)
    )
    return [EventRef(*row) for row in rows]
