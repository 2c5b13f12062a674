"""The log of batches in a SQL database.

Source of the layout: docs/decisions/0001-the-log-then-projections.md.
"""

from __future__ import annotations

__all__ = ["SqlLog"]

from collections.abc import Sequence

from sqlalchemy import Select, bindparam, delete, exists, func, insert, select, update

from rum_service.storage.damage import DamagedBatches
from rum_service.storage.database import Database
from rum_service.storage.schema import app_monitors, batches, removals, write_checks
from rum_service.storage.sql_append import LogAppender
from rum_service.storage.sql_imports import forget_imported
from rum_service.storage.sql_reads import LogReader
from rum_service.storage.sql_removal import delete_spans_before, note_removed
from rum_service.storage.sql_usage import subtract_usage

# Built once: building a statement costs more than executing it.
_NEXT_RECEIVED = (
    select(batches.c.received_ms)
    .where(batches.c.sequence > bindparam("sequence"))
    .order_by(batches.c.sequence)
    .limit(1)
)
_NEWEST_REMOVED = select(removals.c.sequence)
_OLDEST = (
    select(batches.c.sequence)
    .where(batches.c.app_monitor == bindparam("app_monitor"))
    .order_by(batches.c.sequence)
    .limit(bindparam("count"))
)


def _deleted_app_monitors() -> Select[int]:
    """Return a query that seeks the next app monitor in the index, instead of reading all of it."""
    key = func.min(batches.c.app_monitor).label("key")
    keys = select(key).cte("keys", recursive=True)
    following = select(key).where(batches.c.app_monitor > keys.c.key).scalar_subquery()
    keys = keys.union_all(select(following).where(keys.c.key.is_not(None)))
    exists_still = exists().where(app_monitors.c.key == keys.c.key)
    return select(keys.c.key).where(keys.c.key.is_not(None), ~exists_still).order_by(keys.c.key)


_DELETED = _deleted_app_monitors()

# No app monitor has key 0.
_PROBE = {
    "app_monitor": 0,
    "batch_id": bytes(16),
    "digest": b"",
    "received_ms": 0,
    "first_ms": 0,
    "last_ms": 0,
    "event_count": 0,
    "payload": b"",
    "dropped_events": 1,
    "country": None,
    "checksum": 0,
}


class SqlLog:
    """Implements `LogStore`."""

    def __init__(self, database: Database, damaged: DamagedBatches) -> None:
        self._database = database
        reader = LogReader(database, damaged)
        self.append = LogAppender(database, damaged).append
        self.read = reader.read
        self.after = reader.after
        sequence = database.probe_sequence
        self._probe_sequence = {} if sequence is None else {"sequence": sequence}

    def maintain(self, now_ms: int | None = None) -> None:
        self._database.maintain(now_ms)

    def received_after(self, sequence: int) -> int | None:
        with self._database.read() as connection:
            received: int | None = connection.execute(
                _NEXT_RECEIVED, {"sequence": sequence}
            ).scalar()
            return received

    def newest_sequence(self) -> int:
        with self._database.read() as connection:
            removed: int = connection.execute(_NEWEST_REMOVED).scalar_one()
            return max(removed, self._database.newest_stored(connection))

    def purge(self, app_monitor: int, *, limit: int) -> int:
        # Choose the batches before taking the write lock. With a year of partitions, PostgreSQL
        # needs 0.2 s to plan a statement that does not name sequences (2026-11).
        bounds = {"app_monitor": app_monitor, "count": limit + 1}
        with self._database.read() as connection:
            sequences = connection.execute(_OLDEST, bounds).scalars().all()
        oldest, kept = sequences[:limit], sequences[limit:]
        with self._database.write() as connection:
            purged: Sequence[int] = ()
            if oldest:
                are_oldest = (batches.c.app_monitor == app_monitor) & batches.c.sequence.between(
                    oldest[0], oldest[-1]
                )
                subtract_usage(connection, app_monitor, are_oldest)
                deletion = delete(batches).where(are_oldest).returning(batches.c.sequence)
                purged = connection.execute(deletion).scalars().all()
            if purged:
                note_removed(connection, purged)
                forget_imported(connection, app_monitor, purged)
            delete_spans_before(connection, app_monitor, kept[0] if kept else None)
        # Not what was purged: another process may purge the same batches, and end too early.
        return len(oldest)

    def dropped_events(self, app_monitors: Sequence[int]) -> dict[int, int]:
        # The partial index has both columns of the condition, so no batch is read.
        query = (
            select(batches.c.app_monitor, func.sum(batches.c.dropped_events))
            .where(batches.c.app_monitor.in_(app_monitors), batches.c.dropped_events > 0)
            .group_by(batches.c.app_monitor)
        )
        with self._database.read() as connection:
            return {key: int(dropped) for key, dropped in connection.execute(query)}

    def dropped_from(self, sequences: Sequence[int]) -> int:
        query = select(func.coalesce(func.sum(batches.c.dropped_events), 0)).where(
            batches.c.sequence.in_(sequences)
        )
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def deleted_app_monitors(self) -> list[int]:
        with self._database.read() as connection:
            return list(connection.execute(_DELETED).scalars())

    def check_writable(self) -> None:
        first = self._database.insert(write_checks).values(id=1, checks=0).on_conflict_do_nothing()
        with self._database.write() as connection:
            # The row and the entries of all indexes. No other transaction sees it.
            probe = insert(batches).values({**_PROBE, **self._probe_sequence})
            sequence = connection.execute(probe.returning(batches.c.sequence)).scalar_one()
            connection.execute(delete(batches).where(batches.c.sequence == sequence))
            connection.execute(first)
            connection.execute(update(write_checks).values(checks=write_checks.c.checks + 1))
