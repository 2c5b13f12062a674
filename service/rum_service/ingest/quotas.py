"""Limits how many bytes are stored for an app monitor.

The sums are read from the store every second, so appends and other services need no coordination.
Batches stored in the meantime may exceed the quota:
docs/decisions/0021-stored-bytes-are-counted-later.md.
"""

from __future__ import annotations

__all__ = ["QUOTA_CODE", "StorageQuotas"]

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor
from time import perf_counter
from typing import Self

import structlog

from rum_service.background import Background
from rum_service.errors import ThrottlingException
from rum_service.storage.base import UsageStore
from rum_service.storage.records import Usage
from rum_service.storage.threads import on_thread

logger = structlog.get_logger()

QUOTA_CODE = "stored-bytes"
_INTERVAL_S = 1.0
# While many batches are not counted, such as after an upgrade, counting uses this share of the
# store's time.
_SHARE = 0.05
# Long enough for an operator to react. The JavaScript SDK waits for so long before a retry.
_RETRY_AFTER_S = 300


class StorageQuotas(Background):
    """The quotas of all app monitors. For use on one event loop.

    The context manager reads the usage, and reads it again and again until it ends.

    Args:
        default: the quota of app monitors without their own, in bytes. 0: no limit.
        interval_s: how long to wait before the usage is read again.
    """

    def __init__(
        self,
        store: UsageStore,
        executor: Executor,
        *,
        default: int,
        interval_s: float = _INTERVAL_S,
    ) -> None:
        super().__init__()
        self._store = store
        self._executor = executor
        self._default = default
        self._interval_s = interval_s
        self._full: dict[int, Usage] = {}
        self.usage: Mapping[int, Usage] = {}
        """The usage of each app monitor by its key, as last read. `quota` is what applies: its own
        or the default; None without a limit."""

    def check(self, app_monitor: int, *, authorized: bool = True) -> None:
        """Return if a batch may be stored for an app monitor.

        Args:
            authorized: whether the caller may learn the name of the app monitor and its quota.

        Raises:
            ThrottlingException: its quota is used up.
        """
        if app_monitor in self._full:
            raise _exceeded(self._full[app_monitor] if authorized else None)

    async def refresh(self) -> bool:
        """Count what is new, and read the usage. Return whether there is more to count."""
        more = await on_thread(self._executor, self._store.count)
        usage = await on_thread(self._executor, self._store.read)
        self.usage = {key: self._with_limit(found) for key, found in usage.items()}
        full = {
            key: found
            for key, found in self.usage.items()
            if found.quota is not None and found.stored_bytes >= found.quota
        }
        for key, found in full.items():
            if key not in self._full:
                logger.warning(
                    "quota of stored bytes reached",
                    app_monitor=found.name,
                    stored_bytes=found.stored_bytes,
                    quota=found.quota,
                )
        self._full = full
        return more

    async def __aenter__(self) -> Self:
        await self._try_to_refresh()
        return await super().__aenter__()

    async def _run(self) -> None:
        pause_s = self._interval_s
        while True:
            await asyncio.sleep(pause_s)
            began = perf_counter()
            more = await self._try_to_refresh()
            pause_s = (perf_counter() - began) / _SHARE if more else self._interval_s

    async def _try_to_refresh(self) -> bool:
        try:
            return await self.refresh()
        except Exception as error:
            # The last usage stays. If the store fails, so do the puts.
            logger.warning("stored bytes not read", error=type(error).__name__)
            return False

    def _with_limit(self, usage: Usage) -> Usage:
        quota = self._default if usage.quota is None else usage.quota
        return usage._replace(quota=quota or None)


def _exceeded(usage: Usage | None) -> ThrottlingException:
    message = "The app monitor has reached its quota of stored bytes."
    if usage:
        message = (
            f"The app monitor {usage.name} has reached its quota of {usage.quota} stored bytes."
            " An operator can raise it with `openrum quota set`."
        )
    return ThrottlingException(
        message,
        service_code="rum",
        quota_code=QUOTA_CODE,
        retry_after_seconds=_RETRY_AFTER_S,
    )
