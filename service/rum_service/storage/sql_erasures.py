"""Erasures in a SQL database.

A batch is never deleted: its row is what makes a retry a duplicate. A row without events keeps only
the IDs of batch and app monitor, and the digest.
"""

from __future__ import annotations

__all__ = ["SqlErasures"]

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from rum_service.storage.database import Database
from rum_service.storage.records import ErasedBatch, ErasureRecord, Remainder
from rum_service.storage.schema import batches, erased_batches, erasures
from rum_service.storage.sql_retention import is_free
from rum_service.storage.sql_rewrite import changes_of, rewrite

_RECORDS = select(*(erasures.c[field.name] for field in fields(ErasureRecord)))
# The proof has no place for more. The number of all of them is exact.
_MAX_NOTED = 100
_UNFINISHED = erasures.c.finished_ms.is_(None)


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
        # Not in the transaction. With PostgreSQL, that would hold a lock of the sequence and wait
        # for the table, while the first start of a service holds the table's and waits for it.
        with self._database.read() as connection:
            through = self._database.newest_stored(connection)
        with self._database.write() as connection:
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
        damaged: Sequence[int] = (),
    ) -> ErasureRecord:
        with self._database.write() as connection:
            record = _record(connection, key)
            if record.finished_ms is not None:
                return record
            changes = changes_of(connection, record.app_monitor, sequences, remainder)
            if changes:
                rewrite(self._database, connection, record.app_monitor, changes)
            # Another service that does the same may have noted them.
            damaged = [sequence for sequence in damaged if sequence < record.below_sequence]
            noted = [*record.damaged_sequences, *damaged][:_MAX_NOTED]
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
                    damaged_batches=erasures.c.damaged_batches + len(damaged),
                    damaged_sequences=" ".join(map(str, noted)),
                )
            )
            return _record(connection, key)

    def claim(self, key: int, *, now_ms: int, until_ms: int, held_ms: int | None) -> bool:
        change = (
            update(erasures)
            .where(
                erasures.c.key == key,
                _UNFINISHED,
                is_free(
                    erasures.c.claimed_until_ms,
                    now_ms=now_ms,
                    until_ms=until_ms,
                    held_ms=held_ms,
                ),
            )
            .values(claimed_until_ms=until_ms)
        )
        with self._database.write() as connection:
            return connection.execute(change).rowcount == 1

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


def _record(connection: Connection, key: int) -> ErasureRecord:
    return _as_record(connection.execute(_RECORDS.where(erasures.c.key == key)).one())


def _as_record(row: Iterable[Any]) -> ErasureRecord:
    columns = list(row)
    columns[-1] = [int(sequence) for sequence in columns[-1].split()]
    return ErasureRecord(*columns)
