"""A store without a disk: the oracle that the SQL stores are tested against. Not for service."""

from __future__ import annotations

__all__ = ["MemoryStore"]

import threading
from collections.abc import Sequence
from dataclasses import replace

from rum_service.model import AppMonitorRecord, Batch, CredentialRecord, LoggedBatch
from rum_service.storage.base import NameTakenError


class MemoryStore:
    """Keeps everything in lists, in the plainest way that meets the guarantees."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._log: list[tuple[int, Batch]] = []
        self._monitors: list[AppMonitorRecord] = []
        self._credentials: dict[tuple[str, str], CredentialRecord] = {}
        self._last_key = 0
        self._last_sequence = 0

    def append(self, batches: Sequence[Batch]) -> list[bool]:
        with self._lock:
            return [self._append_one(batch) for batch in batches]

    def _append_one(self, batch: Batch) -> bool:
        for _, known in self._log:
            if (known.app_monitor, known.batch_id) == (batch.app_monitor, batch.batch_id):
                return known.digest == batch.digest
        self._last_sequence += 1
        self._log.append((self._last_sequence, batch))
        return True

    def read(
        self, app_monitor: int, *, below: int | None, after_ms: int, before_ms: int, limit: int
    ) -> list[LoggedBatch]:
        with self._lock:
            return [
                LoggedBatch(sequence, batch.received_ms, batch.payload)
                for sequence, batch in reversed(self._log)
                if batch.app_monitor == app_monitor
                and (below is None or sequence < below)
                and batch.last_ms >= after_ms
                and batch.first_ms <= before_ms
            ][:limit]

    def purge(self, app_monitor: int, *, limit: int) -> int:
        with self._lock:
            gone = [entry for entry in self._log if entry[1].app_monitor == app_monitor][:limit]
            self._log = [entry for entry in self._log if entry not in gone]
            return len(gone)

    def check_writable(self) -> None:
        """Memory is always writable."""

    def create_app_monitor(self, monitor_id: str, name: str, document: str) -> AppMonitorRecord:
        with self._lock:
            if any(known.id == monitor_id or known.name == name for known in self._monitors):
                raise NameTakenError
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
            return gone

    def deleted_app_monitors(self) -> list[int]:
        with self._lock:
            known = {record.key for record in self._monitors}
            return sorted({batch.app_monitor for _, batch in self._log} - known)

    def _shown(self) -> list[AppMonitorRecord]:
        with self._lock:
            used = {batch.app_monitor for _, batch in self._log}
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
