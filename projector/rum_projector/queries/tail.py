"""TailEvents: events in the order in which they were stored."""

from __future__ import annotations

__all__ = ["newest", "stored_after"]

from sqlalchemy import or_, select

from rum_projector.queries.base import Query
from rum_projector.queries.sessions import EventRef
from rum_projector.schema import events

_REF = tuple(events.c[name] for name in EventRef._fields)


def newest(query: Query, monitor: int, *, limit: int) -> list[EventRef]:
    """Return the latest events, oldest first."""
    rows = query(
        select(*_REF)
        .where(events.c.monitor == monitor)
        .order_by(events.c.sequence.desc(), events.c.position.desc())
        .limit(limit)
    )
    return [EventRef(*row) for row in reversed(rows)]


def stored_after(
    query: Query, monitor: int, *, sequence: int, position: int, limit: int
) -> list[EventRef]:
    """Return the events after a position in the log, oldest first."""
    rows = query(
        select(*_REF)
        .where(
            events.c.monitor == monitor,
            # Lets the database skip older parts of the table.
            events.c.sequence >= sequence,
            or_(events.c.sequence > sequence, events.c.position > position),
        )
        .order_by(events.c.sequence, events.c.position)
        .limit(limit)
    )
    return [EventRef(*row) for row in rows]
