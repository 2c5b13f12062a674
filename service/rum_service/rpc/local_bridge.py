"""BatchPutRumEvents for a bridge in the same process, without gRPC."""

from __future__ import annotations

__all__ = ["LocalBridge"]

import asyncio
from collections.abc import Callable

from rum.internal.v1 import bridge_service_pb2 as pb
from rum_service.auth.callers import Call
from rum_service.rpc.bridge_plane import BridgePlane


class LocalBridge:
    """The service as a bridge in the same process sees it.

    Args:
        token: identifies a bridge, as it does in the metadata of a call.
        new_id: returns a request ID.
    """

    def __init__(self, plane: BridgePlane, *, token: str, new_id: Callable[[], str]) -> None:
        self._plane = plane
        self._call = Call(bearer_token=token)
        self._new_id = new_id

    async def batch_put(self, request: bytes, timeout_s: float) -> pb.BatchPutRumEventsResponse:
        """Store the entries in a serialized BatchPutRumEventsRequest in one transaction.

        Raises:
            RumError: the number of entries is out of range.
            TimeoutError: after this time the outcome is unknown. A retry is safe.
        """
        async with asyncio.timeout(timeout_s):
            return await self._plane.put(request, self._call, self._new_id)
