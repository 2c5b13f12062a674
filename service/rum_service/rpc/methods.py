"""The methods of the contract as handlers of gRPC, each behind the boundary."""

from __future__ import annotations

__all__ = ["SERVICES", "ContractMethods"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

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
from rum_service.errors import ValidationException
from rum_service.rpc.admission import Admission
from rum_service.rpc.boundary import CallBoundary, Check
from rum_service.rpc.bridge_plane import BridgePlane
from rum_service.rpc.call_context import Behavior, Context
from rum_service.rpc.control_plane import ControlPlane
from rum_service.rpc.data_plane import DataPlane
from rum_service.rpc.insight_plane import SERVICE as INSIGHT_SERVICE
from rum_service.rpc.insight_plane import InsightPlane
from rum_service.rpc.operator_plane import OperatorPlane
from rum_service.rpc.request_parser import Parse
from rum_service.rpc.source_map_plane import SourceMapPlane

# Quoted: the class is generic in its stub only.
_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_DATA_PLANE, _CONTROL_PLANE, _INSIGHT, _SOURCE_MAPS, _OPERATOR, _BRIDGE = SERVICES = tuple(
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
"""The names of the services in the contract."""
# A CheckCallerRequest, with the members in a path. The messages are parsed as they are.
_MAX_CHECK_BYTES = 16 << 10


@dataclass(frozen=True)
class ContractMethods:
    """The planes that the methods belong to."""

    boundary: CallBoundary
    data_plane: DataPlane
    bridge_plane: BridgePlane
    admission: Admission
    control_plane: ControlPlane
    insight_plane: InsightPlane
    source_map_plane: SourceMapPlane
    operator_plane: OperatorPlane
    max_message_bytes: int
    """The longest message of BatchPutRumEvents."""

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """Return the methods of the contract, wrapped once: an interceptor would wrap each call."""
        services = {
            **self._of_servicers(),
            _DATA_PLANE: self._of_data_plane(),
            _BRIDGE: self._of_bridges(),
            _INSIGHT: {rpc.name: self._forwarded(rpc) for rpc in INSIGHT_SERVICE.methods},
        }
        return [
            grpc.method_handlers_generic_handler(service, handlers)
            for service, handlers in services.items()
        ]

    def _of_servicers(self) -> dict[str, dict[str, _Handler]]:
        recorder: Any = _Recorder()
        add_ControlPlaneServiceServicer_to_server(self.control_plane, recorder)
        add_SourceMapServiceServicer_to_server(self.source_map_plane, recorder)
        add_OperatorServiceServicer_to_server(self.operator_plane, recorder)
        return {
            service: {
                name: self._authorized(f"/{service}/{name}", handler)
                for name, handler in handlers.items()
            }
            for service, handlers in recorder.services.items()
        }

    def _of_data_plane(self) -> dict[str, _Handler]:
        method = f"/{_DATA_PLANE}/PutRumEvents"
        put = self.boundary.logged(method, self.data_plane.put_rum_events)
        # No codec: the log keeps the bytes as received.
        bounded = self.boundary.bounded(method, put)
        return {"PutRumEvents": grpc.stream_unary_rpc_method_handler(bounded)}

    def _of_bridges(self) -> dict[str, _Handler]:
        admission, plane = self.admission, self.bridge_plane
        checks: dict[str, Behavior] = {
            "CheckBridge": admission.check_bridge,
            "CheckAppMonitor": admission.check_app_monitor,
            "CheckCaller": admission.check_caller,
        }
        return {
            **{
                name: self._of_bridge(
                    name, admission.check, _parsing(name, behavior), _MAX_CHECK_BYTES
                )
                for name, behavior in checks.items()
            },
            "BatchPutRumEvents": self._of_bridge(
                "BatchPutRumEvents",
                plane.check,
                plane.batch_put_rum_events,
                self.max_message_bytes,
            ),
        }

    def _of_bridge(self, name: str, check: Check, behavior: Behavior, max_bytes: int) -> _Handler:
        method = f"/{_BRIDGE}/{name}"
        return grpc.stream_unary_rpc_method_handler(
            self.boundary.received(method, check, behavior, max_bytes=max_bytes),
            response_serializer=getattr(bridge_service_pb2, f"{name}Response").SerializeToString,
        )

    def _forwarded(self, rpc: MethodDescriptor) -> _Handler:
        # No serializer: the behavior returns the bytes that the projector sent.
        parse = cast("Parse", GetMessageClass(rpc.input_type).FromString)
        behavior = self.insight_plane.behavior(rpc.name)
        return grpc.stream_unary_rpc_method_handler(
            self.boundary.authorized(f"/{_INSIGHT}/{rpc.name}", behavior, parse)
        )

    def _authorized(self, method: str, handler: _Handler) -> _Handler:
        parse = cast("Parse", handler.request_deserializer)
        if handler.request_streaming:
            return grpc.stream_unary_rpc_method_handler(
                self.boundary.authorized_stream(method, cast("Any", handler.stream_unary), parse),
                response_serializer=handler.response_serializer,
            )
        behavior = cast("Behavior", handler.unary_unary)
        return grpc.stream_unary_rpc_method_handler(
            self.boundary.authorized(method, behavior, parse),
            response_serializer=handler.response_serializer,
        )


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
