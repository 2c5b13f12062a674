"""Answers what a bridge asks before it reads or decodes the body of a request."""

from __future__ import annotations

__all__ = ["Admission"]

from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from rum.internal.v1 import bridge_service_pb2 as pb
from rum.v1 import control_plane_service_pb2
from rum_service.auth.operations import operation_of
from rum_service.auth.policy import Policy
from rum_service.errors import ValidationException
from rum_service.monitors import Monitors
from rum_service.rpc.boundary import CallBoundary, Context, call_of

_CONTROL_PLANE = control_plane_service_pb2.DESCRIPTOR.services_by_name["ControlPlaneService"]


class Admission:
    """Methods of BridgeService that change nothing."""

    def __init__(self, monitors: Monitors[Policy], boundary: CallBoundary) -> None:
        self._monitors = monitors
        self._boundary = boundary

    async def check_app_monitor(
        self, request: pb.CheckAppMonitorRequest, _: Context
    ) -> pb.CheckAppMonitorResponse:
        """Raise ResourceNotFoundException if the app monitor does not exist."""
        await self._monitors.by_id(request.id)
        return pb.CheckAppMonitorResponse()

    async def check_caller(
        self, request: pb.CheckCallerRequest, context: Context
    ) -> pb.CheckCallerResponse:
        """Raise the exception of a call that the caller may not make."""
        method = _CONTROL_PLANE.methods_by_name.get(request.method)
        if method is None:
            raise ValidationException("method must be one of the control plane.")
        try:
            message = GetMessageClass(method.input_type).FromString(request.request)
        except DecodeError:
            raise ValidationException("request must be a request of the method.") from None
        operation = operation_of(f"/{_CONTROL_PLANE.full_name}/{method.name}")
        await self._boundary.authorize(call_of(context), operation, message)
        return pb.CheckCallerResponse()
