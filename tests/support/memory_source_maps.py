"""Source maps in memory: a part of the in-memory store."""

from __future__ import annotations

__all__ = ["MemorySourceMaps"]

from collections.abc import Callable, Sequence

from zstandard import ZstdCompressor

from rum_service.storage.base import QuotaReachedError
from rum_service.storage.records import SourceMapRecord
from tests.support.memory_tables import MemoryTables


class MemorySourceMaps:
    """Implements `SourceMapStore`."""

    def __init__(self, tables: MemoryTables) -> None:
        self.tables = tables

    def begin(self, app_monitor: int, release: str, file: str, *, now_ms: int) -> int | None:
        with self.tables.lock:
            if all(monitor.key != app_monitor for monitor in self.tables.monitors):
                return None
            key = self.tables.next_number("source_maps")
            new = SourceMapRecord(key, release, file, -1, -1, now_ms)
            self.tables.source_maps[key] = (app_monitor, new)
            return key

    def add_part(self, key: int, number: int, content: bytes) -> None:
        with self.tables.lock:
            self.tables.source_map_parts[key, number] = content

    def finish(self, key: int, *, size: int, quota: int) -> SourceMapRecord | None:
        with self.tables.lock:
            if key not in self.tables.source_maps:
                return None
            app_monitor, upload = self.tables.source_maps[key]
            compress = ZstdCompressor(level=3).compress
            stored = sum(
                len(compress(content))
                for (owner, _), content in self.tables.source_map_parts.items()
                if owner == key
            )
            same = (upload.release, upload.file)
            replaced = [
                old.key
                for owner, old in self.tables.source_maps.values()
                if owner == app_monitor and (old.release, old.file) == same and old.key < key
            ]
            left = sum(old.stored_bytes for old in self._of(app_monitor) if old.key not in replaced)
            if quota and left + stored > quota:
                raise QuotaReachedError
            for old in replaced:
                del self.tables.source_maps[old]
            complete = upload._replace(size=size, stored_bytes=stored)
            self.tables.source_maps[key] = (app_monitor, complete)
            return complete

    def cancel(self, key: int) -> None:
        self._delete(lambda _, upload: upload.key == key and upload.size < 0)

    def list(
        self, app_monitor: int, *, release: str | None, below: int | None, limit: int
    ) -> Sequence[SourceMapRecord]:
        found = [
            record
            for record in self._of(app_monitor)
            if (release is None or record.release == release)
            and (below is None or record.key < below)
        ]
        return found[:limit]

    def by_base_name(
        self, app_monitor: int, base_name: str, *, release: str | None, limit: int
    ) -> Sequence[SourceMapRecord]:
        found = self.list(app_monitor, release=release, below=None, limit=2**31)
        return [record for record in found if record.file.split("/")[-1] == base_name][:limit]

    def by_key(self, app_monitor: int, key: int) -> SourceMapRecord | None:
        return next((record for record in self._of(app_monitor) if record.key == key), None)

    def part(self, key: int, number: int) -> bytes | None:
        with self.tables.lock:
            return self.tables.source_map_parts.get((key, number))

    def stored_bytes(self, app_monitor: int) -> int:
        return sum(record.stored_bytes for record in self._of(app_monitor))

    def delete(self, app_monitor: int, release: str, file: str | None) -> int:
        return self._delete(
            lambda owner, record: (
                (owner, record.release) == (app_monitor, release)
                and file in (None, record.file)
                and record.size >= 0
            )
        )

    def purge(self, *, began_before_ms: int, limit: int) -> int:
        self._delete(lambda _, record: record.size < 0 and record.began_ms < began_before_ms)
        with self.tables.lock:
            parts = self.tables.source_map_parts
            left = [part for part in parts if part[0] not in self.tables.source_maps][:limit]
            for part in left:
                del parts[part]
            return len(left)

    def _of(self, app_monitor: int) -> Sequence[SourceMapRecord]:
        """Return the complete source maps of an app monitor, newest first."""
        with self.tables.lock:
            newest_first = sorted(self.tables.source_maps.items(), reverse=True)
        return [
            record
            for _, (owner, record) in newest_first
            if owner == app_monitor and record.size >= 0
        ]

    def _delete(self, condition: Callable[[int, SourceMapRecord], bool]) -> int:
        with self.tables.lock:
            deleted = [
                key
                for key, (owner, one) in self.tables.source_maps.items()
                if condition(owner, one)
            ]
            for key in deleted:
                del self.tables.source_maps[key]
            return len(deleted)
