"""What a call of the control plane asks for, from its annotation and its request. Pure."""

from __future__ import annotations

__all__ = ["asked_of"]

import re
from typing import Any

from google.api import annotations_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from rum.v1 import control_plane_service_pb2, operator_service_pb2
from rum_service.auth.callers import Asked

_METHODS: dict[str, MethodDescriptor] = {
    f"/{service.full_name}/{method.name}": method
    for module in (control_plane_service_pb2, operator_service_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
_VARIABLE = re.compile(r"\{(\w+)(?:=\*\*)?\}")


def asked_of(method: str, request: Message) -> Asked | None:
    """Returns what a call of `method`, as `/rum.v1.ControlPlaneService/GetAppMonitor`, asks for.

    None where `method` is of neither the control plane nor the operator's service: whoever serves
    those admits callers itself.
    """
    descriptor = _METHODS.get(method)
    if descriptor is None:
        return None
    rule = descriptor.GetOptions().Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern") or ""
    template = str(getattr(rule, verb)) if verb else ""
    path = _VARIABLE.sub(lambda found: str(getattr(request, found[1])), template)
    return Asked(descriptor.name, verb.upper(), path, _app_monitor_name(request))


def _app_monitor_name(request: Any) -> str | None:
    fields = request.DESCRIPTOR.fields_by_name
    for member in ("app_monitor_name", "name"):
        if member in fields:
            return getattr(request, member) or None
    if "resource_arn" in fields:
        return request.resource_arn.partition("/")[2] or None
    return None
