"""Answers what a bridge asks: about itself, and before it reads or decodes a body."""

from __future__ import annotations

__all__ = ["Admission"]

from typing import TypeVar

from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from rum.internal.v1 import bridge_service_pb2 as pb
from rum.v1 import control_plane_service_pb2, insight_service_pb2, source_map_service_pb2
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.auth.authentication import Authentication
from rum_service.auth.callers import Call
from rum_service.auth.operations import PUT_RUM_EVENTS, operation_of
from rum_service.auth.policy import Policy
from rum_service.errors import ValidationException
from rum_service.ingest.preparation import Preparation
from rum_service.ingest.quotas import StorageQuotas
from rum_service.monitors import MonitorCache
from rum_service.rpc.boundary import CallBoundary
from rum_service.rpc.call_context import Context, call_of

_M = TypeVar("_M", bound=Message)
_METHODS = {
    method.name: method
    for service in (
        control_plane_service_pb2.DESCRIPTOR.services_by_name["ControlPlaneService"],
        insight_service_pb2.DESCRIPTOR.services_by_name["InsightService"],
        source_map_service_pb2.DESCRIPTOR.services_by_name["SourceMapService"],
    )
    for method in service.methods
}
# The members in a path. Parsed, a request of many empty messages takes 60 times its length.
_MAX_PATH_BYTES = 8 << 10


class Admission:
    """Methods of BridgeService that change nothing."""

    def __init__(
        self,
        authentication: Authentication,
        monitors: MonitorCache[Policy],
        quotas: StorageQuotas,
        preparation: Preparation,
        boundary: CallBoundary,
    ) -> None:
        self._authentication = authentication
        self._monitors = monitors
        self._quotas = quotas
        self._preparation = preparation
        self._boundary = boundary

    async def check(self, call: Call) -> bool:
        """Return whether a bridge makes the call.

        Raise AccessDeniedException if the token of the bridge is needed and wrong.
        """
        self._authentication.check_bridge(call)
        return await self._authentication.is_known(call)

    async def check_bridge(
        self, _request: pb.CheckBridgeRequest, _: Context
    ) -> pb.CheckBridgeResponse:
        """Return an empty response: `check` has accepted the bridge."""
        return pb.CheckBridgeResponse()

    async def check_app_monitor(
        self, request: pb.CheckAppMonitorRequest, _: Context
    ) -> pb.CheckAppMonitorResponse:
        """Raise ResourceNotFoundException if the app monitor does not exist.

        Raise ThrottlingException if it may store nothing more.
        """
        monitor = await self._monitors.by_id(request.id)
        self._quotas.check(monitor.key, authorized=False)
        return pb.CheckAppMonitorResponse()

    async def check_caller(
        self, request: pb.CheckCallerRequest, context: Context
    ) -> pb.CheckCallerResponse:
        """Check that the caller may make the call. Otherwise raise the same error as the call."""
        if len(request.request) > _MAX_PATH_BYTES:
            raise ValidationException(f"request must have at most {_MAX_PATH_BYTES} bytes.")
        if request.method == PUT_RUM_EVENTS.name:
            put = _parsed(PutRumEventsRequest, request.request)
            await self._preparation.check_caller(call_of(context), put)
            return pb.CheckCallerResponse()
        method = _METHODS.get(request.method)
        if method is None:
            raise ValidationException("method must be one that a bridge transcodes.")
        message = _parsed(GetMessageClass(method.input_type), request.request)
        operation = operation_of(f"/{method.containing_service.full_name}/{method.name}")
        await self._boundary.authorize(call_of(context), operation, message)
        return pb.CheckCallerResponse()


def _parsed(message: type[_M], content: bytes) -> _M:
    try:
        return message.FromString(content)
    except DecodeError:
        raise ValidationException("request must be a request of the method.") from None
