"""BridgeService: translates between gRPC messages and the use case."""

from __future__ import annotations

__all__ = ["BridgePlane"]

from typing import Any, TypeAlias

import grpc.aio
import structlog

from rum.internal.v1 import bridge_service_pb2 as pb
from rum.internal.v1.bridge_service_pb2_grpc import BridgeServiceServicer
from rum_service.errors import RumError, ValidationException
from rum_service.ingest.put import Ingest, Put
from rum_service.rpc.boundary import incoming
from rum_service.rpc.status import to_status
from rum_service.storage.records import Appended

logger = structlog.get_logger()

_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_MAX_ENTRIES = 1000


class BridgePlane(BridgeServiceServicer):
    """The servicer."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest

    async def BatchPutRumEvents(
        self, request: pb.BatchPutRumEventsRequest, _: _Context
    ) -> pb.BatchPutRumEventsResponse:
        if not 1 <= len(request.entries) <= _MAX_ENTRIES:
            raise ValidationException(f"entries must have 1 to {_MAX_ENTRIES} items.")
        current = incoming()
        puts = [
            Put(
                entry.request,
                entry.request_id[:64] or current.request_id,
                current.call.relaying(entry.caller) if entry.HasField("caller") else current.call,
            )
            for entry in request.entries
        ]
        results = await self._ingest.put_many(puts)
        for put, result in zip(puts, results, strict=True):
            if isinstance(result, RumError):
                logger.info(
                    "put rejected",
                    request_id=put.request_id,
                    error=type(result).__name__,
                    reason=str(result),
                )
        return pb.BatchPutRumEventsResponse(
            statuses=[
                to_status(result if isinstance(result, RumError) else None) for result in results
            ],
            duplicates=[
                index for index, result in enumerate(results) if result is Appended.DUPLICATE
            ],
        )
