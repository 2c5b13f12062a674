"""The control plane matches the service model of the AWS SDKs that botocore includes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.awsrequest import HeadersDict
from botocore.model import OperationModel, Shape, StructureShape
from botocore.parsers import create_parser
from google.api import annotations_pb2
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from rum.v1 import control_plane_service_pb2, data_plane_service_pb2, errors_pb2
from rum_bridge.errors import error_response, from_status
from rum_bridge.operations.lists import REQUIRED, WITH_ITEMS
from rum_service import errors
from rum_service.control.constraints import RULES, validate_control
from rum_service.errors import ValidationException
from rum_service.rpc import status

MODEL = botocore.session.get_session().get_service_model("rum")
RPCS: dict[str, MethodDescriptor] = {
    **control_plane_service_pb2.DESCRIPTOR.services_by_name["ControlPlaneService"].methods_by_name,
    **data_plane_service_pb2.DESCRIPTOR.services_by_name["DataPlaneService"].methods_by_name,
}
OPERATIONS = [MODEL.operation_model(name) for name in MODEL.operation_names]
CONTROL = [operation for operation in OPERATIONS if operation.name != "PutRumEvents"]
# OpenRUM's additions to the model. botocore 1.44 has SessionMetadata, botocore 1.43 does not.
_OURS = {
    "CreateAppMonitorRequest.Id",
    "UpdateAppMonitorRequest.EmptiedLists",
    "AppMonitor.DroppedEvents",
    "AppMonitorSummary.DroppedEvents",
    "PutRumEventsRequest.SessionMetadata",
}


def _name(operation: OperationModel) -> str:
    return operation.name


def test_the_contract_has_every_operation_of_the_model() -> None:
    assert len(OPERATIONS) == 20
    assert {operation.name for operation in OPERATIONS} <= set(RPCS)


@pytest.mark.parametrize("operation", OPERATIONS, ids=_name)
def test_an_operation_has_the_method_and_path_of_the_model(operation: OperationModel) -> None:
    rpc = RPCS[operation.name]
    rule = rpc.GetOptions().Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern")
    path = getattr(rule, verb)
    for field in rpc.input_type.fields:
        path = path.replace(f"{{{field.name}}}", f"{{{field.json_name}}}")
        path = path.replace(f"{{{field.name}=**}}", f"{{{field.json_name}}}")
    uri = operation.http["requestUri"]

    assert (operation.http["method"], uri.rstrip("/")) == (verb.upper(), path)


def _wire_name(name: str, shape: Shape) -> str:
    """Return a member's name in the contract: that of its query parameter, if it has one."""
    is_query = shape.serialization.get("location") == "querystring"
    return str(shape.serialization.get("name", name)) if is_query else name


def _messages(shape: Shape | None, message: Descriptor) -> Iterator[tuple[Shape, Descriptor]]:
    """Yield each structure in `shape` with its message."""
    if not isinstance(shape, StructureShape):
        return
    yield shape, message
    fields = {field.json_name: field for field in message.fields}
    for name, member in shape.members.items():
        inner = getattr(member, "member", member)
        field = fields.get(name)
        if isinstance(inner, StructureShape) and field is not None:
            yield from _messages(inner, field.message_type)


@pytest.mark.parametrize("operation", OPERATIONS, ids=_name)
def test_a_message_has_the_members_of_its_shape(operation: OperationModel) -> None:
    rpc = RPCS[operation.name]
    pairs = [
        *_messages(operation.input_shape, rpc.input_type),
        *_messages(operation.output_shape, rpc.output_type),
    ]
    for shape, message in pairs:
        assert isinstance(shape, StructureShape)
        ours = {field.json_name for field in message.fields}
        wanted = {_wire_name(name, member) for name, member in shape.members.items()}

        assert (message.name, set()) == (shape.name, wanted - ours)
        assert {f"{message.name}.{name}" for name in ours - wanted} <= _OURS


@pytest.mark.parametrize("shape", MODEL.error_shapes, ids=lambda shape: shape.name)
def test_an_exception_of_the_model_has_a_message_and_a_class(shape: StructureShape) -> None:
    message = errors_pb2.DESCRIPTOR.message_types_by_name[shape.name]
    exception = getattr(errors, shape.name)("text")

    assert set(shape.members) == {field.json_name for field in message.fields}
    assert status.to_status(exception).details[0].TypeName() == f"rum.v1.{shape.name}"


@pytest.mark.parametrize("shape", MODEL.error_shapes, ids=lambda shape: shape.name)
def test_botocore_parses_a_response_as_the_exception_it_reports(shape: StructureShape) -> None:
    exception = getattr(errors, shape.name)("text")
    for field in fields(exception):
        if field.name != "message":
            setattr(exception, field.name, 7 if field.name == "retry_after_seconds" else "x")
    response = error_response(from_status(status.to_status(exception)), "request-1")
    received = {
        "status_code": response.status_code,
        "headers": HeadersDict(dict(response.headers)),
        "body": response.body,
    }
    parser = create_parser("rest-json")
    parsed = parser.parse(received, None) | parser.parse(received, shape)

    expected = {name: "x" for name in shape.members if name not in ("message", "retryAfterSeconds")}
    if "retryAfterSeconds" in shape.members:
        expected["retryAfterSeconds"] = 7
    assert (shape.name, "text") == (parsed["Error"]["Code"], parsed["Error"]["Message"])
    assert shape.metadata["error"]["httpStatusCode"] == response.status_code
    members = {name: parsed[name] for name in shape.members if name != "message"}
    assert expected == members
    client = boto3.client("rum", region_name="us-east-1")
    assert client.exceptions.from_code(shape.name).__name__ == shape.name


# Constraints: for each member of each request, values just inside and just outside the model's.


def _samples(shape: Shape) -> tuple[list[Any], list[Any]]:
    """Return values that a shape's length, range or enum allows, and values that it rejects."""
    meta = shape.metadata
    if shape.type_name == "string" and meta.get("enum"):
        return list(meta["enum"]), ["no-such-value"]
    if shape.type_name == "string" and "max" in meta and "pattern" not in meta:
        good = ["x" * max(meta.get("min", 0), 1), "x" * meta["max"]]
        bad = ["x" * (meta["max"] + 1)] + ([""] if meta.get("min") else [])
        return good, bad
    if shape.type_name in ("integer", "double") and "max" in meta:
        return [meta["min"], meta["max"]], [meta["min"] - 1, meta["max"] + 1]
    return _BY_HAND.get(shape.name, ([], []))


_ARN = "arn:aws:rum:us-east-1:000000000000:appmonitor/shop"
# Shapes with a pattern, or without constraints.
_BY_HAND: dict[str, tuple[list[Any], list[Any]]] = {
    "AppMonitorName": (
        ["a", "a.b_c-d#e", "x" * 255],
        ["", ".a", "a b", "a/b", "é", "x" * 256],
    ),
    "AppMonitorId": (
        ["7f6bd4b0-5c3e-4a53-9c7e-3a1d2b0c9e11"],
        ["7f6bd4b0-5c3e-4a53-9c7e-3a1d2b0c9e1z", "7f6bd4b05c3e4a539c7e3a1d2b0c9e11"],
    ),
    "Arn": ([_ARN], ["shop", "arn:aws:rum"]),
    "IamRoleArn": (["arn:aws:iam::000000000000:role/x"], ["x"]),
    "DestinationArn": ([_ARN, _ARN + "x" * (2048 - len(_ARN))], ["x", _ARN + "x" * 2048]),
    "TagKey": (["team", "a+b-c=d._:/9", "k" * 128], ["", "aws:x", "a b", "k" * 129]),
    "Namespace": (["PageVisit", "a b/c#d:e", "n" * 237], ["", "n" * 238, "a "]),
    "DimensionName": (["PageId", "d" * 255], ["", " ", ":a", "d" * 256]),
    "QueryTimestamp": ([0], []),
    "String": (["x"], []),
}


def _set(message: Any, name: str, value: Any) -> None:
    """Set a member, named as on the wire; a list member gets one item, or the list given."""
    field = next(field for field in message.DESCRIPTOR.fields if field.json_name == name)
    if isinstance(value, Message):
        getattr(message, field.name).CopyFrom(value)
    elif field.is_repeated:
        message.ClearField(field.name)
        getattr(message, field.name).extend(value if isinstance(value, list) else [value])
    else:
        setattr(message, field.name, value)


def _required(shape: StructureShape) -> list[tuple[str, Shape]]:
    """Return the required members with their names on the wire.

    A required list or map may be empty, and the contract cannot tell an empty one from an absent
    one: such a call changes nothing and succeeds.
    """
    return [
        (_wire_name(name, member), member)
        for name, member in shape.members.items()
        if name in shape.required_members and member.type_name not in ("list", "map")
    ]


def _smallest(shape: StructureShape, message: Descriptor) -> Any:
    """Return a message with a valid value for each required member, and nothing else."""
    smallest = GetMessageClass(message)()
    fields = {field.json_name: field for field in message.fields}
    for name, member in _required(shape):
        if isinstance(member, StructureShape):
            _set(smallest, name, _smallest(member, fields[name].message_type))
        else:
            _set(smallest, name, _samples(member)[0][0])
    return smallest


def _cases(operation: OperationModel) -> Iterator[Any]:
    for member, shape in operation.input_shape.members.items():
        name = _wire_name(member, shape)
        good, bad = _samples(getattr(shape, "member", shape))
        case = f"{operation.name}.{name}"
        for value in good:
            yield pytest.param(operation, name, value, True, id=f"{case}-valid")
        for value in bad:
            yield pytest.param(operation, name, value, False, id=f"{case}-invalid")
        if shape.type_name == "list" and "max" in shape.metadata and good:
            most = shape.metadata["max"]
            yield pytest.param(operation, name, [good[0]] * most, True, id=f"{case}-full")
            yield pytest.param(
                operation, name, [good[0]] * (most + 1), False, id=f"{case}-too-long"
            )


@pytest.mark.parametrize(
    ("operation", "name", "value", "is_valid"),
    [case for operation in CONTROL for case in _cases(operation)],
)
def test_a_member_accepts_the_values_that_the_model_allows(
    operation: OperationModel, name: str, value: Any, is_valid: bool
) -> None:
    request = _smallest(operation.input_shape, RPCS[operation.name].input_type)
    _set(request, name, value)

    if is_valid:
        validate_control(request)
    else:
        with pytest.raises(ValidationException, match=f"^{name}"):
            validate_control(request)


@pytest.mark.parametrize("operation", CONTROL, ids=_name)
def test_the_members_that_the_model_requires_are_required(operation: OperationModel) -> None:
    for shape, message in _messages(operation.input_shape, RPCS[operation.name].input_type):
        assert isinstance(shape, StructureShape)
        for name, _ in _required(shape):
            request = _smallest(shape, message)
            field = next(field for field in message.fields if field.json_name == name)
            request.ClearField(field.name)

            with pytest.raises(ValidationException, match=f"^{name} is required"):
                validate_control(request)


@pytest.mark.parametrize("operation", CONTROL, ids=_name)
def test_only_the_members_that_the_model_requires_are_required(operation: OperationModel) -> None:
    for shape, message in _messages(operation.input_shape, RPCS[operation.name].input_type):
        assert isinstance(shape, StructureShape)
        request = _smallest(shape, message)
        if message.name == "QueryFilter":  # OpenRUM's addition: a filter requires its name
            request.name = "Page"

        validate_control(request)


def test_the_bridge_requires_the_lists_that_the_model_requires() -> None:
    """A message cannot tell an empty list from an absent one, so the service cannot do it.

    Clients leave a list without items out of the query.
    """
    lists = {
        f"{operation.input_shape.name}.{name}": member
        for operation in CONTROL
        for name, member in operation.input_shape.members.items()
        if member.type_name in ("list", "map") and "location" not in member.serialization
    }
    required = {
        f"{operation.input_shape.name}.{name}"
        for operation in CONTROL
        for name in operation.input_shape.required_members
    }

    assert required & lists.keys() == REQUIRED
    assert {name for name, member in lists.items() if member.metadata.get("min")} == WITH_ITEMS


def _with_nested(message: Descriptor) -> Iterator[Descriptor]:
    """Yield a message and the messages inside it, but not the entries of maps."""
    yield message
    for field in message.fields:
        inner = field.message_type
        if inner is not None and not inner.GetOptions().map_entry:
            yield from _with_nested(inner)


def test_every_field_of_a_request_has_a_rule_or_an_explicit_none() -> None:
    fields = {
        f"{message.name}.{field.json_name}"
        for operation in CONTROL
        for message in _with_nested(RPCS[operation.name].input_type)
        for field in message.fields
    }

    assert fields == set(RULES)
