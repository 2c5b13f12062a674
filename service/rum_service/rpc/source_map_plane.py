"""SourceMapService: translates between gRPC messages and the use cases."""

from __future__ import annotations

__all__ = ["SourceMapPlane"]

from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc.aio

from rum.v1 import source_map_service_pb2 as pb
from rum.v1.source_map_service_pb2_grpc import SourceMapServiceServicer
from rum_service.control.source_maps import SourceMaps

_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class SourceMapPlane(SourceMapServiceServicer):
    """The servicer."""

    def __init__(self, source_maps: SourceMaps) -> None:
        self._source_maps = source_maps

    async def UploadSourceMap(
        self, request_iterator: AsyncIterator[pb.UploadSourceMapRequest], _: _Context
    ) -> pb.UploadSourceMapResponse:
        return await self._source_maps.upload(request_iterator)

    async def ListSourceMaps(
        self, request: pb.ListSourceMapsRequest, _: _Context
    ) -> pb.ListSourceMapsResponse:
        return await self._source_maps.list(request)

    async def GetSourceMap(
        self, request: pb.GetSourceMapRequest, _: _Context
    ) -> pb.GetSourceMapResponse:
        return await self._source_maps.get(request)

    async def DeleteSourceMaps(
        self, request: pb.DeleteSourceMapsRequest, _: _Context
    ) -> pb.DeleteSourceMapsResponse:
        return await self._source_maps.delete(request)
