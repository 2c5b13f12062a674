"""App monitors in a SQL database."""

from __future__ import annotations

__all__ = ["SqlMonitors"]

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, Select, delete, exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError

from rum_service.storage.base import NameTakenError, QuotaReachedError
from rum_service.storage.database import Database
from rum_service.storage.records import AppMonitorRecord
from rum_service.storage.schema import app_monitors, batch_spans, retention
from rum_service.storage.sql_metrics import delete_metrics_of
from rum_service.storage.sql_retention import delete_retention_of
from rum_service.storage.sql_source_maps import delete_source_maps_of
from rum_service.storage.sql_usage import delete_usage_of

# A statement takes at most 32,766 parameters in SQLite.
_IDS_PER_STATEMENT = 1000


class SqlMonitors:
    """Implements `AppMonitorStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, monitor_id: str, name: str, document: str, *, limit: int | None = None
    ) -> AppMonitorRecord:
        insert = (
            self._database.insert(app_monitors)
            .values(id=monitor_id, name=name, document=document)
            .returning(app_monitors.c.key)
        )
        count = select(func.count()).select_from(app_monitors)
        try:
            with self._database.write() as connection:
                key = connection.execute(insert).scalar_one()
                if limit is not None and connection.execute(count).scalar_one() > limit:
                    raise QuotaReachedError  # rolls back
        except IntegrityError:
            raise NameTakenError from None
        return AppMonitorRecord(key, monitor_id, name, document)

    def ids(self) -> set[str]:
        with self._database.read() as connection:
            return set(connection.execute(select(app_monitors.c.id)).scalars())

    def by_ids(self, monitor_ids: Collection[str]) -> Sequence[AppMonitorRecord]:
        ids = list(monitor_ids)
        with self._database.read() as connection:
            return [
                _record(row)
                for start in range(0, len(ids), _IDS_PER_STATEMENT)
                for row in connection.execute(
                    _select_records().where(
                        app_monitors.c.id.in_(ids[start : start + _IDS_PER_STATEMENT])
                    )
                )
            ]

    def by_name(self, name: str) -> AppMonitorRecord | None:
        if "\0" in name:  # PostgreSQL would fail
            return None
        with self._database.read() as connection:
            query = _select_records().where(app_monitors.c.name == name)
            row = connection.execute(query).one_or_none()
            return _record(row) if row else None

    def list(self, *, after: str, limit: int) -> Sequence[AppMonitorRecord]:
        query = _select_records().where(app_monitors.c.name > after)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(app_monitors.c.name).limit(limit))
            return [_record(row) for row in rows]

    def update(self, key: int, *, expected: str, document: str) -> bool:
        change = (
            update(app_monitors)
            .where(app_monitors.c.key == key, app_monitors.c.document == expected)
            .values(document=document)
        )
        with self._database.write() as connection:
            return connection.execute(change).rowcount == 1

    def delete(self, key: int) -> bool:
        with self._database.write() as connection:
            deleted = connection.execute(delete(app_monitors).where(app_monitors.c.key == key))
            delete_metrics_of(connection, key)
            delete_usage_of(connection, key)
            delete_retention_of(connection, key)
            delete_source_maps_of(connection, key)
            return deleted.rowcount == 1


def _select_records() -> Select[Any]:
    # Each batch has a span in `batch_spans`, which is much smaller and never partitioned.
    has_batches = exists().where(batch_spans.c.app_monitor == app_monitors.c.key)
    had_batches = exists().where(
        retention.c.app_monitor == app_monitors.c.key, retention.c.removed_before_ms.is_not(None)
    )
    return select(app_monitors, or_(has_batches, had_batches).label("has_events"))


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
