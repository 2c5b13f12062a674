"""A real gRPC service in the place of rum_service, which tells what reaches it and waits if asked.

It speaks the contract over a real port; what it answers is the test's to say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import grpc.aio
from google.rpc.status_pb2 import Status

from rum.internal.v1 import bridge_service_pb2 as pb
from rum.internal.v1.bridge_service_pb2_grpc import (
    BridgeServiceServicer,
    add_BridgeServiceServicer_to_server,
)
from rum.v1 import control_plane_service_pb2 as control_pb
from rum.v1.control_plane_service_pb2_grpc import (
    ControlPlaneServiceServicer,
    add_ControlPlaneServiceServicer_to_server,
)
from rum_service.rpc.boundary import CallBoundary

Answer = Callable[[pb.BatchPutRumEventsRequest], Awaitable[pb.BatchPutRumEventsResponse]]
_OPTIONS = [("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", -1)]


async def all_ok(request: pb.BatchPutRumEventsRequest) -> pb.BatchPutRumEventsResponse:
    return pb.BatchPutRumEventsResponse(statuses=[Status() for _ in request.entries])


async def _admit_everybody(*_: object) -> None:
    """What the service does where it is open."""


class StandIn(BridgeServiceServicer, ControlPlaneServiceServicer):
    """The service. It keeps its port over restarts."""

    def __init__(self) -> None:
        self.answer: Answer = all_ok
        self.refuse: Exception | None = None
        """What CreateAppMonitor raises."""
        self.garbled = False
        """Whether a refusal carries details that are no google.rpc.Status."""
        self.calls: list[list[str]] = []
        """The request ids of each call, in the order the calls came."""
        self.arrived = asyncio.Semaphore(0)
        """Released once for each call that came."""
        self.address = "127.0.0.1:0"

    async def start(self) -> None:
        boundary = CallBoundary(_admit_everybody)
        self._server = grpc.aio.server(interceptors=[boundary], options=_OPTIONS)
        add_BridgeServiceServicer_to_server(self, self._server)
        add_ControlPlaneServiceServicer_to_server(self, self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port(self.address)}"
        await self._server.start()

    async def stop(self) -> None:
        """Breaks off what is under way."""
        await self._server.stop(None)

    async def BatchPutRumEvents(
        self, request: pb.BatchPutRumEventsRequest, context: object
    ) -> pb.BatchPutRumEventsResponse:
        self.calls.append([entry.request_id for entry in request.entries])
        self.arrived.release()
        return await self.answer(request)

    async def CreateAppMonitor(
        self,
        request: control_pb.CreateAppMonitorRequest,
        context: grpc.aio.ServicerContext,  # type: ignore[type-arg]
    ) -> control_pb.CreateAppMonitorResponse:
        if self.garbled:
            garbage = (("grpc-status-details-bin", b"\xff\xff"),)
            await context.abort(grpc.StatusCode.INTERNAL, "x", garbage)
        if self.refuse:
            raise self.refuse
        return control_pb.CreateAppMonitorResponse(id="id")
