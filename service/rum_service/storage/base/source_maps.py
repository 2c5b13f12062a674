"""Source maps of scripts."""

from __future__ import annotations

__all__ = ["SourceMapStore"]

from collections.abc import Sequence
from typing import Protocol

from rum_service.storage.records import SourceMapRecord


class SourceMapStore(Protocol):
    """The source maps of app monitors. They are visible when they are complete."""

    def begin(self, app_monitor: int, release: str, file: str, *, now_ms: int) -> int | None:
        """Begin an upload and return its key. None: the app monitor does not exist."""
        ...

    def add_part(self, key: int, number: int, content: bytes) -> None:
        """Store one part of the upload. Parts are numbered from 0."""
        ...

    def finish(self, key: int, *, size: int, quota: int) -> SourceMapRecord | None:
        """Make an upload visible. It replaces the older one of the same release and file.

        Return the source map. None: the app monitor or the upload has been deleted.

        Args:
            size: the length of all parts.
            quota: 0 means no limit.

        Raises:
            QuotaReachedError: the source maps of the app monitor would use more than `quota` bytes.
        """
        ...

    def cancel(self, key: int) -> None:
        """Delete an upload unless it is complete."""
        ...

    def list(
        self, app_monitor: int, *, release: str | None, below: int | None, limit: int
    ) -> Sequence[SourceMapRecord]:
        """Return at most `limit` source maps, newest first.

        Args:
            release: only those of this release. None: of all releases.
            below: only those with lower keys. None: start with the newest.
        """
        ...

    def by_base_name(
        self, app_monitor: int, base_name: str, *, release: str | None, limit: int
    ) -> Sequence[SourceMapRecord]:
        """Return at most `limit` source maps whose file ends with this segment, newest first."""
        ...

    def by_key(self, app_monitor: int, key: int) -> SourceMapRecord | None:
        """Return a source map, if it exists and belongs to the app monitor."""
        ...

    def part(self, key: int, number: int) -> bytes | None:
        """Return one part of the source map, if it exists.

        Raises:
            UnreadableError: its bytes are damaged.
        """
        ...

    def stored_bytes(self, app_monitor: int) -> int:
        """Return how many bytes the app monitor's source maps use."""
        ...

    def delete(self, app_monitor: int, release: str, file: str | None) -> int:
        """Delete the release's source maps, or only the one for `file`. Return the number."""
        ...

    def purge(self, *, began_before_ms: int, limit: int) -> int:
        """Delete at most `limit` parts that belong to deleted source maps. Return the number.

        Also cancel uploads that began before a time: their process has ended.
        """
        ...
