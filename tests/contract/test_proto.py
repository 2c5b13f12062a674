"""The ProtoJSON of the contract is the documented JSON, and its packages stay apart."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import ListShape, Shape, StructureShape
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor
from google.protobuf.json_format import MessageToDict, Parse, ParseDict, ParseError
from hypothesis import given, settings
from hypothesis import strategies as st

from rum.internal.v1 import bridge_service_pb2
from rum.operator.v1 import operator_service_pb2
from rum.v1 import (
    control_plane_service_pb2,
    data_plane_service_pb2,
    errors_pb2,
    insight_service_pb2,
    source_map_service_pb2,
)
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum.v1.errors_pb2 import ResourceNotFoundException, ThrottlingException

MODEL = botocore.session.get_session().get_service_model("rum")
# From the PutRumEvents API page, "Request Syntax", with a value for every member.
DOCUMENTED: dict[str, Any] = {
    "AppMonitorDetails": {"id": "an id", "name": "shop", "version": "1.4.0"},
    "BatchId": "0a1b2c3d-0000-4000-8000-00000000000b",
    "RumEvents": [
        {
            "details": '{"version":"1.0.0","é":"日本"}',
            "id": "0a1b2c3d-0000-4000-8000-00000000000c",
            "metadata": '{"version":"1.0.0","browserName":"Chrome"}',
            "timestamp": 1_726_000_000.125,
            "type": "com.amazon.rum.page_view_event",
        },
        {"id": "e", "timestamp": 0.0, "type": "", "details": "not JSON"},
    ],
    "UserDetails": {"sessionId": "a session", "userId": "a user"},
}


@pytest.mark.parametrize(
    "body",
    [
        DOCUMENTED,
        {**DOCUMENTED, "Alias": "an-alias", "SessionMetadata": '{"browserName":"Chrome"}'},
        {**DOCUMENTED, "AppMonitorDetails": {}, "UserDetails": {}},
    ],
    ids=["documented", "alias-and-session", "empty-details"],
)
def test_the_documented_body_survives_a_round_trip(body: dict[str, Any]) -> None:
    message = Parse(json.dumps(body), PutRumEventsRequest())

    assert MessageToDict(PutRumEventsRequest.FromString(message.SerializeToString())) == body


def test_a_timestamp_of_zero_differs_from_a_missing_timestamp() -> None:
    zero, missing = ParseDict({"timestamp": 0}, RumEvent()), ParseDict({}, RumEvent())

    assert (zero.HasField("timestamp"), missing.HasField("timestamp")) == (True, False)
    assert MessageToDict(zero) == {"timestamp": 0.0}


@pytest.mark.parametrize("timestamp", ["2024-04-04T16:13:09Z", {"seconds": 1}, []])
def test_a_timestamp_must_be_a_number(timestamp: object) -> None:
    with pytest.raises(ParseError):
        ParseDict({"timestamp": timestamp}, RumEvent())


@settings(max_examples=100)
@given(seconds=st.floats(-62_135_596_800, 253_402_300_799.999))
def test_a_timestamp_keeps_fractions_of_a_second(seconds: float) -> None:
    event = Parse(json.dumps({"timestamp": seconds}), RumEvent())

    assert RumEvent.FromString(event.SerializeToString()).timestamp == seconds


def test_the_json_of_an_exception_is_the_body_of_its_http_response() -> None:
    not_found = ResourceNotFoundException(message="m", resource_name="n", resource_type="t")
    throttling = ThrottlingException(message="m", service_code="rum", quota_code="q")

    assert MessageToDict(not_found) == {"message": "m", "resourceName": "n", "resourceType": "t"}
    assert MessageToDict(throttling) == {"message": "m", "serviceCode": "rum", "quotaCode": "q"}


# The types of the model, and the field types that can represent all of their values.
KINDS = {
    "string": {FieldDescriptor.TYPE_STRING},
    "timestamp": {FieldDescriptor.TYPE_DOUBLE},
    "structure": {FieldDescriptor.TYPE_MESSAGE},
}


def members(shape: StructureShape, message: Descriptor) -> list[Any]:
    """Return every member below a shape with its field."""
    found = []
    for name, member in shape.members.items():
        field = message.fields_by_camelcase_name.get(name) or next(
            (field for field in message.fields if field.json_name == name), None
        )
        found.append(pytest.param(member, field, id=f"{message.name}.{name}"))
        inner: Shape = member.member if isinstance(member, ListShape) else member
        if field is not None and isinstance(inner, StructureShape):
            found += members(inner, field.message_type)
    return found


@pytest.mark.parametrize(
    ("shape", "field"),
    members(MODEL.shape_for("PutRumEventsRequest"), PutRumEventsRequest.DESCRIPTOR),
)
def test_every_member_of_the_model_has_a_field_of_the_same_kind(
    shape: Shape, field: FieldDescriptor | None
) -> None:
    assert field is not None
    assert field.is_repeated == isinstance(shape, ListShape)
    kind = shape.member.type_name if isinstance(shape, ListShape) else shape.type_name
    assert field.type in KINDS[kind]


_ROOTS = [
    data_plane_service_pb2,
    control_plane_service_pb2,
    insight_service_pb2,
    source_map_service_pb2,
    errors_pb2,
    operator_service_pb2,
    bridge_service_pb2,
]


def _closure(file: FileDescriptor) -> dict[str, FileDescriptor]:
    """Return a file and everything it imports, by name."""
    found = {file.name: file}
    for imported in file.dependencies:
        found |= _closure(imported)
    return found


def _files() -> dict[str, FileDescriptor]:
    found: dict[str, FileDescriptor] = {}
    for root in _ROOTS:
        found |= _closure(root.DESCRIPTOR)
    return {name: file for name, file in found.items() if name.startswith("rum/")}


def test_every_proto_file_is_examined() -> None:
    proto = Path(__file__).parents[2] / "proto"

    assert _files().keys() == {
        path.relative_to(proto).as_posix() for path in proto.glob("rum/**/*.proto")
    }


def test_the_public_package_imports_no_other_package_of_the_contract() -> None:
    public = [file for file in _files().values() if file.package == "rum.v1"]
    imported = {imported.package for file in public for imported in _closure(file).values()}

    assert {package for package in imported if package.startswith("rum.")} == {"rum.v1"}


def test_the_public_package_names_no_relayed_caller_and_no_credential() -> None:
    names = {
        name
        for file in _files().values()
        if file.package == "rum.v1"
        for name in (*file.message_types_by_name, *file.services_by_name)
    }

    assert {"PutRumEventsRequest", "DataPlaneService", "ThrottlingException"} <= names
    assert not [
        name
        for name in names
        if re.search("Caller|Signed|SignatureFault|Credential|AccessKey|BatchPut", name)
    ]


@pytest.mark.parametrize("file", _files().values(), ids=lambda file: file.name)
def test_go_package_is_the_folder_and_the_package(file: FileDescriptor) -> None:
    folder = file.name.rpartition("/")[0]

    assert file.GetOptions().go_package == f"openrum/{folder};{file.package.replace('.', '')}"
