"""A store without a disk: the oracle that the SQL stores are tested against. Not for service."""

from __future__ import annotations

__all__ = ["MemoryStore"]

import itertools
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from rum_service.storage.base import NameTakenError, QuotaReachedError
from rum_service.storage.records import AppMonitorRecord, Batch, CredentialRecord, LoggedBatch
from tests.support.memory_metrics import MemoryMetrics


class MemoryStore(MemoryMetrics):
    """Keeps everything in memory, in the plainest way that meets the guarantees."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.RLock()
        self._log: dict[tuple[int, bytes], tuple[int, Batch]] = {}
        self._monitors: list[AppMonitorRecord] = []
        self._credentials: dict[tuple[str, str], CredentialRecord] = {}
        self._last_key = 0
        self._last_sequence = 0

    def append(self, batches: Sequence[Batch]) -> list[bool]:
        with self._lock:
            log = dict(self._log)
            sequences = itertools.count(self._last_sequence + 1)
            answers = []
            for batch in batches:
                key = (batch.app_monitor, batch.batch_id)
                if key not in log:
                    log[key] = (next(sequences), batch)
                answers.append(log[key][1].digest == batch.digest)
            self._log = log
            self._last_sequence = next(sequences) - 1
            return answers

    def read(
        self, app_monitor: int, *, below: int | None, after_ms: int, before_ms: int, limit: int
    ) -> list[LoggedBatch]:
        with self._lock:
            return [
                LoggedBatch(sequence, batch.received_ms, batch.payload)
                for sequence, batch in reversed(self._log.values())
                if batch.app_monitor == app_monitor
                and (below is None or sequence < below)
                and batch.last_ms >= after_ms
                and batch.first_ms <= before_ms
            ][:limit]

    def dropped_events(self, keys: Sequence[int]) -> dict[int, int]:
        with self._lock:
            dropped = Counter[int]()
            for _, batch in self._log.values():
                if batch.app_monitor in keys:
                    dropped[batch.app_monitor] += batch.dropped_events
            return dict(+dropped)

    def purge(self, app_monitor: int, *, limit: int) -> int:
        with self._lock:
            gone = [key for key in self._log if key[0] == app_monitor][:limit]
            for key in gone:
                del self._log[key]
            return len(gone)

    def check_writable(self) -> None:
        """Memory is always writable."""

    def create_app_monitor(
        self, monitor_id: str, name: str, document: str, *, limit: int | None = None
    ) -> AppMonitorRecord:
        with self._lock:
            if any(known.id == monitor_id or known.name == name for known in self._monitors):
                raise NameTakenError
            if limit is not None and len(self._monitors) >= limit:
                raise QuotaReachedError
            self._last_key += 1
            self._monitors.append(AppMonitorRecord(self._last_key, monitor_id, name, document))
            return self._monitors[-1]

    def app_monitor_by_id(self, monitor_id: str) -> AppMonitorRecord | None:
        return next((found for found in self._shown() if found.id == monitor_id), None)

    def app_monitor_by_name(self, name: str) -> AppMonitorRecord | None:
        return next((found for found in self._shown() if found.name == name), None)

    def list_app_monitors(self, *, after: str, limit: int) -> list[AppMonitorRecord]:
        found = sorted(self._shown(), key=lambda record: record.name.encode())
        return [record for record in found if record.name.encode() > after.encode()][:limit]

    def update_app_monitor(self, key: int, expected: str, document: str) -> bool:
        with self._lock:
            for index, known in enumerate(self._monitors):
                if known.key == key and known.document == expected:
                    self._monitors[index] = replace(known, document=document)
                    return True
            return False

    def delete_app_monitor(self, key: int) -> bool:
        with self._lock:
            left = [known for known in self._monitors if known.key != key]
            gone = len(left) < len(self._monitors)
            self._monitors = left
            self._delete_metrics_of(key)
            return gone

    def set_policy(
        self, key: int, *, expected: str | None, policy: str | None, revision: str | None
    ) -> bool:
        with self._lock:
            for index, known in enumerate(self._monitors):
                if known.key == key and known.policy_revision == expected:
                    self._monitors[index] = replace(known, policy=policy, policy_revision=revision)
                    return True
            return False

    def _has_app_monitor(self, key: int) -> bool:
        return any(known.key == key for known in self._monitors)

    def deleted_app_monitors(self) -> list[int]:
        with self._lock:
            known = {record.key for record in self._monitors}
            return sorted({app_monitor for app_monitor, _ in self._log} - known)

    def _shown(self) -> list[AppMonitorRecord]:
        with self._lock:
            used = {app_monitor for app_monitor, _ in self._log}
            return [replace(record, has_events=record.key in used) for record in self._monitors]

    def add_credential(self, credential: CredentialRecord) -> None:
        with self._lock:
            key = (credential.kind, credential.id)
            if key in self._credentials:
                raise NameTakenError
            self._credentials[key] = credential

    def credential(self, kind: str, credential_id: str) -> CredentialRecord | None:
        return self._credentials.get((kind, credential_id))

    def list_credentials(self) -> list[CredentialRecord]:
        newest_first = sorted(self._credentials.values(), key=lambda known: known.id)
        return sorted(newest_first, key=lambda known: known.created_ms, reverse=True)

    def revoke_credential(self, kind: str, credential_id: str, revoked_ms: int) -> bool:
        with self._lock:
            known = self._credentials.get((kind, credential_id))
            if known is None:
                return False
            if known.revoked_ms is None:
                self._credentials[kind, credential_id] = replace(known, revoked_ms=revoked_ms)
            return True

    def close(self) -> None:
        """There is nothing to give up."""
