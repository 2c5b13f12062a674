"""The store on a SQL database, in SQLAlchemy Core. What dialects differ in comes in as a `Dialect`.

Source of the layout: docs/decisions/0001-the-log-then-projections.md.
"""

from __future__ import annotations

__all__ = ["SqlStore"]

import threading
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, delete, exists, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from rum_service.model import AppMonitorRecord, Batch, LoggedBatch
from rum_service.storage.base import NameTakenError
from rum_service.storage.dialect import Dialect
from rum_service.storage.schema import app_monitors, batches, write_checks
from rum_service.storage.sql_credentials import SqlCredentials


class SqlStore(SqlCredentials):
    """One connection writes at a time; any number read."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect, threading.Lock())
        self._writer = dialect.writer
        self._reader = dialect.reader
        self._insert = dialect.insert
        self._insert_batches = dialect.insert(batches).on_conflict_do_nothing()

    def append(self, new: Sequence[Batch]) -> list[bool]:
        rows = [{name: getattr(batch, name) for name in Batch.__slots__} for batch in new]
        with self._write_lock, self._writer.begin() as connection:
            inserted = connection.execute(self._insert_batches, rows).rowcount
            if inserted == len(new):
                return [True] * len(new)
            ids = [(batch.app_monitor, batch.batch_id) for batch in new]
            key = (batches.c.app_monitor, batches.c.batch_id)
            held = connection.execute(
                select(*key, batches.c.digest).where(tuple_(*key).in_(ids))
            ).all()
        digests = {(row.app_monitor, row.batch_id): row.digest for row in held}
        return [digests[batch.app_monitor, batch.batch_id] == batch.digest for batch in new]

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

    def create_app_monitor(self, monitor_id: str, name: str, document: str) -> AppMonitorRecord:
        values = {"id": monitor_id, "name": name, "document": document}
        try:
            with self._write_lock, self._writer.begin() as connection:
                key = connection.execute(
                    self._insert(app_monitors).values(values).returning(app_monitors.c.key)
                ).scalar_one()
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
            return (
                connection.execute(delete(app_monitors).where(app_monitors.c.key == key)).rowcount
                == 1
            )

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


def _records() -> Select[Any]:
    has_events = exists().where(batches.c.app_monitor == app_monitors.c.key)
    return select(app_monitors, has_events.label("has_events"))


def _record(row: Row[Any]) -> AppMonitorRecord:
    return AppMonitorRecord(row.key, row.id, row.name, row.document, row.has_events)
