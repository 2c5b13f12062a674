"""Erasures in a SQL database.

A batch is never deleted: its row is what makes a retry a duplicate. A row without events keeps only
the IDs of batch and app monitor, and the digest.
"""

from __future__ import annotations

__all__ = ["SqlErasures"]

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    case,
    func,
    insert,
    select,
    update,
)

from rum_service.storage.database import Database
from rum_service.storage.payload import checksum, decompress, rewritten_form
from rum_service.storage.records import ErasedBatch, ErasureRecord, Remainder
from rum_service.storage.schema import (
    BLOCK_BITS,
    batch_spans,
    batches,
    counted_batches,
    erased_batches,
    erasures,
    stored_bytes,
)

# Spans are rounded to 1,024 ms, as in the statements that insert batches.
_ROUNDED_MS = 1023
_RECORDS = select(
    erasures.c.key,
    erasures.c.app_monitor,
    erasures.c.app_monitor_name,
    erasures.c.kind,
    erasures.c.subject,
    erasures.c.digest,
    erasures.c.erased_by,
    erasures.c.began_ms,
    erasures.c.finished_ms,
    erasures.c.through_sequence,
    erasures.c.below_sequence,
    erasures.c.deleted_batches,
    erasures.c.rewritten_batches,
    erasures.c.events,
    erasures.c.bytes,
)
_UNFINISHED = erasures.c.finished_ms.is_(None)
_COUNTED = select(counted_batches.c.sequence)
_CHANGED = ("payload", "digest", "checksum", "first_ms", "last_ms", "event_count", "country")
_UPDATE = (
    update(batches)
    .where(batches.c.sequence == bindparam("changed"))
    .values({name: bindparam(name) for name in _CHANGED})
)


class _Change(NamedTuple):
    """A batch that has something to erase."""

    sequence: int
    left: Remainder
    saved_bytes: int
    """How many bytes shorter its payload is."""
    columns: dict[str, Any]
    """Its new values, for `_UPDATE`."""


class SqlErasures:
    """Implements `ErasureStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(
        self,
        app_monitor: int,
        app_monitor_name: str,
        *,
        kind: str,
        subject: str,
        digest: bytes,
        erased_by: str,
        now_ms: int,
    ) -> ErasureRecord:
        newest = select(func.coalesce(func.max(batches.c.sequence), 0))
        with self._database.write() as connection:
            through = connection.execute(newest).scalar_one()
            new = {
                "app_monitor": app_monitor,
                "app_monitor_name": app_monitor_name,
                "kind": kind,
                "subject": subject,
                "digest": digest,
                "erased_by": erased_by,
                "began_ms": now_ms,
                "through_sequence": through,
                "below_sequence": through + 1,
                "deleted_batches": 0,
                "rewritten_batches": 0,
                "events": 0,
                "bytes": 0,
            }
            created = insert(erasures).values(new).returning(erasures.c.key)
            return _record(connection, connection.execute(created).scalar_one())

    def advance(
        self,
        key: int,
        *,
        sequences: Sequence[int],
        below: int,
        remainder: Callable[[bytes], Remainder | None],
    ) -> ErasureRecord:
        with self._database.write() as connection:
            record = _record(connection, key)
            if record.finished_ms is not None:
                return record
            changes = [
                change
                for row in _rows(connection, record.app_monitor, sequences)
                if (change := _change(row, remainder)) is not None
            ]
            if changes:
                self._rewrite(connection, record.app_monitor, changes)
            deleted = sum(not change.left.event_count for change in changes)
            connection.execute(
                update(erasures)
                .where(erasures.c.key == key)
                .values(
                    below_sequence=min(below, record.below_sequence),
                    deleted_batches=erasures.c.deleted_batches + deleted,
                    rewritten_batches=erasures.c.rewritten_batches + len(changes) - deleted,
                    events=erasures.c.events + sum(change.left.erased_events for change in changes),
                    bytes=erasures.c.bytes + sum(change.saved_bytes for change in changes),
                )
            )
            return _record(connection, key)

    def finish(self, key: int, *, now_ms: int) -> ErasureRecord:
        finish = update(erasures).where(erasures.c.key == key, _UNFINISHED)
        with self._database.write() as connection:
            connection.execute(finish.values(finished_ms=now_ms, below_sequence=0, subject=None))
            return _record(connection, key)

    def scrub(self) -> bool:
        return self._database.scrub()

    def progress(self, app_monitor: int, *, through: int, below: int) -> tuple[int, int]:
        counts = select(func.count().filter(batches.c.sequence >= below), func.count()).where(
            batches.c.app_monitor == app_monitor, batches.c.sequence <= through
        )
        with self._database.read() as connection:
            searched, total = connection.execute(counts).one()
            return searched, total

    def by_key(self, key: int) -> ErasureRecord | None:
        with self._database.read() as connection:
            row = connection.execute(_RECORDS.where(erasures.c.key == key)).one_or_none()
            return _as_record(row) if row else None

    def list(self, *, below: int | None, limit: int) -> Sequence[ErasureRecord]:
        query = _RECORDS.order_by(erasures.c.key.desc()).limit(limit)
        if below is not None:
            query = query.where(erasures.c.key < below)
        with self._database.read() as connection:
            return [_as_record(row) for row in connection.execute(query)]

    def unfinished(self) -> Sequence[ErasureRecord]:
        query = _RECORDS.where(_UNFINISHED).order_by(erasures.c.key)
        with self._database.read() as connection:
            return [_as_record(row) for row in connection.execute(query)]

    def changed_after(self, change: int, *, limit: int) -> Sequence[ErasedBatch]:
        query = (
            select(erased_batches.c.change, erased_batches.c.sequence)
            .where(erased_batches.c.change > change)
            .order_by(erased_batches.c.change)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [ErasedBatch(*row) for row in connection.execute(query)]

    def _rewrite(
        self, connection: Connection, app_monitor: int, changes: Sequence[_Change]
    ) -> None:
        """Store what is left of the batches, in few statements: puts wait for the transaction."""
        connection.execute(_UPDATE, [change.columns for change in changes])
        connection.execute(
            insert(erased_batches), [{"sequence": change.sequence} for change in changes]
        )
        self._widen_spans(connection, app_monitor, changes)
        counted = connection.execute(_COUNTED).scalar_one()
        saved = sum(change.saved_bytes for change in changes if change.sequence <= counted)
        connection.execute(
            update(stored_bytes)
            .where(stored_bytes.c.app_monitor == app_monitor)
            .values(bytes=stored_bytes.c.bytes - saved)
        )

    def _widen_spans(
        self, connection: Connection, app_monitor: int, changes: Sequence[_Change]
    ) -> None:
        """Widen the spans so that reads by time find the batches by their time of receipt."""
        spans: dict[int, tuple[int, int]] = {}
        for change in changes:
            block = change.sequence >> BLOCK_BITS
            first, last = change.columns["first_ms"], change.columns["last_ms"]
            known_first, known_last = spans.get(block, (first, last))
            spans[block] = min(first, known_first), max(last, known_last)
        new = self._database.insert(batch_spans)
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


def _change(row: Row[Any], remainder: Callable[[bytes], Remainder | None]) -> _Change | None:
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
    return _Change(row.sequence, left, len(row.payload) - len(payload), columns)


def _smaller(one: ColumnElement[int], other: ColumnElement[int]) -> ColumnElement[int]:
    return case((other < one, other), else_=one)


def _larger(one: ColumnElement[int], other: ColumnElement[int]) -> ColumnElement[int]:
    return case((other > one, other), else_=one)


def _record(connection: Connection, key: int) -> ErasureRecord:
    return _as_record(connection.execute(_RECORDS.where(erasures.c.key == key)).one())


def _as_record(row: Iterable[Any]) -> ErasureRecord:
    return ErasureRecord(*row)


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
