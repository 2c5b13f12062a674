"""Delete the content of deleted source maps, in small transactions."""

from __future__ import annotations

__all__ = ["purge_source_maps"]

from collections.abc import Callable
from concurrent.futures import Executor

from rum_service.storage.base import SourceMapStore
from rum_service.storage.threads import on_thread

# 3 MB, which puts wait for some milliseconds.
_PARTS_AT_ONCE = 10
# Longer than any upload can take.
_MAX_UPLOAD_MS = 3_600_000


async def purge_source_maps(
    store: SourceMapStore, executor: Executor, clock: Callable[[], float]
) -> None:
    """Delete what deletions, replacements and interrupted uploads left behind.

    Args:
        clock: Unix seconds.
    """
    before_ms = round(clock() * 1000) - _MAX_UPLOAD_MS
    while await on_thread(executor, store.purge, began_before_ms=before_ms, limit=_PARTS_AT_ONCE):
        """Puts commit in between."""
