"""Metric destinations and definitions in a SQL database."""

from __future__ import annotations

__all__ = ["SqlMetrics", "delete_metrics_of"]

import hashlib
from collections.abc import Sequence
from dataclasses import fields

from sqlalchemy import Connection, Row, Select, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from rum_service.storage.base import DefinitionTakenError, QuotaReachedError
from rum_service.storage.database import Database
from rum_service.storage.records import MetricDefinitionRecord, MetricDestinationRecord
from rum_service.storage.schema import app_monitors, metric_definitions, metric_destinations

_DESTINATION = [metric_destinations.c[field.name] for field in fields(MetricDestinationRecord)]
_DEFINITION = [metric_definitions.c[field.name] for field in fields(MetricDefinitionRecord)]


class SqlMetrics:
    """Implements `MetricStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_destination(
        self, app_monitor: int, kind: str, arn: str, iam_role_arn: str | None
    ) -> bool:
        values = {
            "app_monitor": app_monitor,
            "kind": kind,
            "arn": arn,
            "digest": _digest(kind, arn),
            "iam_role_arn": iam_role_arn,
        }
        put = (
            self._database.insert(metric_destinations)
            .values(values)
            .on_conflict_do_update(
                index_elements=["app_monitor", "digest"], set_={"iam_role_arn": iam_role_arn}
            )
        )
        monitor = select(app_monitors.c.key).where(app_monitors.c.key == app_monitor)
        with self._database.write() as connection:
            if not _lock_parent(connection, monitor):
                return False
            connection.execute(put)
        return True

    def destination(self, app_monitor: int, kind: str, arn: str) -> MetricDestinationRecord | None:
        query = select(*_DESTINATION).where(
            metric_destinations.c.app_monitor == app_monitor,
            metric_destinations.c.digest == _digest(kind, arn),
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
            return MetricDestinationRecord(*row) if row else None

    def list_destinations(
        self, app_monitor: int, *, after: int, limit: int
    ) -> list[MetricDestinationRecord]:
        query = (
            select(*_DESTINATION)
            .where(metric_destinations.c.app_monitor == app_monitor)
            .where(metric_destinations.c.key > after)
            .order_by(metric_destinations.c.key)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [MetricDestinationRecord(*row) for row in connection.execute(query)]

    def delete_destination(self, key: int) -> bool:
        with self._database.write() as connection:
            deleted = connection.execute(
                delete(metric_destinations).where(metric_destinations.c.key == key)
            )
            connection.execute(
                delete(metric_definitions).where(metric_definitions.c.destination == key)
            )
            return deleted.rowcount == 1

    def create_definitions(
        self, destination: int, new: Sequence[MetricDefinitionRecord], *, limit: int
    ) -> list[str] | None:
        rows = [
            {"destination": destination, "id": d.id, "digest": d.digest, "document": d.document}
            for d in new
        ]
        insert = self._database.insert(metric_definitions).on_conflict_do_nothing(
            index_elements=["destination", "digest"]
        )
        stored = select(metric_definitions.c.digest, metric_definitions.c.id).where(
            metric_definitions.c.destination == destination
        )
        count = select(func.count()).where(metric_definitions.c.destination == destination)
        parent = select(metric_destinations.c.key).where(metric_destinations.c.key == destination)
        with self._database.write() as connection:
            if not _lock_parent(connection, parent):
                return None
            if rows:
                connection.execute(insert, rows)
            if connection.execute(count).scalar_one() > limit:
                raise QuotaReachedError  # rolls back
            ids: dict[bytes, str] = {}
            for row in connection.execute(stored):
                ids[row.digest] = row.id
        return [ids[definition.digest] for definition in new]

    def list_definitions(
        self, destination: int, *, after: int, limit: int
    ) -> list[MetricDefinitionRecord]:
        query = (
            select(*_DEFINITION)
            .where(metric_definitions.c.destination == destination)
            .where(metric_definitions.c.sequence > after)
            .order_by(metric_definitions.c.sequence)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [MetricDefinitionRecord(*row) for row in connection.execute(query)]

    def delete_definitions(self, destination: int, ids: Sequence[str]) -> set[str]:
        mine = (metric_definitions.c.destination == destination) & metric_definitions.c.id.in_(ids)
        with self._database.write() as connection:
            deleted = connection.execute(
                delete(metric_definitions).where(mine).returning(metric_definitions.c.id)
            )
            return set(deleted.scalars())

    def update_definition(self, destination: int, new: MetricDefinitionRecord) -> bool:
        mine = (metric_definitions.c.destination == destination) & (
            metric_definitions.c.id == new.id
        )
        replace = update(metric_definitions).where(mine)
        try:
            with self._database.write() as connection:
                changed = connection.execute(
                    replace.values(document=new.document, digest=new.digest)
                )
                return changed.rowcount == 1
        except IntegrityError:
            raise DefinitionTakenError from None


def delete_metrics_of(connection: Connection, app_monitor: int) -> None:
    """Delete an app monitor's destinations and their definitions."""
    mine = metric_destinations.c.app_monitor == app_monitor
    keys = select(metric_destinations.c.key).where(mine).scalar_subquery()
    connection.execute(delete(metric_definitions).where(metric_definitions.c.destination.in_(keys)))
    connection.execute(delete(metric_destinations).where(mine))


def _lock_parent(connection: Connection, query: Select[tuple[int]]) -> Row[tuple[int]] | None:
    """Return the row that new rows refer to, and lock it until the transaction ends."""
    return connection.execute(query.with_for_update()).one_or_none()


def _digest(kind: str, arn: str) -> bytes:
    return hashlib.blake2b(f"{kind} {arn}".encode(), digest_size=16).digest()
