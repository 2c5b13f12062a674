"""DataPlaneService: translates between gRPC messages and the use case."""

from __future__ import annotations

__all__ = ["DataPlane"]

from typing import Any, TypeAlias

import grpc.aio

from rum.v1 import data_plane_service_pb2 as pb
from rum.v1.data_plane_service_pb2_grpc import DataPlaneServiceServicer
from rum_service.ingest.put import Ingest, Put
from rum_service.rpc.boundary import incoming

_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class DataPlane(DataPlaneServiceServicer):
    """The servicer."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest

    async def PutRumEvents(
        self, request: pb.PutRumEventsRequest, _: _Context
    ) -> pb.PutRumEventsResponse:
        current = incoming()
        await self._ingest.put(Put(request, current.request_id, current.call))
        return pb.PutRumEventsResponse()
