"""An in-memory store: the simplest code that meets the guarantees, to test the SQL stores against.

A test that controls one part replaces it:

    tables = MemoryTables()
    store = replace(memory_store(tables), log=SlowLog(tables))
"""

from __future__ import annotations

__all__ = [
    "MemoryCredentials",
    "MemoryLog",
    "MemoryMonitors",
    "MemoryPolicies",
    "MemoryRetention",
    "MemoryUsage",
    "memory_store",
]

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.storage.base import NameTakenError, QuotaReachedError, Store
from rum_service.storage.payload import stored_form
from rum_service.storage.records import (
    Appended,
    AppMonitorRecord,
    Batch,
    CommittedBatch,
    CredentialRecord,
    FoundBatches,
    LoggedBatch,
    Removed,
    Retention,
    Usage,
)
from rum_service.storage.schema import BATCH_BYTES
from tests.support.memory_erasures import MemoryErasures
from tests.support.memory_metrics import MemoryMetrics, delete_metrics_of
from tests.support.memory_source_maps import MemorySourceMaps
from tests.support.memory_tables import MemoryTables


def memory_store(tables: MemoryTables | None = None) -> Store:
    """Return a store over `tables`, or an empty one."""
    tables = tables or MemoryTables()
    return Store(
        log=MemoryLog(tables),
        monitors=MemoryMonitors(tables),
        policies=MemoryPolicies(tables),
        metrics=MemoryMetrics(tables),
        credentials=MemoryCredentials(tables),
        usage=MemoryUsage(tables),
        retention=MemoryRetention(tables),
        source_maps=MemorySourceMaps(tables),
        erasures=MemoryErasures(),
        close=lambda: None,
    )


def _received(batch: Batch) -> PutRumEventsRequest:
    content = batch.content if batch.received is None else batch.received
    return PutRumEventsRequest.FromString(content)


class MemoryLog:
    """Implements `LogStore`."""

    def __init__(self, tables: MemoryTables) -> None:
        self.tables = tables

    def append(self, batches: Sequence[Batch]) -> list[Appended]:
        with self.tables.lock:
            log = dict(self.tables.batches)
            results = []
            for batch in batches:
                key = (batch.app_monitor, batch.batch_id)
                if key not in log:
                    log[key] = (self.tables.next_number("batches"), batch)
                    results.append(Appended.STORED)
                elif _received(log[key][1]) == _received(batch):
                    results.append(Appended.DUPLICATE)
                else:
                    results.append(Appended.CONFLICT)
            self.tables.batches = log
            return results

    def read(
        self,
        app_monitor: int,
        *,
        below: int | None,
        after_ms: int,
        before_ms: int,
        limit: int,
        max_bytes: int,
        accept_damaged: bool = False,
    ) -> FoundBatches:
        with self.tables.lock:
            found = [
                LoggedBatch(sequence, batch.content, batch.country)
                for sequence, batch in reversed(self.tables.batches.values())
                if batch.app_monitor == app_monitor
                and (below is None or sequence < below)
                and batch.last_ms >= after_ms
                and batch.first_ms <= before_ms
            ]
        newest = found[:limit]
        lengths = accumulate(len(logged.content) for logged in newest)
        full = next((n for n, length in enumerate(lengths, 1) if length >= max_bytes), limit)
        more = newest[full - 1].sequence if len(found) > full else None
        return FoundBatches(newest[:full], more)

    def after(self, sequence: int, *, limit: int, max_bytes: int) -> list[CommittedBatch]:
        found: list[CommittedBatch] = []
        with self.tables.lock:
            for number, batch in self.tables.batches.values():
                if number > sequence and len(found) < limit and max_bytes > 0:
                    found.append(
                        CommittedBatch(
                            number,
                            batch.app_monitor,
                            batch.received_ms,
                            batch.content,
                            batch.country,
                        )
                    )
                    max_bytes -= len(batch.content)
        return found

    def received_after(self, sequence: int) -> int | None:
        following = self.after(sequence, limit=1, max_bytes=1)
        return following[0].received_ms if following else None

    def newest_sequence(self) -> int:
        with self.tables.lock:
            return self.tables.last_numbers["batches"]

    def purge(self, app_monitor: int, *, limit: int) -> int:
        with self.tables.lock:
            deleted = [key for key in self.tables.batches if key[0] == app_monitor][:limit]
            for key in deleted:
                del self.tables.batches[key]
            return len(deleted)

    def dropped_events(self, app_monitors: Sequence[int]) -> dict[int, int]:
        with self.tables.lock:
            dropped = Counter[int]()
            for _, batch in self.tables.batches.values():
                if batch.app_monitor in app_monitors:
                    dropped[batch.app_monitor] += batch.dropped_events
            return dict(+dropped)

    def dropped_from(self, sequences: Sequence[int]) -> int:
        with self.tables.lock:
            return sum(
                batch.dropped_events
                for sequence, batch in self.tables.batches.values()
                if sequence in sequences
            )

    def deleted_app_monitors(self) -> list[int]:
        with self.tables.lock:
            existing = {record.key for record in self.tables.monitors}
            return sorted({app_monitor for app_monitor, _ in self.tables.batches} - existing)

    def maintain(self, now_ms: int | None = None) -> None:
        """Do nothing."""

    def check_writable(self) -> None:
        """Memory is always writable."""


class MemoryMonitors:
    """Implements `AppMonitorStore`."""

    def __init__(self, tables: MemoryTables) -> None:
        self.tables = tables

    def create(
        self, monitor_id: str, name: str, document: str, *, limit: int | None = None
    ) -> AppMonitorRecord:
        with self.tables.lock:
            monitors = self.tables.monitors
            if any(monitor.id == monitor_id or monitor.name == name for monitor in monitors):
                raise NameTakenError
            if limit is not None and len(monitors) >= limit:
                raise QuotaReachedError
            key = self.tables.next_number("monitors")
            monitors.append(AppMonitorRecord(key, monitor_id, name, document))
            return monitors[-1]

    def ids(self) -> set[str]:
        return {record.id for record in self._records()}

    def by_ids(self, monitor_ids: Collection[str]) -> Sequence[AppMonitorRecord]:
        return [record for record in self._records() if record.id in monitor_ids]

    def by_name(self, name: str) -> AppMonitorRecord | None:
        return next((record for record in self._records() if record.name == name), None)

    def list(self, *, after: str, limit: int) -> Sequence[AppMonitorRecord]:
        records = sorted(self._records(), key=lambda record: record.name.encode())
        return [record for record in records if record.name.encode() > after.encode()][:limit]

    def update(self, key: int, *, expected: str, document: str) -> bool:
        with self.tables.lock:
            for index, record in enumerate(self.tables.monitors):
                if record.key == key and record.document == expected:
                    self.tables.monitors[index] = replace(record, document=document)
                    return True
            return False

    def delete(self, key: int) -> bool:
        with self.tables.lock:
            left = [record for record in self.tables.monitors if record.key != key]
            existed = len(left) < len(self.tables.monitors)
            self.tables.monitors = left
            delete_metrics_of(self.tables, key)
            self.tables.quotas.pop(key, None)
            self.tables.retention_days.pop(key, None)
            self.tables.removed_before_ms.pop(key, None)
            for upload, (owner, _) in list(self.tables.source_maps.items()):
                if owner == key:
                    del self.tables.source_maps[upload]
            return existed

    def _records(self) -> Sequence[AppMonitorRecord]:
        with self.tables.lock:
            with_batches = {app_monitor for app_monitor, _ in self.tables.batches}
            with_batches.update(self.tables.removed_before_ms)
            return [
                replace(record, has_events=record.key in with_batches)
                for record in self.tables.monitors
            ]


class MemoryPolicies:
    """Implements `PolicyStore`."""

    def __init__(self, tables: MemoryTables) -> None:
        self.tables = tables

    def replace(
        self, app_monitor: int, *, expected: str | None, policy: str | None, revision: str | None
    ) -> bool:
        with self.tables.lock:
            for index, record in enumerate(self.tables.monitors):
                if record.key == app_monitor and record.policy_revision == expected:
                    changed = replace(record, policy=policy, policy_revision=revision)
                    self.tables.monitors[index] = changed
                    return True
            return False


class MemoryCredentials:
    """Implements `CredentialStore`."""

    def __init__(self, tables: MemoryTables) -> None:
        self.tables = tables

    def add(self, credential: CredentialRecord) -> None:
        with self.tables.lock:
            key = (credential.kind, credential.id)
            if key in self.tables.credentials:
                raise NameTakenError
            self.tables.credentials[key] = credential

    def by_id(self, kind: str, credential_id: str) -> CredentialRecord | None:
        with self.tables.lock:
            return self.tables.credentials.get((kind, credential_id))

    def by_id_prefix(self, kind: str, prefix: str) -> CredentialRecord | None:
        with self.tables.lock:
            found = (
                record
                for record in self.tables.credentials.values()
                if record.kind == kind and record.id.startswith(prefix)
            )
            return next(found, None)

    def ids(self) -> set[tuple[str, str]]:
        with self.tables.lock:
            return set(self.tables.credentials)

    def any_valid(self, now_ms: int) -> bool:
        with self.tables.lock:
            return any(
                record.revoked_ms is None
                and (record.expires_ms is None or record.expires_ms > now_ms)
                for record in self.tables.credentials.values()
            )

    def list(
        self, *, kind: str | None, after: tuple[int, str, str] | None, limit: int
    ) -> Sequence[CredentialRecord]:
        def position(record: CredentialRecord) -> tuple[int, str, str]:
            return (-record.created_ms, record.kind, record.id)

        with self.tables.lock:
            records = sorted(self.tables.credentials.values(), key=position)
        if kind is not None:
            records = [record for record in records if record.kind == kind]
        if after is not None:
            created_ms, *last = after
            records = [record for record in records if position(record) > (-created_ms, *last)]
        return records[:limit]

    def revoke(self, kind: str, credential_id: str, revoked_ms: int) -> bool:
        with self.tables.lock:
            record = self.tables.credentials.get((kind, credential_id))
            if record is None:
                return False
            if record.revoked_ms is None:
                revoked = replace(record, revoked_ms=revoked_ms)
                self.tables.credentials[kind, credential_id] = revoked
            return True


class MemoryUsage:
    """Implements `UsageStore`."""

    def __init__(self, tables: MemoryTables) -> None:
        self.tables = tables

    def count(self) -> bool:
        return False

    def read(self) -> dict[int, Usage]:
        with self.tables.lock:
            sizes = Counter[int]()
            for _, batch in self.tables.batches.values():
                payload, _ = stored_form(batch)
                sizes[batch.app_monitor] += len(payload) + BATCH_BYTES
            return {
                record.key: Usage(
                    record.name, sizes[record.key], self.tables.quotas.get(record.key)
                )
                for record in self.tables.monitors
            }

    def set_quota(self, app_monitor: int, quota: int | None) -> bool:
        with self.tables.lock:
            if all(record.key != app_monitor for record in self.tables.monitors):
                return False
            self.tables.quotas[app_monitor] = quota
            return True


class MemoryRetention:
    """Implements `RetentionStore`."""

    held_s = 0.0

    def __init__(self, tables: MemoryTables) -> None:
        self.tables = tables

    def read(self) -> dict[int, Retention]:
        with self.tables.lock:
            return {
                record.key: Retention(
                    record.name,
                    self.tables.retention_days.get(record.key),
                    self.tables.removed_before_ms.get(record.key),
                    min((batch.received_ms for batch in self._batches(record.key)), default=None),
                )
                for record in self.tables.monitors
            }

    def first_sequences(self) -> dict[int, int]:
        found: dict[int, int] = {}
        with self.tables.lock:
            for sequence, batch in self.tables.batches.values():
                found.setdefault(batch.app_monitor, sequence)
        return found

    def removed_before(self, app_monitor: int) -> int | None:
        with self.tables.lock:
            return self.tables.removed_before_ms.get(app_monitor)

    def set_days(self, app_monitor: int, days: int | None) -> bool:
        with self.tables.lock:
            if all(record.key != app_monitor for record in self.tables.monitors):
                return False
            self.tables.retention_days[app_monitor] = days
            return True

    def count_before(self, app_monitor: int, before_ms: int) -> int:
        with self.tables.lock:
            return sum(batch.received_ms < before_ms for batch in self._batches(app_monitor))

    def claim(self, *, now_ms: int, until_ms: int, held_ms: int | None) -> bool:
        with self.tables.lock:
            until = self.tables.claimed_until_ms
            if until > now_ms and until != held_ms:
                return False
            self.tables.claimed_until_ms = until_ms
            return True

    def remove(
        self, before_ms: Mapping[int, int], *, limit: int, max_bytes: int
    ) -> dict[int, Removed]:
        found: dict[int, Removed] = {}
        with self.tables.lock:
            for app_monitor, before in before_ms.items():
                old = [batch for batch in self._batches(app_monitor) if batch.received_ms < before]
                removed = old[:limit]
                limit -= len(removed)
                for batch in removed:
                    del self.tables.batches[app_monitor, batch.batch_id]
                    earlier = self.tables.removed_before_ms.get(app_monitor, 0)
                    self.tables.removed_before_ms[app_monitor] = max(earlier, batch.received_ms + 1)
                events = sum(batch.event_count for batch in removed)
                found[app_monitor] = Removed(len(removed), events, len(removed) == len(old))
                if limit <= 0:
                    break
        return found

    def removal_ms(self, before_ms: int) -> int:
        return before_ms

    def give_back_space(self) -> bool:
        return False

    def _batches(self, app_monitor: int) -> list[Batch]:
        return [
            batch for _, batch in self.tables.batches.values() if batch.app_monitor == app_monitor
        ]
