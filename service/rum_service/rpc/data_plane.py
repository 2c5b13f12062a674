"""DataPlaneService: PutRumEvents as bytes in and out, so that the log keeps what was received."""

from __future__ import annotations

__all__ = ["DataPlane"]

from functools import partial

from rum_service.ingest.preparation import Put
from rum_service.ingest.put import Ingest
from rum_service.rpc.address_limits import AddressLimits
from rum_service.rpc.boundary import CallBoundary
from rum_service.rpc.call_context import SILENT_CALL, Context
from rum_service.rpc.incoming import Incoming


class DataPlane:
    """The methods of the service."""

    def __init__(
        self, ingest: Ingest, boundary: CallBoundary, incoming: Incoming, limits: AddressLimits
    ) -> None:
        self._ingest = ingest
        self._boundary = boundary
        self._incoming = incoming
        self._limits = limits

    async def put_rum_events(self, _: object, context: Context) -> bytes:
        """Receive a serialized PutRumEventsRequest and return a PutRumEventsResponse: no bytes."""
        boundary, incoming = self._boundary, self._incoming
        content = b""
        try:
            call = boundary.put_call(context)
            known = call is not SILENT_CALL and await boundary.is_known(call)
            address = (not known and self._limits and call.peer_ip) or ""
            if address:
                await self._limits.check(address)
            content = await boundary.message(context, call, known=known)
            if address:
                events = self._ingest.event_count(content)
                self._limits.charge(address, events=events, size=len(content))
            incoming.hold(len(content))
        except BaseException as error:
            self._ingest.reject(content, error)
            raise
        try:
            await self._ingest.put(Put(content, call, partial(boundary.request_id, context)))
        finally:
            incoming.release(len(content))
        return b""
