"""DataPlaneService: PutRumEvents as bytes in and out, so that the log keeps what was received."""

from __future__ import annotations

__all__ = ["DataPlane"]

from functools import partial

from google.protobuf.message import DecodeError

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.errors import ValidationException
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
        call = boundary.put_call(context)
        try:
            request = PutRumEventsRequest.FromString(content)
        except DecodeError:
            raise ValidationException("The message is not a PutRumEventsRequest.") from None
        await self._ingest.put(Put(request, content, call, partial(boundary.request_id, context)))
        return b""
