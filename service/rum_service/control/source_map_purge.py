"""Deletes the content of deleted source maps, in small transactions."""

from __future__ import annotations

__all__ = ["SourceMapPurge"]

from collections.abc import Callable
from concurrent.futures import Executor

from rum_service.storage.base import SourceMapStore
from rum_service.storage.threads import on_thread

# 3 MB, which puts wait for some milliseconds.
_PARTS_AT_ONCE = 10
# Longer than any upload can take.
_MAX_UPLOAD_MS = 3_600_000


class SourceMapPurge:
    """Deletes what deletions, replacements and interrupted uploads leave behind.

    Args:
        clock: Unix seconds.
    """

    def __init__(
        self, store: SourceMapStore, executor: Executor, *, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._executor = executor
        self._clock = clock

    async def run(self) -> None:
        """Delete it all. Puts commit in between."""
        before_ms = round(self._clock() * 1000) - _MAX_UPLOAD_MS
        more = True
        while more:
            deleted = await on_thread(
                self._executor, self._store.purge, began_before_ms=before_ms, limit=_PARTS_AT_ONCE
            )
            more = deleted > 0
