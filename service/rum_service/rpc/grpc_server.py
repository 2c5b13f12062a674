"""The gRPC server: servicers behind the boundary, health, reflection, and a graceful stop."""

from __future__ import annotations

__all__ = ["GrpcServer"]

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeAlias, cast

import grpc
import grpc.aio
import structlog
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.reflection_pb2_grpc import add_ServerReflectionServicer_to_server

from rum.internal.v1 import bridge_service_pb2
from rum.operator.v1 import operator_service_pb2
from rum.operator.v1.operator_service_pb2_grpc import add_OperatorServiceServicer_to_server
from rum.v1 import (
    control_plane_service_pb2,
    data_plane_service_pb2,
    insight_service_pb2,
    source_map_service_pb2,
)
from rum.v1.control_plane_service_pb2_grpc import add_ControlPlaneServiceServicer_to_server
from rum.v1.source_map_service_pb2_grpc import add_SourceMapServiceServicer_to_server
from rum_endpoint.address import Address
from rum_endpoint.rolling import STRAGGLERS_S, listening_sockets, prefer
from rum_service.errors import ValidationException
from rum_service.rpc.address_connections import AddressConnections
from rum_service.rpc.admission import Admission
from rum_service.rpc.boundary import CallBoundary, Check
from rum_service.rpc.bridge_plane import BridgePlane
from rum_service.rpc.call_context import Behavior, Context
from rum_service.rpc.control_plane import ControlPlane
from rum_service.rpc.data_plane import DataPlane
from rum_service.rpc.health import StoreHealth
from rum_service.rpc.insight_plane import SERVICE as INSIGHT_SERVICE
from rum_service.rpc.insight_plane import InsightPlane
from rum_service.rpc.listen import listen
from rum_service.rpc.operator_plane import OperatorPlane
from rum_service.rpc.reflection import GuardedReflection
from rum_service.rpc.request_parser import Parse
from rum_service.rpc.source_map_plane import SourceMapPlane
from rum_service.settings import ServiceSettings

logger = structlog.get_logger()

# Quoted: the class is generic in its stub only.
_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
# Of one call, with 32 bytes for each field. The query string that a bridge reports, with 200 ids of
# BatchDeleteRumMetricDefinitions, takes 12 KB. 32 calls on a connection, each with as many short
# fields as are allowed, take 5 MB (2026-11).
_MAX_METADATA_BYTES = 32 << 10
# At most this number of calls is in progress on one connection. The client library holds further
# calls back, where they cost the service nothing. This is the main limit under overload. A bridge
# has two calls for puts in progress. docs/decisions/0028-connections-limit-calls.md
_MAX_STREAMS = 32
# How much gRPC receives on a connection before methods ask for their messages. With 64 KiB, a put
# of 50 events took 13 % more CPU, because clients waited for windows (2026-11).
_UNASKED_BYTES = 256 << 10
# At most this number of calls waits for the event loop, 12 kB each. gRPC answers further ones with
# CANCELLED and no details, which clients treat as an error. Only 128 connections with all their
# calls, or a client that resets calls rapidly, can reach this limit.
_MAX_PENDING = 4096
_DATA_PLANE, _CONTROL_PLANE, _INSIGHT, _SOURCE_MAPS, _OPERATOR, _BRIDGE = _SERVICES = tuple(
    module.DESCRIPTOR.services_by_name[name].full_name
    for module, name in (
        (data_plane_service_pb2, "DataPlaneService"),
        (control_plane_service_pb2, "ControlPlaneService"),
        (insight_service_pb2, "InsightService"),
        (source_map_service_pb2, "SourceMapService"),
        (operator_service_pb2, "OperatorService"),
        (bridge_service_pb2, "BridgeService"),
    )
)
_HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name


# A CheckCallerRequest, with the members in a path. The messages are parsed as they are.
_MAX_CHECK_BYTES = 16 << 10
_GRPC_LOGGER = logging.getLogger("grpc._cython.cygrpc")


def _without_metadata(record: logging.LogRecord) -> bool:
    """Replace the value and the traceback that gRPC logs for metadata that is not UTF-8."""
    if str(record.msg).startswith("Invalid encoding"):
        record.msg, record.args, record.exc_info = "metadata is not UTF-8", (), None
    return True


class GrpcServer:
    """The context manager listens; at its end it finishes the calls that are under way.

    Args:
        check_store: raises if a put would not be stored. For health.
    """

    address: str
    """host:port, with the port that was bound, once the context is entered."""

    def __init__(
        self,
        settings: ServiceSettings,
        boundary: CallBoundary,
        *,
        data_plane: DataPlane,
        bridge_plane: BridgePlane,
        admission: Admission,
        control_plane: ControlPlane,
        insight_plane: InsightPlane,
        source_map_plane: SourceMapPlane,
        operator_plane: OperatorPlane,
        check_store: Callable[[], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._boundary = boundary
        self._data_plane = data_plane
        self._bridge_plane = bridge_plane
        self._admission = admission
        self._control_plane = control_plane
        self._insight_plane = insight_plane
        self._source_map_plane = source_map_plane
        self._operator_plane = operator_plane
        self._check_store = check_store

    async def __aenter__(self) -> Self:
        """Listen. Raises StartError."""
        # Created here, not earlier: the server and its health belong to the running event loop.
        self._health = StoreHealth(_SERVICES, self._check_store)
        _GRPC_LOGGER.addFilter(_without_metadata)
        self._server = server = grpc.aio.server(options=_options(self._settings))
        server.add_generic_rpc_handlers(self._handlers())
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection = GuardedReflection((*_SERVICES, _HEALTH), self._boundary)
        add_ServerReflectionServicer_to_server(reflection, server)
        self.address = listen(server, self._settings)
        await server.start()
        port = Address.parse(self.address).port
        self._connections = AddressConnections(
            port, most=self._settings.max_grpc_connections_per_address
        )
        await self._connections.__aenter__()
        if self._settings.rolling:
            for listener in listening_sockets(port):
                prefer(listener)
        socket = self._settings.socket or None
        logger.info("service listens", grpc=self.address, socket=socket)
        return self

    def _handlers(self) -> list[grpc.GenericRpcHandler]:
        """Return the methods of the contract, wrapped once: an interceptor would wrap each call."""
        recorder: Any = _Recorder()
        add_ControlPlaneServiceServicer_to_server(self._control_plane, recorder)
        add_SourceMapServiceServicer_to_server(self._source_map_plane, recorder)
        add_OperatorServiceServicer_to_server(self._operator_plane, recorder)
        services = {
            service: {
                name: self._authorized(f"/{service}/{name}", handler)
                for name, handler in handlers.items()
            }
            for service, handlers in recorder.services.items()
        }
        boundary = self._boundary
        put = f"/{_DATA_PLANE}/PutRumEvents"
        services[_DATA_PLANE] = {
            # No codec: the log keeps the bytes as received.
            "PutRumEvents": grpc.stream_unary_rpc_method_handler(
                boundary.bounded(put, boundary.logged(put, self._data_plane.put_rum_events))
            )
        }
        of_bridge: dict[str, Behavior] = {
            "CheckBridge": _parsing("CheckBridge", self._admission.check_bridge),
            "CheckAppMonitor": _parsing("CheckAppMonitor", self._admission.check_app_monitor),
            "CheckCaller": _parsing("CheckCaller", self._admission.check_caller),
        }
        services[_BRIDGE] = {
            name: self._of_bridge(name, self._admission.check, behavior, _MAX_CHECK_BYTES)
            for name, behavior in of_bridge.items()
        }
        services[_BRIDGE]["BatchPutRumEvents"] = self._of_bridge(
            "BatchPutRumEvents",
            self._bridge_plane.check,
            self._bridge_plane.batch_put_rum_events,
            self._settings.max_message_bytes,
        )
        services[_INSIGHT] = {rpc.name: self._forwarded(rpc) for rpc in INSIGHT_SERVICE.methods}
        return [
            grpc.method_handlers_generic_handler(service, handlers)
            for service, handlers in services.items()
        ]

    def _of_bridge(self, name: str, check: Check, behavior: Behavior, max_bytes: int) -> _Handler:
        method = f"/{_BRIDGE}/{name}"
        return grpc.stream_unary_rpc_method_handler(
            self._boundary.received(method, check, behavior, max_bytes=max_bytes),
            response_serializer=getattr(bridge_service_pb2, f"{name}Response").SerializeToString,
        )

    def _forwarded(self, rpc: MethodDescriptor) -> _Handler:
        # No serializer: the behavior returns the bytes that the projector sent.
        parse = cast("Parse", GetMessageClass(rpc.input_type).FromString)
        behavior = self._insight_plane.behavior(rpc.name)
        return grpc.stream_unary_rpc_method_handler(
            self._boundary.authorized(f"/{_INSIGHT}/{rpc.name}", behavior, parse)
        )

    def _authorized(self, method: str, handler: _Handler) -> _Handler:
        parse = cast("Parse", handler.request_deserializer)
        if handler.request_streaming:
            return grpc.stream_unary_rpc_method_handler(
                self._boundary.authorized_stream(method, cast("Any", handler.stream_unary), parse),
                response_serializer=handler.response_serializer,
            )
        behavior = cast("Behavior", handler.unary_unary)
        return grpc.stream_unary_rpc_method_handler(
            self._boundary.authorized(method, behavior, parse),
            response_serializer=handler.response_serializer,
        )

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self._connections.__aexit__(None, None, None)
        self._health.drain()
        if self._settings.rolling:
            await asyncio.sleep(STRAGGLERS_S)
        await self._server.stop(self._settings.drain_s)
        await self._insight_plane.close()


class _Recorder:
    """Takes the handlers that a generated `add_…_to_server` would register."""

    def __init__(self) -> None:
        self.services: dict[str, Mapping[str, _Handler]] = {}

    def add_generic_rpc_handlers(self, _handlers: object) -> None:
        """The same handlers come by name as well."""

    def add_registered_method_handlers(
        self, service: str, handlers: Mapping[str, _Handler]
    ) -> None:
        self.services[service] = handlers


def _parsing(name: str, behavior: Behavior) -> Behavior:
    """Return `behavior` for serialized requests to a method of BridgeService."""
    parse = getattr(bridge_service_pb2, f"{name}Request").FromString

    async def parsed(content: bytes, context: Context) -> Any:
        try:
            request = parse(content)
        except DecodeError:
            # gRPC would answer UNKNOWN and log a traceback for each.
            raise ValidationException(f"The message is not a {name}Request.") from None
        return await behavior(request, context)

    return parsed


def _options(settings: ServiceSettings) -> list[tuple[str, int]]:
    return [
        # Two processes that share a port by accident would each get half of the calls.
        ("grpc.so_reuseport", int(settings.rolling)),
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", -1),
        # With the probe, gRPC would receive 4 MB of each call before anybody asks: 124 MiB for a
        # connection (2026-11).
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.lookahead_bytes", _UNASKED_BYTES),
        ("grpc.max_metadata_size", _MAX_METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", _MAX_METADATA_BYTES),
        # Bit 0 allows uncompressed messages only. gRPC inflates a message before it checks the
        # length: 32 kB took 1.7 GB (2026-11).
        ("grpc.compression_enabled_algorithms_bitset", 1),
        # For each address that it listens on.
        ("grpc.max_allowed_incoming_connections", settings.max_grpc_connections),
        ("grpc.max_concurrent_streams", _MAX_STREAMS),
        # By default a call counts until its memory is free, which the client cannot know: of 500
        # concurrent calls on a connection, gRPC refused more than half as UNAVAILABLE (2026-11).
        ("grpc.http.overload_protection", 0),
        ("grpc.server.max_pending_requests", _MAX_PENDING),
        ("grpc.server.max_pending_requests_hard_limit", _MAX_PENDING),
    ]
