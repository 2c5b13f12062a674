"""Rewrites batches that have fewer events now, for erasures in a SQL database."""

from __future__ import annotations

__all__ = ["Change", "changes_of", "rewrite", "widen_spans"]

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    case,
    insert,
    select,
    update,
)

from rum_service.storage.database import Database
from rum_service.storage.payload import checksum, decompress, rewritten_form
from rum_service.storage.records import Remainder
from rum_service.storage.schema import (
    BLOCK_BITS,
    batch_spans,
    batches,
    erased_batches,
)
from rum_service.storage.sql_usage import subtract_counted

# Spans are rounded to 1,024 ms, as in the statements that insert batches.
_ROUNDED_MS = 1023
_CHANGED = ("payload", "digest", "checksum", "first_ms", "last_ms", "event_count", "country")
_UPDATE = (
    update(batches)
    .where(batches.c.sequence == bindparam("changed"))
    .values({name: bindparam(name) for name in _CHANGED})
)


class Change(NamedTuple):
    """A batch that has something to erase."""

    sequence: int
    left: Remainder
    saved_bytes: int
    """How many bytes shorter its payload is."""
    columns: dict[str, Any]
    """Its new values, for `_UPDATE`."""


def changes_of(
    connection: Connection,
    app_monitor: int,
    sequences: Sequence[int],
    remainder: Callable[[bytes], Remainder | None],
) -> list[Change]:
    """Return how to change batches. Those without anything to erase are left out."""
    rows = _rows(connection, app_monitor, sequences)
    return [change for row in rows if (change := _change(row, remainder)) is not None]


def rewrite(
    database: Database, connection: Connection, app_monitor: int, changes: Sequence[Change]
) -> None:
    """Store what is left of the batches, in few statements: puts wait for the transaction."""
    connection.execute(_UPDATE, [change.columns for change in changes])
    connection.execute(
        insert(erased_batches), [{"sequence": change.sequence} for change in changes]
    )
    times = [
        (change.sequence, change.columns["first_ms"], change.columns["last_ms"])
        for change in changes
    ]
    widen_spans(database, connection, app_monitor, times)
    saved = ((change.sequence, change.saved_bytes) for change in changes)
    subtract_counted(connection, app_monitor, saved)


def widen_spans(
    database: Database,
    connection: Connection,
    app_monitor: int,
    times: Iterable[tuple[int, int, int]],
) -> None:
    """Widen the spans so that reads by time find batches.

    Args:
        times: the sequence, `first_ms` and `last_ms` of each batch.
    """
    spans: dict[int, tuple[int, int]] = {}
    for sequence, first, last in times:
        block = sequence >> BLOCK_BITS
        known_first, known_last = spans.get(block, (first, last))
        spans[block] = min(first, known_first), max(last, known_last)
    new = database.insert(batch_spans)
    first_ms, last_ms = batch_spans.c.first_ms, batch_spans.c.last_ms
    connection.execute(
        new.on_conflict_do_update(
            index_elements=[batch_spans.c.app_monitor, batch_spans.c.block],
            set_={
                "first_ms": _smaller(first_ms, new.excluded.first_ms),
                "last_ms": _larger(last_ms, new.excluded.last_ms),
            },
        ),
        [
            {
                "app_monitor": app_monitor,
                "block": block,
                "first_ms": first & ~_ROUNDED_MS,
                "last_ms": last | _ROUNDED_MS,
            }
            for block, (first, last) in spans.items()
        ],
    )


def _change(row: Row[Any], remainder: Callable[[bytes], Remainder | None]) -> Change | None:
    """Return how to change a batch. None: another service has done it."""
    content = decompress(row.payload)
    left = remainder(content)
    if left is None:
        return None
    payload, digest = rewritten_form(left.content, before=content, digest=row.digest)
    columns = {
        "changed": row.sequence,
        "payload": payload,
        "digest": digest,
        # Without events, as for a batch that arrives without events.
        "first_ms": row.received_ms if left.first_ms is None else left.first_ms,
        "last_ms": row.received_ms if left.last_ms is None else left.last_ms,
        "event_count": left.event_count,
        "country": row.country if left.event_count else None,
        "checksum": checksum(payload),
    }
    return Change(row.sequence, left, len(row.payload) - len(payload), columns)


def _smaller(one: ColumnElement[int], other: ColumnElement[int]) -> ColumnElement[int]:
    return case((other < one, other), else_=one)


def _larger(one: ColumnElement[int], other: ColumnElement[int]) -> ColumnElement[int]:
    return case((other > one, other), else_=one)


def _rows(connection: Connection, app_monitor: int, sequences: Sequence[int]) -> Sequence[Row[Any]]:
    if not sequences:
        return []
    query: Select[Any] = (
        select(
            batches.c.sequence,
            batches.c.app_monitor,
            batches.c.received_ms,
            batches.c.payload,
            batches.c.digest,
            batches.c.country,
        )
        .where(batches.c.app_monitor == app_monitor, batches.c.sequence.in_(sequences))
        .order_by(batches.c.sequence)
    )
    return connection.execute(query).all()
