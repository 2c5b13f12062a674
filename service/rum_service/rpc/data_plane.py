"""DataPlaneService over gRPC: message in, use case, message out."""

from __future__ import annotations

__all__ = ["DataPlane"]

from typing import Any, TypeAlias

import grpc.aio

from rum.v1 import data_plane_service_pb2 as pb
from rum.v1.data_plane_service_pb2_grpc import DataPlaneServiceServicer
from rum_service.ingest.put import Ingest, Put
from rum_service.rpc.boundary import call_of, request_id_of

_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class DataPlane(DataPlaneServiceServicer):
    """The servicer."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest

    async def PutRumEvents(
        self, request: pb.PutRumEventsRequest, context: _Context
    ) -> pb.PutRumEventsResponse:
        await self._ingest.put(Put(request, request_id_of(context), call_of(context)))
        return pb.PutRumEventsResponse()
