"""grpc.health.v1: SERVING only while a put would be accepted."""

from __future__ import annotations

__all__ = ["StoreHealth"]

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import grpc.aio
import structlog
from grpc_health.v1 import health, health_pb2

log = structlog.get_logger()

# A store that needs longer for one small commit accepts nothing in a useful time.
_CHECK_TIMEOUT_S = 5.0
# Checks closer together than this share one answer: each costs the disk an fsync.
_CHECK_EVERY_S = 1.0


class StoreHealth(health.aio.HealthServicer):  # type: ignore[misc] # grpcio-health-checking is untyped
    """Commits something small to the store before it answers a check."""

    def __init__(self, services: Sequence[str], check_writable: Callable[[], None]) -> None:
        super().__init__()
        self._services = ("", *services)
        self._check_writable = check_writable
        self._lock = asyncio.Lock()
        self._checked_at = -_CHECK_EVERY_S
        self._draining = False

    async def Check(
        self,
        request: health_pb2.HealthCheckRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> health_pb2.HealthCheckResponse:
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if not self._draining and now - self._checked_at >= _CHECK_EVERY_S:
                status = await self._probe()
                for service in self._services:
                    await self.set(service, status)
                self._checked_at = now
        return await super().Check(request, context)

    async def drain(self) -> None:
        """Answers NOT_SERVING from now on."""
        self._draining = True
        await self.enter_graceful_shutdown()

    async def _probe(self) -> health_pb2.HealthCheckResponse.ServingStatus:
        probe = asyncio.to_thread(self._check_writable)
        try:
            await asyncio.wait_for(probe, _CHECK_TIMEOUT_S)
        except Exception as error:
            log.warning("store not writable", reason=type(error).__name__)
            return health_pb2.HealthCheckResponse.NOT_SERVING
        return health_pb2.HealthCheckResponse.SERVING
