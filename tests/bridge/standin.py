"""A gRPC server in place of rum_service. It records calls, and each test sets its responses.

It serves the contract on a real port.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import grpc.aio
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from rum.internal.v1 import bridge_service_pb2 as pb
from rum.internal.v1.bridge_service_pb2_grpc import (
    BridgeServiceServicer,
    add_BridgeServiceServicer_to_server,
)
from rum.v1 import control_plane_service_pb2 as control_pb
from rum.v1 import insight_service_pb2, source_map_service_pb2
from rum.v1.control_plane_service_pb2_grpc import (
    ControlPlaneServiceServicer,
    add_ControlPlaneServiceServicer_to_server,
)
from rum_service.errors import RumError
from rum_service.rpc.status import to_status

Respond = Callable[[pb.BatchPutRumEventsRequest], Awaitable[pb.BatchPutRumEventsResponse]]
_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_INSIGHT = {
    service.full_name: service
    for service in (
        insight_service_pb2.DESCRIPTOR.services_by_name["InsightService"],
        source_map_service_pb2.DESCRIPTOR.services_by_name["SourceMapService"],
    )
}
_OPTIONS = [("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", -1)]


async def all_ok(request: pb.BatchPutRumEventsRequest) -> pb.BatchPutRumEventsResponse:
    return pb.BatchPutRumEventsResponse(statuses=[Status() for _ in request.entries])


class StandIn(BridgeServiceServicer, ControlPlaneServiceServicer):
    """The stand-in. It keeps its port when it is restarted."""

    def __init__(self) -> None:
        self.respond: Respond = all_ok
        self.reject: RumError | None = None
        """The exception that CreateAppMonitor raises."""
        self.garbled = False
        """Whether CreateAppMonitor fails with details that are not a google.rpc.Status."""
        self.refuse: RumError | None = None
        """The exception that CheckAppMonitor and CheckCaller raise."""
        self.checked: list[str] = []
        """The app monitors and methods that the bridge asked about."""
        self.calls: list[list[str]] = []
        """The request IDs of each call, in the order of arrival."""
        self.peers: dict[str, str] = {}
        """The connection of the last call of some methods."""
        self.arrived = asyncio.Semaphore(0)
        """Released once for each call."""
        self.insight = InsightStandIn()
        self.address = "127.0.0.1:0"

    async def start(self) -> None:
        self._server = grpc.aio.server(options=_OPTIONS)
        add_BridgeServiceServicer_to_server(self, self._server)
        add_ControlPlaneServiceServicer_to_server(self, self._server)
        self._server.add_generic_rpc_handlers([self.insight])
        self.address = f"127.0.0.1:{self._server.add_insecure_port(self.address)}"
        await self._server.start()

    async def stop(self) -> None:
        """Stop at once and cancel calls in progress."""
        await self._server.stop(None)

    async def BatchPutRumEvents(
        self, request: pb.BatchPutRumEventsRequest, context: _Context
    ) -> pb.BatchPutRumEventsResponse:
        self.peers["BatchPutRumEvents"] = context.peer()
        self.calls.append([entry.request_id for entry in request.entries])
        self.arrived.release()
        try:
            return await self.respond(request)
        except RumError as error:
            await _abort(context, error)
            raise

    async def CheckBridge(
        self, request: pb.CheckBridgeRequest, context: _Context
    ) -> pb.CheckBridgeResponse:
        return pb.CheckBridgeResponse()

    async def CheckAppMonitor(
        self, request: pb.CheckAppMonitorRequest, context: _Context
    ) -> pb.CheckAppMonitorResponse:
        self.checked.append(request.id)
        if self.refuse:
            await _abort(context, self.refuse)
        return pb.CheckAppMonitorResponse()

    async def CheckCaller(
        self, request: pb.CheckCallerRequest, context: _Context
    ) -> pb.CheckCallerResponse:
        self.checked.append(request.method)
        if self.refuse:
            await _abort(context, self.refuse)
        return pb.CheckCallerResponse()

    async def CreateAppMonitor(
        self,
        request: control_pb.CreateAppMonitorRequest,
        context: _Context,
    ) -> control_pb.CreateAppMonitorResponse:
        self.peers["CreateAppMonitor"] = context.peer()
        if self.garbled:
            garbage = (("grpc-status-details-bin", b"\xff\xff"),)
            await context.abort(grpc.StatusCode.INTERNAL, "x", garbage)
        if self.reject:
            await _abort(context, self.reject)
        return control_pb.CreateAppMonitorResponse(id="id")


class InsightStandIn(grpc.GenericRpcHandler):
    """Answers every method of InsightService and SourceMapService with one message."""

    def __init__(self) -> None:
        self.requests: list[Message] = []
        self.response: Message | None = None
        """None: an empty response."""
        self.first: list[Message] = []
        """The responses to the first calls, before `response`."""

    def service(self, handler_call_details: Any) -> Any:
        service, _, name = handler_call_details.method[1:].partition("/")
        if service not in _INSIGHT:
            return None
        kind = GetMessageClass(_INSIGHT[service].methods_by_name[name].input_type)

        async def answer(request: Message, _: _Context) -> bytes:
            self.requests.append(request)
            response = self.first.pop(0) if self.first else self.response
            return response.SerializeToString() if response else b""

        return grpc.unary_unary_rpc_method_handler(answer, request_deserializer=kind.FromString)


async def _abort(context: _Context, error: RumError) -> None:
    """End a call with an error, in the service's form."""
    status = rpc_status.to_status(to_status(error))
    await context.abort(status.code, status.details, status.trailing_metadata)
