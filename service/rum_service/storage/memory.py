"""A store without a disk: the oracle that the SQL stores are tested against. Not for service."""

from __future__ import annotations

__all__ = ["MemoryStore"]

import itertools
import threading
from collections.abc import Sequence
from dataclasses import replace

from rum_service.model import AppMonitorRecord, Batch, LoggedBatch
from rum_service.storage.base import NameTakenError


class MemoryStore:
    """Keeps everything in memory, in the plainest way that meets the guarantees."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._log: dict[tuple[int, bytes], tuple[int, Batch]] = {}
        self._monitors: list[AppMonitorRecord] = []
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

    def purge(self, app_monitor: int, *, limit: int) -> int:
        with self._lock:
            gone = [key for key in self._log if key[0] == app_monitor][:limit]
            for key in gone:
                del self._log[key]
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
            return sorted({app_monitor for app_monitor, _ in self._log} - known)

    def _shown(self) -> list[AppMonitorRecord]:
        with self._lock:
            used = {app_monitor for app_monitor, _ in self._log}
            return [replace(record, has_events=record.key in used) for record in self._monitors]

    def close(self) -> None:
        """There is nothing to give up."""
