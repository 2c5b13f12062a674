"""ControlPlaneService over gRPC: message in, use case, message out."""

from __future__ import annotations

__all__ = ["ControlPlane"]

from typing import Any, TypeAlias

import grpc.aio

from rum.v1 import control_plane_service_pb2 as pb
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceServicer
from rum_service.monitors import Monitors
from rum_service.readback import Readback

_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class ControlPlane(ControlPlaneServiceServicer):
    """The servicer."""

    def __init__(self, monitors: Monitors, readback: Readback) -> None:
        self._monitors = monitors
        self._readback = readback

    async def CreateAppMonitor(
        self, request: pb.CreateAppMonitorRequest, _: _Context
    ) -> pb.CreateAppMonitorResponse:
        return pb.CreateAppMonitorResponse(id=await self._monitors.create(request))

    async def GetAppMonitor(
        self, request: pb.GetAppMonitorRequest, _: _Context
    ) -> pb.GetAppMonitorResponse:
        return pb.GetAppMonitorResponse(app_monitor=await self._monitors.get(request))

    async def ListAppMonitors(
        self, request: pb.ListAppMonitorsRequest, _: _Context
    ) -> pb.ListAppMonitorsResponse:
        return await self._monitors.list(request)

    async def UpdateAppMonitor(
        self, request: pb.UpdateAppMonitorRequest, _: _Context
    ) -> pb.UpdateAppMonitorResponse:
        await self._monitors.update(request)
        return pb.UpdateAppMonitorResponse()

    async def DeleteAppMonitor(
        self, request: pb.DeleteAppMonitorRequest, _: _Context
    ) -> pb.DeleteAppMonitorResponse:
        await self._monitors.delete(request)
        return pb.DeleteAppMonitorResponse()

    async def GetAppMonitorData(
        self, request: pb.GetAppMonitorDataRequest, _: _Context
    ) -> pb.GetAppMonitorDataResponse:
        return await self._readback.get(request)
