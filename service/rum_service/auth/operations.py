"""Every rpc as an operation that a caller may or may not perform. Pure.

The table is built from the contract's descriptors, so a new rpc is authorized from the start.
"""

from __future__ import annotations

__all__ = [
    "PUT_RUM_EVENTS",
    "REFLECT",
    "Operation",
    "app_monitor_name",
    "is_signed_for",
    "operation_of",
]

import re
from dataclasses import dataclass
from typing import Any

from google.api import annotations_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from rum.internal.v1 import bridge_service_pb2
from rum.operator.v1 import operator_service_pb2
from rum.v1 import (
    control_plane_service_pb2,
    data_plane_service_pb2,
    insight_service_pb2,
    source_map_service_pb2,
)

_DATA_PLANE, _BRIDGE, _CONTROL_PLANE, _INSIGHT, _SOURCE_MAPS, _OPERATOR = _SERVICES = tuple(
    module.DESCRIPTOR.services_by_name[name]
    for module, name in (
        (data_plane_service_pb2, "DataPlaneService"),
        (bridge_service_pb2, "BridgeService"),
        (control_plane_service_pb2, "ControlPlaneService"),
        (insight_service_pb2, "InsightService"),
        (source_map_service_pb2, "SourceMapService"),
        (operator_service_pb2, "OperatorService"),
    )
)
_READ_ONLY = ("Get", "List", "BatchGet")
_NAME = re.compile(r"[\w.#-]{1,255}", re.ASCII)
_VARIABLE = re.compile(r"\{(\w+)(=\*\*)?\}")


@dataclass(frozen=True, slots=True)
class Operation:
    """One rpc."""

    name: str
    """As in policies and messages: `GetAppMonitor`."""
    http_method: str
    """Empty if the rpc has no REST form. No signature is valid for it then."""
    path: str
    """The path pattern of the REST form, `/appmonitor/{name}`, or empty."""
    is_read_only: bool
    """Whether it changes nothing, so that `read` access suffices."""
    is_put: bool
    """Whether it puts events. Each batch is authorized by itself then, as PutRumEvents."""

    def path_of(self, request: Message) -> str:
        """Return the path that stands for a request, decoded, without prefix or final slash."""
        return _VARIABLE.sub(lambda found: str(getattr(request, found[1])), self.path)


def operation_of(method: str) -> Operation:
    """Return a method's operation, such as `/rum.v1.ControlPlaneService/GetAppMonitor`.

    Raises KeyError for a method that is not in the contract.
    """
    return _OPERATIONS[method]


def app_monitor_name(request: Any) -> str | None:
    """Return the name of the app monitor that a request is about.

    None if the call concerns all or none of them, or if no app monitor can have that name: such
    a text would end up in error messages.
    """
    fields = request.DESCRIPTOR.fields_by_name
    name = ""
    for member in ("app_monitor_name", "app_monitor", "name"):
        if member in fields:
            name = getattr(request, member)
            break
    else:
        if "resource_arn" in fields:
            name = request.resource_arn.partition("/")[2]
    return name if _NAME.fullmatch(name) else None


def is_signed_for(operation: Operation, path: str, *, http_method: str, signed_path: str) -> bool:
    """Return whether a signature over `http_method` and `signed_path` is for this operation.

    Any prefix is allowed in front of the path, unless it turns the request into another operation:
    DELETE of /appmonitor/appmonitor/policy deletes the policy of the app monitor `appmonitor`, not
    the app monitor `policy`.

    Args:
        path: the path of the operation, from `Operation.path_of`.
        signed_path: the path of the HTTP request, decoded.
    """
    signed_path = signed_path.rstrip("/")
    if not path or http_method != operation.http_method or not signed_path.endswith(path):
        return False
    start = len(signed_path) - len(path)
    if start == 0:
        return True  # no other operation fits in front of the path
    found = (pattern.search(signed_path) for verb, pattern in _PATTERNS if verb == http_method)
    return not any(match and match.start() < start for match in found)


def _operation(method: MethodDescriptor) -> Operation:
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern") or ""
    service = method.containing_service
    return Operation(
        name=method.name,
        http_method=verb.upper(),
        path=str(getattr(rule, verb)) if verb else "",
        is_read_only=service is _INSIGHT
        or (service in (_CONTROL_PLANE, _SOURCE_MAPS) and method.name.startswith(_READ_ONLY)),
        is_put=service in (_DATA_PLANE, _BRIDGE) and method.name.endswith("PutRumEvents"),
    )


def _pattern(template: str) -> re.Pattern[str]:
    """Return an expression that finds a path of the template behind any prefix."""
    one_segment, segments = "[^/]+", "arn:.+"  # only ARNs contain slashes
    filled = _VARIABLE.sub(lambda found: segments if found[2] else one_segment, template)
    return re.compile(rf"{filled}\Z", re.DOTALL)


_OPERATIONS = {
    f"/{service.full_name}/{method.name}": _operation(method)
    for service in _SERVICES
    for method in service.methods
}
_PATTERNS = [
    (operation.http_method, _pattern(operation.path))
    for operation in _OPERATIONS.values()
    if operation.path
]
PUT_RUM_EVENTS = _OPERATIONS[f"/{_DATA_PLANE.full_name}/PutRumEvents"]
REFLECT = Operation(
    "ServerReflectionInfo", http_method="", path="", is_read_only=True, is_put=False
)
"""The only operation outside the contract: it describes the contract."""
