"""The rows of `schema.cursors` in DuckDB: a `Cursor` is kept as four of them. Pure."""

from __future__ import annotations

__all__ = [
    "add_events",
    "advance",
    "advance_erased",
    "count_events",
    "cursor_of",
    "finish_batch",
    "is_of_log",
    "new_cursors",
    "select_cursors",
    "set_scrubbed",
]

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Executable, Select, func, insert, select, update

from rum_projector.engines.base import Cursor, Place
from rum_projector.schema import VERSION, cursors, events

_TARGET = "rebuild"
"""The name of the cursor whose sequence is `Cursor.rebuild_until`."""
_ERASED = "erased"
"""The name of the cursor whose sequence is `Cursor.erased`."""
_SCRUBBED = "scrubbed"
"""The name of the cursor whose sequence is `Cursor.scrubbed`."""
_OTHER_CURSORS = {_TARGET, _ERASED, _SCRUBBED}


def new_cursors(name: str, *, rebuild_until: int, now_ms: int) -> Executable:
    """Return a statement that inserts the cursors of a projection of the log `name`."""
    start = {"version": VERSION, "position": 0, "events": 0, "updated_ms": now_ms}
    # Erasures are followed from the first one again, which changes nothing.
    sequences = {name: 0, _TARGET: rebuild_until, _ERASED: 0, _SCRUBBED: 0}
    return insert(cursors).values(
        [{**start, "name": cursor, "sequence": sequence} for cursor, sequence in sequences.items()]
    )


def select_cursors() -> Select[Any]:
    """Return the statement whose rows `is_of_log` and `cursor_of` read."""
    return select(cursors)


def is_of_log(rows: Sequence[tuple[Any, ...]], name: str) -> bool:
    """Return whether the cursors are those of the log `name` in this version of the schema."""
    versions = {cursor: version for cursor, version, *_ in rows}
    return versions.keys() == {name, *_OTHER_CURSORS} and versions[name] == VERSION


def cursor_of(rows: Sequence[tuple[Any, ...]], name: str) -> Cursor:
    """Return the cursor of the log `name`."""
    found = {cursor: row for cursor, _, *row in rows}
    sequence, position, count, updated_ms = found[name]
    return Cursor(
        Place(sequence, position),
        count,
        updated_ms,
        rebuild_until=found[_TARGET][0],
        erased=found[_ERASED][0],
        scrubbed=found[_SCRUBBED][0],
    )


def advance(name: str, *, after: Place, until: Place, added: int, now_ms: int) -> Executable:
    """Return a statement that moves the cursor and returns a row, if it is at `after`.

    Args:
        added: how many events are added.
    """
    at, events_now = cursors.c, cursors.c.events + added
    return (
        update(cursors)
        .where(at.name == name, at.sequence == after.sequence, at.position == after.position)
        .values(**until._asdict(), events=events_now, updated_ms=now_ms)
        .returning(at.sequence)
    )


def finish_batch(name: str, sequences: Collection[int]) -> Executable:
    """Return a statement that moves the cursor to the end of its batch, if it is one of these."""
    inside = cursors.c.name == name, cursors.c.sequence.in_(sequences)
    return update(cursors).where(*inside).values(position=0)


def advance_erased(*, after: int, change: int) -> Executable:
    """Return a statement that moves `Cursor.erased` and returns a row, if it is `after`."""
    return (
        update(cursors)
        .where(cursors.c.name == _ERASED, cursors.c.sequence == after)
        .values(sequence=change)
        .returning(cursors.c.sequence)
    )


def set_scrubbed(change: int) -> Executable:
    """Return a statement that sets `Cursor.scrubbed`."""
    return update(cursors).where(cursors.c.name == _SCRUBBED).values(sequence=change)


def add_events(name: str, added: int, *, now_ms: int) -> Executable:
    """Return a statement that adds to the number of events. `added` may be negative."""
    return (
        update(cursors)
        .where(cursors.c.name == name)
        .values(events=cursors.c.events + added, updated_ms=now_ms)
    )


def count_events(name: str) -> Executable:
    """Return a statement that sets the number of events to that of the rows of `events`."""
    remaining = select(func.count()).select_from(events).scalar_subquery()
    return update(cursors).where(cursors.c.name == name).values(events=remaining)
