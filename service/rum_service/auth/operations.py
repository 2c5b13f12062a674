"""What a call asks for, from its annotation and its request, and what a path is signed for. Pure.

Every rpc is in the table, so that one added later is authorized before somebody thinks of it.
"""

from __future__ import annotations

__all__ = ["is_path_of", "operation_of"]

import re
from typing import Any

from google.api import annotations_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from rum.internal.v1 import bridge_service_pb2
from rum.operator.v1 import operator_service_pb2
from rum.v1 import control_plane_service_pb2, data_plane_service_pb2
from rum_service.auth.callers import Operation

_DATA_PLANE, _BRIDGE, _CONTROL_PLANE, _OPERATOR = (
    module.DESCRIPTOR.services_by_name[name]
    for module, name in (
        (data_plane_service_pb2, "DataPlaneService"),
        (bridge_service_pb2, "BridgeService"),
        (control_plane_service_pb2, "ControlPlaneService"),
        (operator_service_pb2, "OperatorService"),
    )
)
_METHODS: dict[str, MethodDescriptor] = {
    f"/{service.full_name}/{method.name}": method
    for service in (_DATA_PLANE, _BRIDGE, _CONTROL_PLANE, _OPERATOR)
    for method in service.methods
}
# `Ingest` admits who puts: batch by batch, and when it knows the app monitor.
_PUTS = {
    f"/{_DATA_PLANE.full_name}/PutRumEvents",
    f"/{_BRIDGE.full_name}/BatchPutRumEvents",
}
_READING = ("Get", "List", "BatchGet")
_NAME = re.compile(r"[\w.#-]{1,255}", re.ASCII)
_VARIABLE = re.compile(r"\{(\w+)(=\*\*)?\}")


def operation_of(method: str, request: Message) -> Operation | None:
    """Returns what a call of `method`, as `/rum.v1.ControlPlaneService/GetAppMonitor`, asks for.

    None for puts: `Ingest` admits them. Raises KeyError for a method that is not in the contract.
    """
    if method in _PUTS:
        return None
    descriptor = _METHODS[method]
    verb, template = _rest_form(descriptor)
    return Operation(
        descriptor.name,
        verb,
        _VARIABLE.sub(lambda found: str(getattr(request, found[1])), template),
        _app_monitor_name(request),
        shows=descriptor.containing_service is _CONTROL_PLANE
        and descriptor.name.startswith(_READING),
    )


def is_path_of(asked: Operation, http_method: str, path: str) -> bool:
    """Says whether a request for `path` (decoded) asks a bridge for this.

    Any prefix may come before, but not one that makes another operation of it: DELETE of
    /appmonitor/appmonitor/policy removes the policy of `appmonitor`, and not the app monitor
    `policy`.
    """
    path = path.rstrip("/")
    if not asked.path or http_method != asked.http_method or not path.endswith(asked.path):
        return False
    start = len(path) - len(asked.path)
    found = (form.search(path) for verb, form in _REST_FORMS if verb == http_method)
    return not any(match and match.start() < start for match in found)


def _rest_form(descriptor: MethodDescriptor) -> tuple[str, str]:
    """Returns HTTP method and path template; both are empty where it has no REST form."""
    rule = descriptor.GetOptions().Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern") or ""
    return verb.upper(), str(getattr(rule, verb)) if verb else ""


def _pattern(template: str) -> re.Pattern[str]:
    """Finds a path of the template, whatever its prefix. Only ARNs have slashes in them."""
    one_segment, segments = "[^/]+", "arn:.+"
    filled = _VARIABLE.sub(lambda found: segments if found[2] else one_segment, template)
    return re.compile(rf"{filled}\Z", re.DOTALL)


_REST_FORMS = [
    (verb, _pattern(template)) for verb, template in map(_rest_form, _METHODS.values()) if verb
]


def _app_monitor_name(request: Any) -> str | None:
    """None too for what is no name: no app monitor has it, and it would end in messages."""
    fields = request.DESCRIPTOR.fields_by_name
    name = ""
    for member in ("app_monitor_name", "name"):
        if member in fields:
            name = getattr(request, member)
            break
    else:
        if "resource_arn" in fields:
            name = request.resource_arn.partition("/")[2]
    return name if _NAME.fullmatch(name) else None
