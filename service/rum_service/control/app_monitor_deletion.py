"""Deletes app monitors with all that belongs to them, in small transactions."""

from __future__ import annotations

__all__ = ["AppMonitorDeletion"]

import asyncio
from concurrent.futures import Executor
from typing import Any

import structlog

from rum_service.background import Background
from rum_service.control.source_map_purge import SourceMapPurge
from rum_service.monitors import MonitorCache
from rum_service.storage.base import Store
from rum_service.storage.threads import on_thread

logger = structlog.get_logger()

_PURGE_AT_ONCE = 1000


class AppMonitorDeletion(Background):
    """Deletes app monitors. For use on one event loop; the store works on the executor's threads.

    The context manager resumes deletions that a stop interrupted, and interrupts its own.

    Args:
        monitors: the cache of compiled app monitors, to clear after a deletion.
    """

    def __init__(
        self,
        store: Store,
        executor: Executor,
        monitors: MonitorCache[Any],
        source_map_purge: SourceMapPurge,
    ) -> None:
        super().__init__()
        self._store = store
        self._executor = executor
        self._monitors = monitors
        self._source_map_purge = source_map_purge

    async def delete(self, key: int) -> None:
        """Delete an app monitor, its events and its source maps.

        A deletion that has begun goes on when its caller has gone.

        Args:
            key: identifies the record of the app monitor.
        """
        await asyncio.shield(self._in_background(self._delete(key)))

    async def _delete(self, key: int) -> None:
        await on_thread(self._executor, self._store.monitors.delete, key)
        self._monitors.forget()
        await self._purge(key)
        await self._source_map_purge.run()

    async def _run(self) -> None:
        try:
            for key in await on_thread(self._executor, self._store.log.deleted_app_monitors):
                await self._purge(key)
            await self._source_map_purge.run()
        except Exception:
            logger.exception("deletion not resumed; the next start tries again")

    async def _purge(self, key: int) -> None:
        # Small transactions let puts to other app monitors commit in between.
        while await on_thread(self._executor, self._store.log.purge, key, limit=_PURGE_AT_ONCE):
            logger.info("events of a deleted app monitor removed", app_monitor=key)
