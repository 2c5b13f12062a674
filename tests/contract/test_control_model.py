"""The control plane against the service model of the AWS SDKs, as botocore carries it."""

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
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from rum.v1 import control_plane_service_pb2, data_plane_service_pb2, errors_pb2
from rum_bridge.errors import error_response, from_status
from rum_service import errors
from rum_service.control import constraints
from rum_service.errors import ValidationException
from rum_service.rpc import status

MODEL = botocore.session.get_session().get_service_model("rum")
RPCS: dict[str, MethodDescriptor] = {
    **control_plane_service_pb2.DESCRIPTOR.services_by_name["ControlPlaneService"].methods_by_name,
    **data_plane_service_pb2.DESCRIPTOR.services_by_name["DataPlaneService"].methods_by_name,
}
OPERATIONS = [MODEL.operation_model(name) for name in MODEL.operation_names]
CONTROL = [operation for operation in OPERATIONS if operation.name != "PutRumEvents"]
# Ours, in no AWS model. SessionMetadata is in that of botocore 1.44, and not in that of 1.43.
_OURS = {
    "CreateAppMonitorRequest.Id",
    "AppMonitor.DroppedEvents",
    "AppMonitorSummary.DroppedEvents",
    "PutRumEventsRequest.SessionMetadata",
}


def _name(operation: OperationModel) -> str:
    return operation.name


def test_every_operation_of_the_model_is_there() -> None:
    assert len(OPERATIONS) == 20
    assert {operation.name for operation in OPERATIONS} <= set(RPCS)


@pytest.mark.parametrize("operation", OPERATIONS, ids=_name)
def test_every_operation_has_the_method_and_path_of_the_model(operation: OperationModel) -> None:
    rpc = RPCS[operation.name]
    rule = rpc.GetOptions().Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern")
    path = getattr(rule, verb)
    for field in rpc.input_type.fields:
        path = path.replace(f"{{{field.name}}}", f"{{{field.json_name}}}")
        path = path.replace(f"{{{field.name}=**}}", f"{{{field.json_name}}}")
    uri = operation.http["requestUri"]

    assert (operation.http["method"], uri.rstrip("/")) == (verb.upper(), path)


def _wire_names(shape: StructureShape) -> set[str]:
    return {
        # Members of the path are named as in the model, those of the query as they travel.
        member.serialization.get("name", name)
        if member.serialization.get("location") == "querystring"
        else name
        for name, member in shape.members.items()
    }


def _messages(shape: Shape | None, message: Descriptor) -> Iterator[tuple[Shape, Descriptor]]:
    """Yields each structure under `shape` with the message that stands for it."""
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
def test_every_message_has_the_members_of_its_shape(operation: OperationModel) -> None:
    rpc = RPCS[operation.name]
    pairs = [
        *_messages(operation.input_shape, rpc.input_type),
        *_messages(operation.output_shape, rpc.output_type),
    ]
    for shape, message in pairs:
        assert isinstance(shape, StructureShape)
        ours = {field.json_name for field in message.fields}
        wanted = _wire_names(shape)

        assert (message.name, set()) == (shape.name, wanted - ours)
        assert {f"{message.name}.{name}" for name in ours - wanted} <= _OURS


@pytest.mark.parametrize("shape", MODEL.error_shapes, ids=lambda shape: shape.name)
def test_every_exception_of_the_model_can_be_raised(shape: StructureShape) -> None:
    message = errors_pb2.DESCRIPTOR.message_types_by_name[shape.name]
    exception = getattr(errors, shape.name)("text")

    assert set(shape.members) == {field.json_name for field in message.fields}
    assert status.to_status(exception).details[0].TypeName() == f"rum.v1.{shape.name}"


@pytest.mark.parametrize("shape", MODEL.error_shapes, ids=lambda shape: shape.name)
def test_every_exception_is_read_by_botocore_as_its_class(shape: StructureShape) -> None:
    exception = getattr(errors, shape.name)("text")
    for field in fields(exception):
        if field.name != "message":
            setattr(exception, field.name, 7 if field.name == "retry_after_seconds" else "x")
    answer = error_response(from_status(status.to_status(exception)), "request-1")
    response = {
        "status_code": answer.status_code,
        "headers": HeadersDict(dict(answer.headers)),
        "body": answer.body,
    }
    parser = create_parser("rest-json")
    parsed = parser.parse(response, None) | parser.parse(response, shape)

    expected = {name: "x" for name in shape.members if name not in ("message", "retryAfterSeconds")}
    if "retryAfterSeconds" in shape.members:
        expected["retryAfterSeconds"] = 7
    assert (shape.name, "text") == (parsed["Error"]["Code"], parsed["Error"]["Message"])
    assert shape.metadata["error"]["httpStatusCode"] == answer.status_code
    members = {name: parsed[name] for name in shape.members if name != "message"}
    assert expected == members
    client = boto3.client("rum", region_name="us-east-1")
    assert client.exceptions.from_code(shape.name).__name__ == shape.name


# Constraints: for each member of each request, a value just inside and just outside the model's.


def _samples(shape: Shape) -> tuple[list[Any], list[Any]]:
    """Values that a shape allows and refuses, by its length, range or enum."""
    meta = shape.metadata
    if shape.type_name == "string" and meta.get("enum"):
        return list(meta["enum"]), ["no-such-value"]
    if shape.type_name == "string" and "max" in meta and "pattern" not in meta:
        good = ["x" * max(meta.get("min", 0), 1), "x" * meta["max"]]
        bad = ["x" * (meta["max"] + 1)] + ([""] if meta.get("min") else [])
        return good, bad
    if shape.type_name in ("integer", "double") and "max" in meta:
        return [meta["min"], meta["max"]], [meta["min"] - 1, meta["max"] + 1]
    if shape.name in _BY_HAND:
        return _BY_HAND[shape.name]
    return [], []


_ARN = "arn:aws:rum:us-east-1:000000000000:appmonitor/shop"
# Of shapes with a pattern: what its text says, as values.
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
}


def _leaves(operation: OperationModel) -> Iterator[Any]:
    message = RPCS[operation.name].input_type
    fields = {field.json_name: field for field in message.fields}
    for name, shape in operation.input_shape.members.items():
        travels = shape.serialization.get("name", name)
        is_query = shape.serialization.get("location") == "querystring"
        field = fields[travels if is_query else name]
        member = getattr(shape, "member", shape)
        good, bad = _samples(member if shape.type_name == "list" else shape)
        for value in good:
            yield pytest.param(message, field, value, True, id=f"{operation.name}.{name}-taken")
        for value in bad:
            yield pytest.param(message, field, value, False, id=f"{operation.name}.{name}-refused")
        if shape.type_name == "list" and "max" in shape.metadata and good:
            most = shape.metadata["max"]
            for count, taken in ((most, True), (most + 1, False)):
                yield pytest.param(
                    message, field, [good[0]] * count, taken, id=f"{operation.name}.{name}*{count}"
                )


def _request(message: Descriptor, field: FieldDescriptor, value: Any) -> Any:
    request = GetMessageClass(message)()
    if field.is_repeated:
        getattr(request, field.name).extend(value if isinstance(value, list) else [value])
    else:
        setattr(request, field.name, value)
    return request


@pytest.mark.parametrize(
    ("message", "field", "value", "taken"),
    [leaf for operation in CONTROL for leaf in _leaves(operation)],
)
def test_a_member_is_judged_as_in_the_model(
    message: Descriptor,
    field: FieldDescriptor,
    value: Any,
    taken: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Only this member: what is required besides is another test's.
    monkeypatch.setattr(constraints, "_REQUIRED", {})
    request = _request(message, field, value)

    if taken:
        constraints.validate_control(request)
    else:
        with pytest.raises(ValidationException, match=field.json_name):
            constraints.validate_control(request)


@pytest.mark.parametrize("operation", CONTROL, ids=_name)
def test_required_members_are_those_of_the_model(operation: OperationModel) -> None:
    pairs = _messages(operation.input_shape, RPCS[operation.name].input_type)
    for shape, message in pairs:
        assert isinstance(shape, StructureShape)
        # A list or map that is required may be empty, and the contract cannot tell that from
        # absent: such a call changes nothing and succeeds.
        required = {
            member.serialization.get("name", name)
            if member.serialization.get("location") == "querystring"
            else name
            for name, member in shape.members.items()
            if name in shape.required_members and member.type_name not in ("list", "map")
        }
        ours = set(constraints._REQUIRED.get(message.name, ()))
        # Ours: a filter without a name could not be judged; the model does not require it.
        ours -= {"Name"} if message.name == "QueryFilter" else set()

        assert (message.name, required) == (message.name, ours)
