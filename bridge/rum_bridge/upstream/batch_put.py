"""Call BatchPutRumEvents of the service over gRPC, again while the service is unavailable."""

from __future__ import annotations

__all__ = ["BatchPut", "GrpcBatchPut"]

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import grpc
import grpc.aio
import structlog

from rum.internal.v1.bridge_service_pb2 import BatchPutRumEventsResponse
from rum_bridge.errors import bridge_token_rejected, from_rpc_error
from rum_bridge.upstream.channel import BridgeToken

logger = structlog.get_logger()

BatchPut: TypeAlias = Callable[[bytes, float], Awaitable[BatchPutRumEventsResponse]]
"""Stores the entries of a serialized BatchPutRumEventsRequest within a time in seconds.

Raises HttpError, or TimeoutError if the outcome is unknown after that time.
"""

_METHOD = "/rum.internal.v1.BridgeService/BatchPutRumEvents"
_RETRY_EVERY_S = 0.1
# gRPC answers CANCELLED to calls that reach a server in the moment when it stops. A call that the
# bridge cancels raises CancelledError instead.
_RETRIED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)

_Call: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[bytes, BatchPutRumEventsResponse]"


class GrpcBatchPut:
    """A BatchPut over a channel."""

    def __init__(self, channel: grpc.aio.Channel, token: BridgeToken) -> None:
        self._token = token
        self._call: _Call = channel.unary_unary(
            _METHOD, response_deserializer=BatchPutRumEventsResponse.FromString
        )

    async def __call__(self, request: bytes, timeout_s: float) -> BatchPutRumEventsResponse:
        """Call the service, again if it is unavailable, until it answers or the time is up.

        Retrying is safe: the service stores a batch once. Browsers do not retry the beacons of
        closing pages, so these survive a restart of the service only if the bridge retries.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while True:
            left = deadline - loop.time()
            try:
                return await self._call(
                    request,
                    timeout=max(left, 0.001),
                    metadata=self._token.metadata(),
                    wait_for_ready=True,
                )
            except grpc.aio.AioRpcError as error:
                if error.code() not in _RETRIED or left < _RETRY_EVERY_S:
                    logger.warning("put not answered", code=error.code().name)
                    if error.code() is grpc.StatusCode.PERMISSION_DENIED:
                        # Callers are rejected entry by entry, so it is the bridge itself.
                        raise bridge_token_rejected() from None
                    raise from_rpc_error(error) from None
            await asyncio.sleep(_RETRY_EVERY_S)
