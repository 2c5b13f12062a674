"""The store on a SQL database, in SQLAlchemy Core. A `Database` holds what dialects differ in.

Source of the layout: docs/decisions/0001-the-log-then-projections.md.
"""

from __future__ import annotations

__all__ = ["SqlStore"]

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, exists, func, select, update
from sqlalchemy.exc import IntegrityError

from rum_service.storage.base import NameTakenError, QuotaReachedError
from rum_service.storage.database import Database
from rum_service.storage.records import AppMonitorRecord, Batch, LoggedBatch
from rum_service.storage.schema import app_monitors, batches, write_checks
from rum_service.storage.sql_credentials import SqlCredentials
from rum_service.storage.sql_metrics import SqlMetrics, delete_metrics_of

# A group of the smallest batches has 40,000. A query takes 32,766 parameters in SQLite, 65,535
# in PostgreSQL.
_AT_ONCE = 1000


class SqlStore(SqlCredentials, SqlMetrics):
    """One connection writes at a time; any number read."""

    def __init__(self, dialect: Database) -> None:
        super().__init__(dialect)
        self._insert_batches, self._row = _compiled(dialect)

    def append(self, new: Sequence[Batch]) -> list[bool]:
        rows = [self._row(batch) for batch in new]
        with self._write_lock, self._writer.begin() as connection:
            inserted = sum(
                connection.exec_driver_sql(
                    self._insert_batches, rows[start : start + _AT_ONCE]
                ).rowcount
                for start in range(0, len(rows), _AT_ONCE)
            )
            if inserted == len(new):
                return [True] * len(new)
            held = _digests(connection, new)
        return [held[batch.app_monitor, batch.batch_id] == batch.digest for batch in new]

    def read(
        self, app_monitor: int, *, below: int | None, after_ms: int, before_ms: int, limit: int
    ) -> list[LoggedBatch]:
        query = (
            select(batches.c.sequence, batches.c.received_ms, batches.c.payload)
            .where(batches.c.app_monitor == app_monitor)
            .where(batches.c.last_ms >= after_ms, batches.c.first_ms <= before_ms)
            .order_by(batches.c.sequence.desc())
            .limit(limit)
        )
        if below is not None:
            query = query.where(batches.c.sequence < below)
        with self._reader.connect() as connection:
            return [LoggedBatch(*row) for row in connection.execute(query)]

    def dropped_events(self, keys: Sequence[int]) -> dict[int, int]:
        # Both conditions as the partial index has them: no batch itself is looked at.
        query = (
            select(batches.c.app_monitor, func.sum(batches.c.dropped_events))
            .where(batches.c.app_monitor.in_(keys), batches.c.dropped_events > 0)
            .group_by(batches.c.app_monitor)
        )
        with self._reader.connect() as connection:
            return {key: int(dropped) for key, dropped in connection.execute(query)}

    def purge(self, app_monitor: int, *, limit: int) -> int:
        oldest = (
            select(batches.c.sequence)
            .where(batches.c.app_monitor == app_monitor)
            .order_by(batches.c.sequence)
            .limit(limit)
        )
        with self._write_lock, self._writer.begin() as connection:
            return connection.execute(
                delete(batches).where(batches.c.sequence.in_(oldest.scalar_subquery()))
            ).rowcount

    def check_writable(self) -> None:
        first = self._insert(write_checks).values(id=1, checks=0).on_conflict_do_nothing()
        with self._write_lock, self._writer.begin() as connection:
            connection.execute(first)
            connection.execute(update(write_checks).values(checks=write_checks.c.checks + 1))

    def create_app_monitor(
        self, monitor_id: str, name: str, document: str, *, limit: int | None = None
    ) -> AppMonitorRecord:
        values = {"id": monitor_id, "name": name, "document": document}
        count = select(func.count()).select_from(app_monitors)
        try:
            with self._write_lock, self._writer.begin() as connection:
                key = connection.execute(
                    self._insert(app_monitors).values(values).returning(app_monitors.c.key)
                ).scalar_one()
                if limit is not None and connection.execute(count).scalar_one() > limit:
                    raise QuotaReachedError  # which takes the transaction back
        except IntegrityError:
            raise NameTakenError from None
        return AppMonitorRecord(key, monitor_id, name, document)

    def app_monitor_by_id(self, monitor_id: str) -> AppMonitorRecord | None:
        return self._one(_records().where(app_monitors.c.id == monitor_id))

    def app_monitor_by_name(self, name: str) -> AppMonitorRecord | None:
        return self._one(_records().where(app_monitors.c.name == name))

    def list_app_monitors(self, *, after: str, limit: int) -> list[AppMonitorRecord]:
        query = _records().where(app_monitors.c.name > after)
        with self._reader.connect() as connection:
            rows = connection.execute(query.order_by(app_monitors.c.name).limit(limit))
            return [_record(row) for row in rows]

    def update_app_monitor(self, key: int, expected: str, document: str) -> bool:
        unchanged = (app_monitors.c.key == key) & (app_monitors.c.document == expected)
        with self._write_lock, self._writer.begin() as connection:
            changed = connection.execute(
                update(app_monitors).where(unchanged).values(document=document)
            )
            return changed.rowcount == 1

    def delete_app_monitor(self, key: int) -> bool:
        with self._write_lock, self._writer.begin() as connection:
            gone = connection.execute(delete(app_monitors).where(app_monitors.c.key == key))
            delete_metrics_of(connection, key)
            return gone.rowcount == 1

    def set_policy(
        self, key: int, *, expected: str | None, policy: str | None, revision: str | None
    ) -> bool:
        # IS NOT DISTINCT FROM: no policy is a revision like any other.
        unchanged = app_monitors.c.policy_revision.is_not_distinct_from(expected)
        with self._write_lock, self._writer.begin() as connection:
            changed = connection.execute(
                update(app_monitors)
                .where(app_monitors.c.key == key, unchanged)
                .values(policy=policy, policy_revision=revision)
            )
            return changed.rowcount == 1

    def deleted_app_monitors(self) -> list[int]:
        gone = ~exists().where(app_monitors.c.key == batches.c.app_monitor)
        with self._reader.connect() as connection:
            keys = connection.execute(select(batches.c.app_monitor).where(gone).distinct())
            return sorted(keys.scalars())

    def _one(self, query: Select[Any]) -> AppMonitorRecord | None:
        with self._reader.connect() as connection:
            row = connection.execute(query).one_or_none()
            return _record(row) if row else None

    def close(self) -> None:
        self._writer.dispose()
        self._reader.dispose()


def _compiled(dialect: Database) -> tuple[str, Callable[[Batch], Any]]:
    """Returns the insertion of batches as its driver takes it, and what makes a row of a batch.

    Core would look at each value of each row: 28 against 19 µs a batch, ten at a time (2026-11).
    """
    names = list(Batch.__slots__)
    insert = dialect.insert(batches).on_conflict_do_nothing()
    compiled = insert.compile(dialect=dialect.writer.dialect, column_keys=names)
    if compiled.positiontup:
        return str(compiled), attrgetter(*compiled.positiontup)
    return str(compiled), lambda batch: {name: getattr(batch, name) for name in names}


def _digests(connection: Connection, new: Sequence[Batch]) -> dict[tuple[int, bytes], bytes]:
    """Returns the digests of those of the batches, by app monitor and batch id, that are stored."""
    ids: dict[int, list[bytes]] = {}
    for batch in new:
        ids.setdefault(batch.app_monitor, []).append(batch.batch_id)
    query = select(batches.c.batch_id, batches.c.digest)
    # An app monitor at a time: of pairs, PostgreSQL compares each with each.
    return {
        (app_monitor, row.batch_id): row.digest
        for app_monitor, of_one in ids.items()
        for start in range(0, len(of_one), _AT_ONCE)
        for row in connection.execute(
            query.where(
                batches.c.app_monitor == app_monitor,
                batches.c.batch_id.in_(of_one[start : start + _AT_ONCE]),
            )
        )
    }


def _records() -> Select[Any]:
    has_events = exists().where(batches.c.app_monitor == app_monitors.c.key)
    return select(app_monitors, has_events.label("has_events"))


def _record(row: Row[Any]) -> AppMonitorRecord:
    return AppMonitorRecord(
        row.key,
        row.id,
        row.name,
        row.document,
        has_events=row.has_events,
        policy=row.policy,
        policy_revision=row.policy_revision,
    )
