"""Metric destinations and definitions in memory: a part of the in-memory store."""

from __future__ import annotations

__all__ = ["MemoryMetrics", "delete_metrics_of"]

from collections.abc import Sequence
from dataclasses import replace

from rum_service.storage.base import DefinitionTakenError, QuotaReachedError
from rum_service.storage.records import MetricDefinitionRecord, MetricDestinationRecord
from tests.support.memory_tables import MemoryTables


class MemoryMetrics:
    """Implements `MetricStore`."""

    def __init__(self, tables: MemoryTables) -> None:
        self.tables = tables

    def put_destination(
        self, app_monitor: int, kind: str, arn: str, iam_role_arn: str | None
    ) -> bool:
        with self.tables.lock:
            if all(record.key != app_monitor for record in self.tables.monitors):
                return False
            for index, (owner, known) in enumerate(self.tables.destinations):
                if (owner, known.kind, known.arn) == (app_monitor, kind, arn):
                    changed = replace(known, iam_role_arn=iam_role_arn)
                    self.tables.destinations[index] = (owner, changed)
                    return True
            key = self.tables.next_number("destinations")
            new = MetricDestinationRecord(key, kind, arn, iam_role_arn)
            self.tables.destinations.append((app_monitor, new))
            return True

    def destination(self, app_monitor: int, kind: str, arn: str) -> MetricDestinationRecord | None:
        found = self.list_destinations(app_monitor, after=0, limit=len(self.tables.destinations))
        return next((known for known in found if (known.kind, known.arn) == (kind, arn)), None)

    def list_destinations(
        self, app_monitor: int, *, after: int, limit: int
    ) -> list[MetricDestinationRecord]:
        with self.tables.lock:
            mine = [known for owner, known in self.tables.destinations if owner == app_monitor]
            return [known for known in mine if known.key > after][:limit]

    def delete_destination(self, key: int) -> bool:
        with self.tables.lock:
            left = [entry for entry in self.tables.destinations if entry[1].key != key]
            existed = len(left) < len(self.tables.destinations)
            self.tables.destinations = left
            definitions = self.tables.definitions
            self.tables.definitions = [entry for entry in definitions if entry[0] != key]
            return existed

    def create_definitions(
        self, destination: int, new: Sequence[MetricDefinitionRecord], *, limit: int
    ) -> list[str] | None:
        with self.tables.lock:
            if not any(known.key == destination for _, known in self.tables.destinations):
                return None
            ids = {known.digest: known.id for known in self._of(destination)}
            missing = {d.digest: d for d in reversed(new) if d.digest not in ids}
            if len(ids) + len(missing) > limit:
                raise QuotaReachedError
            for definition in new:
                if definition.digest not in ids:
                    ids[definition.digest] = definition.id
                    numbered = replace(definition, sequence=self.tables.next_number("definitions"))
                    self.tables.definitions.append((destination, numbered))
            return [ids[definition.digest] for definition in new]

    def list_definitions(
        self, destination: int, *, after: int, limit: int
    ) -> list[MetricDefinitionRecord]:
        with self.tables.lock:
            return [known for known in self._of(destination) if known.sequence > after][:limit]

    def delete_definitions(self, destination: int, ids: Sequence[str]) -> set[str]:
        with self.tables.lock:
            deleted = {known.id for known in self._of(destination)} & set(ids)
            definitions = self.tables.definitions
            self.tables.definitions = [entry for entry in definitions if entry[1].id not in deleted]
            return deleted

    def update_definition(self, destination: int, new: MetricDefinitionRecord) -> bool:
        with self.tables.lock:
            for index, (owner, known) in enumerate(self.tables.definitions):
                if owner != destination or known.id != new.id:
                    continue
                others = (d for d in self._of(destination) if d.id != new.id)
                if any(other.digest == new.digest for other in others):
                    raise DefinitionTakenError
                self.tables.definitions[index] = (owner, replace(new, sequence=known.sequence))
                return True
            return False

    def _of(self, destination: int) -> list[MetricDefinitionRecord]:
        return [known for owner, known in self.tables.definitions if owner == destination]


def delete_metrics_of(tables: MemoryTables, app_monitor: int) -> None:
    """Delete the destinations of an app monitor and their definitions."""
    for owner, destination in list(tables.destinations):
        if owner == app_monitor:
            MemoryMetrics(tables).delete_destination(destination.key)
