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
_RETRY_S = 60.0


class AppMonitorDeletion(Background):
    """Deletes app monitors. For use on one event loop; the store works on the executor's threads.

    The context manager resumes deletions that a stop or a failure interrupted, and interrupts its
    own.

    Args:
        monitors: the cache of compiled app monitors, to clear after a deletion.
        retry_s: how long to wait after a failure.
    """

    def __init__(
        self,
        store: Store,
        executor: Executor,
        monitors: MonitorCache[Any],
        source_map_purge: SourceMapPurge,
        *,
        retry_s: float = _RETRY_S,
    ) -> None:
        super().__init__()
        self._store = store
        self._executor = executor
        self._monitors = monitors
        self._source_map_purge = source_map_purge
        self._retry_s = retry_s
        self._failed = asyncio.Event()

    async def delete(self, key: int) -> None:
        """Delete an app monitor, its events and its source maps.

        A deletion that has begun goes on when its caller has gone.

        Args:
            key: identifies the record of the app monitor.
        """
        await asyncio.shield(self._in_background(self._delete(key)))

    async def _delete(self, key: int) -> None:
        try:
            try:
                await on_thread(self._executor, self._store.monitors.delete, key)
            finally:
                self._monitors.forget()  # a commit may succeed without an answer
            await self._purge(key)
            await self._source_map_purge.run()
        except Exception:
            self._failed.set()  # a retry of the call may find no app monitor
            raise

    async def _run(self) -> None:
        while True:
            self._failed.clear()
            try:
                for key in await on_thread(self._executor, self._store.log.deleted_app_monitors):
                    await self._purge(key)
                await self._source_map_purge.run()
                await self._failed.wait()
            except Exception:
                logger.exception("remains of app monitors not deleted", retry_s=self._retry_s)
            await asyncio.sleep(self._retry_s)

    async def _purge(self, key: int) -> None:
        # Small transactions let puts to other app monitors commit in between.
        while await on_thread(self._executor, self._store.log.purge, key, limit=_PURGE_AT_ONCE):
            logger.info("events of a deleted app monitor removed", app_monitor=key)
