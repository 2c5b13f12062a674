"""BridgeService: the batches of many requests in one call."""

from __future__ import annotations

__all__ = ["BridgePlane"]

from collections.abc import Callable
from functools import lru_cache, partial
from time import perf_counter

import structlog
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status

from rum.internal.v1 import bridge_service_pb2 as pb
from rum_service.auth.callers import Call
from rum_service.auth.operations import PUT_RUM_EVENTS
from rum_service.errors import RumError, ValidationException
from rum_service.ingest.fields import has_more_fields
from rum_service.ingest.preparation import Put
from rum_service.ingest.put import Ingest
from rum_service.rpc.boundary import CallBoundary
from rum_service.rpc.call_context import MAX_REQUEST_ID, Context, call_of
from rum_service.rpc.status import to_status
from rum_service.storage.records import Appended

logger = structlog.get_logger()

_MAX_ENTRIES = 1000


class BridgePlane:
    """The methods of the service."""

    def __init__(self, ingest: Ingest, boundary: CallBoundary) -> None:
        self._ingest = ingest
        self._boundary = boundary

    async def check(self, call: Call) -> bool:
        """Return whether the caller of BatchPutRumEvents is known. Raises RumError."""
        return await self._boundary.is_known(call)

    async def batch_put_rum_events(
        self, content: bytes, context: Context
    ) -> pb.BatchPutRumEventsResponse:
        """Store all entries in a serialized request in one transaction."""
        new_id = partial(self._boundary.request_id, context)
        try:
            call = call_of(context)
        except RumError as error:
            self._ingest.reject(content, error)
            raise
        return await self.put(content, call, new_id)

    async def put(
        self, content: bytes, call: Call, new_id: Callable[[], str]
    ) -> pb.BatchPutRumEventsResponse:
        """Do the same for a call that did not come over gRPC.

        Args:
            new_id: returns a request ID, for entries without one.
        """
        try:
            request = _parsed(content)
        except RumError as error:
            self._ingest.reject(content, error)
            raise
        began_s = perf_counter()
        puts = [_put(entry, call, new_id) for entry in request.entries]
        results = await self._ingest.put_many(puts)
        if self._boundary.requests.is_on:
            self._log(puts, results, began_s)
        if results.count(Appended.STORED) == len(results):  # as nearly always
            return _all_stored(len(results))
        for put, result in zip(puts, results, strict=True):
            if isinstance(result, RumError):
                logger.info(
                    "put rejected",
                    request_id=put.request_id(),
                    error=type(result).__name__,
                    reason=str(result),
                )
        return pb.BatchPutRumEventsResponse(
            statuses=[_status(result) for result in results],
            duplicates=[
                index for index, result in enumerate(results) if result is Appended.DUPLICATE
            ],
        )

    def _log(self, puts: list[Put], results: list[Appended | RumError], began_s: float) -> None:
        for put, result in zip(puts, results, strict=True):
            self._boundary.requests.write(
                put.request_id(),
                PUT_RUM_EVENTS.name,
                began_s,
                type(result).__name__ if isinstance(result, RumError) else result.name.lower(),
                error=isinstance(result, RumError),
                relayed=True,
                bytes=len(put.content),
            )


def _parsed(content: bytes) -> pb.BatchPutRumEventsRequest:
    too_many = ValidationException(f"entries must have 1 to {_MAX_ENTRIES} items.")
    if has_more_fields(content, _MAX_ENTRIES):
        raise too_many
    try:
        request = pb.BatchPutRumEventsRequest.FromString(content)
    except DecodeError:
        raise ValidationException("The message is not a BatchPutRumEventsRequest.") from None
    if not 1 <= len(request.entries) <= _MAX_ENTRIES:
        raise too_many
    return request


@lru_cache(128)
def _all_stored(entries: int) -> pb.BatchPutRumEventsResponse:
    """Return the response of that many stored entries. It never changes."""
    return pb.BatchPutRumEventsResponse(statuses=[to_status(None)] * entries)


def _put(entry: pb.BatchPutRumEventsEntry, call: Call, new_id: Callable[[], str]) -> Put:
    return Put(
        entry.request,
        call.relaying(entry.caller) if entry.HasField("caller") else call,
        lambda: entry.request_id[:MAX_REQUEST_ID] or new_id(),
        entry.imported if entry.HasField("imported") else None,
    )


def _status(result: Appended | RumError) -> Status:
    return to_status(result if isinstance(result, RumError) else None)
