"""DataPlaneService: PutRumEvents as bytes in and out, so that the log keeps what was received."""

from __future__ import annotations

__all__ = ["DataPlane"]

from functools import partial

from rum_service.errors import RumError
from rum_service.ingest.put import Ingest, Put
from rum_service.rpc.boundary import CallBoundary, Context


class DataPlane:
    """The methods of the service."""

    def __init__(self, ingest: Ingest, boundary: CallBoundary) -> None:
        self._ingest = ingest
        self._boundary = boundary

    async def put_rum_events(self, content: bytes, context: Context) -> bytes:
        """Take a serialized PutRumEventsRequest and return a PutRumEventsResponse: no bytes."""
        boundary = self._boundary
        try:
            call = boundary.put_call(context)
        except RumError as error:
            self._ingest.reject(content, error)
            raise
        await self._ingest.put(Put(content, call, partial(boundary.request_id, context)))
        return b""
