"""grpc.health.v1: SERVING only while the store takes batches."""

from __future__ import annotations

__all__ = ["StoreHealth"]

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence

import structlog
from grpc_health.v1 import health, health_pb2

from rum_service.rpc.call_context import Context

logger = structlog.get_logger()

# A store that needs longer for one small commit is too slow for puts.
_TIMEOUT_S = 5.0
# Checks within this time share one result, because each costs an fsync.
_EVERY_S = 1.0


class StoreHealth(health.aio.HealthServicer):  # type: ignore[misc] # grpcio-health-checking is untyped
    """Health based on a small commit to the store, at each check and during watches.

    Args:
        check_store: raises if a put would not be stored.
    """

    def __init__(
        self,
        services: Sequence[str],
        check_store: Callable[[], Awaitable[None]],
        *,
        timeout_s: float = _TIMEOUT_S,
        every_s: float = _EVERY_S,
    ) -> None:
        super().__init__()
        self._services = ("", *services)
        self._check_store = check_store
        self._timeout_s = timeout_s
        self._every_s = every_s
        self._lock = asyncio.Lock()
        self._probe: asyncio.Future[None] | None = None
        self._checked_at = -math.inf
        self._draining = False

    async def Check(
        self,
        request: health_pb2.HealthCheckRequest,
        context: Context,
    ) -> health_pb2.HealthCheckResponse:
        await self._refresh()
        return await super().Check(request, context)

    async def Watch(
        self,
        request: health_pb2.HealthCheckRequest,
        context: Context,
    ) -> None:
        await self._refresh()
        refreshing = asyncio.create_task(self._keep_fresh())
        try:
            await super().Watch(request, context)
        finally:
            refreshing.cancel()

    async def drain(self) -> None:
        """Answer NOT_SERVING from now on."""
        self._draining = True
        await self.enter_graceful_shutdown()

    async def _keep_fresh(self) -> None:
        while not self._draining:
            await asyncio.sleep(self._every_s)
            await self._refresh()

    async def _refresh(self) -> None:
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if self._draining or now - self._checked_at < self._every_s:
                return
            serving = health_pb2.HealthCheckResponse
            status = serving.SERVING if await self._is_writable() else serving.NOT_SERVING
            for service in self._services:
                await self.set(service, status)
            self._checked_at = now

    async def _is_writable(self) -> bool:
        # Wait for a hanging probe again: more of them would only wait behind it.
        probe = self._probe or asyncio.ensure_future(self._check_store())
        done, _ = await asyncio.wait([probe], timeout=self._timeout_s)
        self._probe = None if done else probe
        reason = probe.exception() if done else TimeoutError()
        if reason:
            logger.warning("store not writable", reason=type(reason).__name__)
        return reason is None
