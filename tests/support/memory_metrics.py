"""Metric destinations and definitions without a disk: the part of `MemoryStore` that has them."""

from __future__ import annotations

__all__ = ["MemoryMetrics"]

import itertools
import threading
from collections.abc import Sequence
from dataclasses import replace

from rum_service.storage.base import DefinitionTakenError, QuotaReachedError
from rum_service.storage.records import MetricDefinitionRecord, MetricDestinationRecord


class MemoryMetrics:
    """Needs the lock and the app monitors that `MemoryStore` has."""

    _lock: threading.RLock

    def __init__(self) -> None:
        self._destinations: list[tuple[int, MetricDestinationRecord]] = []
        self._definitions: list[tuple[int, MetricDefinitionRecord]] = []
        self._numbers = itertools.count(1)

    def put_destination(
        self, app_monitor: int, kind: str, arn: str, iam_role_arn: str | None
    ) -> bool:
        with self._lock:
            if not self._has_app_monitor(app_monitor):
                return False
            for index, (owner, known) in enumerate(self._destinations):
                if (owner, known.kind, known.arn) == (app_monitor, kind, arn):
                    changed = replace(known, iam_role_arn=iam_role_arn)
                    self._destinations[index] = (owner, changed)
                    return True
            made = MetricDestinationRecord(next(self._numbers), kind, arn, iam_role_arn)
            self._destinations.append((app_monitor, made))
            return True

    def destination(self, app_monitor: int, kind: str, arn: str) -> MetricDestinationRecord | None:
        found = self.list_destinations(app_monitor, after=0, limit=len(self._destinations))
        return next((known for known in found if (known.kind, known.arn) == (kind, arn)), None)

    def list_destinations(
        self, app_monitor: int, *, after: int, limit: int
    ) -> list[MetricDestinationRecord]:
        with self._lock:
            mine = [known for owner, known in self._destinations if owner == app_monitor]
            return [known for known in mine if known.key > after][:limit]

    def delete_destination(self, key: int) -> bool:
        with self._lock:
            left = [entry for entry in self._destinations if entry[1].key != key]
            gone = len(left) < len(self._destinations)
            self._destinations = left
            self._definitions = [entry for entry in self._definitions if entry[0] != key]
            return gone

    def create_definitions(
        self, destination: int, new: Sequence[MetricDefinitionRecord], *, limit: int
    ) -> list[str] | None:
        with self._lock:
            if not any(known.key == destination for _, known in self._destinations):
                return None
            ids = {known.digest: known.id for known in self._of(destination)}
            missing = {d.digest: d for d in reversed(new) if d.digest not in ids}
            if len(ids) + len(missing) > limit:
                raise QuotaReachedError
            for definition in new:
                if definition.digest not in ids:
                    ids[definition.digest] = definition.id
                    numbered = replace(definition, sequence=next(self._numbers))
                    self._definitions.append((destination, numbered))
            return [ids[definition.digest] for definition in new]

    def list_definitions(
        self, destination: int, *, after: int, limit: int
    ) -> list[MetricDefinitionRecord]:
        with self._lock:
            return [known for known in self._of(destination) if known.sequence > after][:limit]

    def delete_definitions(self, destination: int, ids: Sequence[str]) -> set[str]:
        with self._lock:
            gone = {known.id for known in self._of(destination)} & set(ids)
            self._definitions = [entry for entry in self._definitions if entry[1].id not in gone]
            return gone

    def update_definition(self, destination: int, new: MetricDefinitionRecord) -> bool:
        with self._lock:
            for index, (owner, known) in enumerate(self._definitions):
                if owner != destination or known.id != new.id:
                    continue
                others = (d for d in self._of(destination) if d.id != new.id)
                if any(other.digest == new.digest for other in others):
                    raise DefinitionTakenError
                self._definitions[index] = (owner, replace(new, sequence=known.sequence))
                return True
            return False

    def _of(self, destination: int) -> list[MetricDefinitionRecord]:
        return [known for owner, known in self._definitions if owner == destination]

    def _delete_metrics_of(self, app_monitor: int) -> None:
        for owner, known in list(self._destinations):
            if owner == app_monitor:
                self.delete_destination(known.key)

    def _has_app_monitor(self, key: int) -> bool:
        raise NotImplementedError
