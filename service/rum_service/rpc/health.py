"""grpc.health.v1: SERVING only while the store takes batches."""

from __future__ import annotations

__all__ = ["StoreHealth"]

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rum_service.rpc.call_context import Context

logger = structlog.get_logger()

# A store that needs longer for one small commit is too slow for puts.
_TIMEOUT_S = 5.0
# Checks within this time share one result, because each costs an fsync.
_EVERY_S = 1.0
_SERVING: int = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING: int = health_pb2.HealthCheckResponse.NOT_SERVING
_SERVICE_UNKNOWN: int = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


class StoreHealth(health_pb2_grpc.HealthServicer):  # type: ignore[misc] # grpcio-health-checking is untyped
    """Health based on a small commit to the store, at each check and during watches.

    Anyone may call it. The servicer of grpcio-health-checking would let a watch whose client reads
    nothing block all other calls.

    Args:
        services: the names of the services. The empty name, of the server, is added.
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
        self._services = frozenset(("", *services))
        self._check_store = check_store
        self._timeout_s = timeout_s
        self._every_s = every_s
        self._is_writable = False
        self._checked_at = -math.inf
        self._refresh: asyncio.Task[None] | None = None
        self._probe: asyncio.Future[None] | None = None
        self._draining = asyncio.Event()

    async def Check(
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> health_pb2.HealthCheckResponse:
        status = await self._status(request.service)
        if status == _SERVICE_UNKNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND)
        return health_pb2.HealthCheckResponse(status=status)

    async def Watch(
        self, request: health_pb2.HealthCheckRequest, _: Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        last = None
        while True:
            status = await self._status(request.service)
            if status != last:
                yield health_pb2.HealthCheckResponse(status=status)
                last = status
            if self._draining.is_set():
                return  # a call in progress would delay the stop of the server
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every_s):
                    await self._draining.wait()

    def drain(self) -> None:
        """Answer NOT_SERVING from now on. Watches whose clients read end."""
        self._draining.set()

    async def _status(self, service: str) -> int:
        """Return a service's status, which is at most `every_s` old."""
        if service not in self._services:
            return _SERVICE_UNKNOWN
        now = asyncio.get_running_loop().time()
        if not self._draining.is_set() and now - self._checked_at >= self._every_s:
            if self._refresh is None:
                self._refresh = asyncio.create_task(self._check())
            # A call that is cancelled leaves the result to the next one: otherwise each would begin
            # a commit.
            await asyncio.shield(self._refresh)
        return _SERVING if self._is_writable and not self._draining.is_set() else _NOT_SERVING

    async def _check(self) -> None:
        # Wait for a hanging probe again: more of them would only wait behind it.
        probe = self._probe or asyncio.ensure_future(self._check_store())
        done, _ = await asyncio.wait([probe], timeout=self._timeout_s)
        self._probe = None if done else probe
        reason = _failure_of(probe) if done else TimeoutError()
        if reason:
            logger.warning("store not writable", reason=type(reason).__name__)
        self._is_writable = reason is None
        self._checked_at = asyncio.get_running_loop().time()
        self._refresh = None


def _failure_of(probe: asyncio.Future[None]) -> BaseException | None:
    return asyncio.CancelledError() if probe.cancelled() else probe.exception()
