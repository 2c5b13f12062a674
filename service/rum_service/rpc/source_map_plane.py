"""SourceMapService: translates between gRPC messages and the use cases."""

from __future__ import annotations

__all__ = ["SourceMapPlane"]

from collections.abc import AsyncIterator

from rum.v1 import source_map_service_pb2 as pb
from rum.v1.source_map_service_pb2_grpc import SourceMapServiceServicer
from rum_service.control.source_map_uploads import SourceMapUploads
from rum_service.control.source_maps import SourceMaps
from rum_service.rpc.call_context import Context


class SourceMapPlane(SourceMapServiceServicer):
    """The servicer."""

    def __init__(self, uploads: SourceMapUploads, source_maps: SourceMaps) -> None:
        self._uploads = uploads
        self._source_maps = source_maps

    async def UploadSourceMap(
        self, request_iterator: AsyncIterator[pb.UploadSourceMapRequest], _: Context
    ) -> pb.UploadSourceMapResponse:
        return await self._uploads.upload(request_iterator)

    async def ListSourceMaps(
        self, request: pb.ListSourceMapsRequest, _: Context
    ) -> pb.ListSourceMapsResponse:
        return await self._source_maps.list(request)

    async def GetSourceMap(
        self, request: pb.GetSourceMapRequest, _: Context
    ) -> pb.GetSourceMapResponse:
        return await self._source_maps.get(request)

    async def DeleteSourceMaps(
        self, request: pb.DeleteSourceMapsRequest, _: Context
    ) -> pb.DeleteSourceMapsResponse:
        return await self._source_maps.delete(request)
