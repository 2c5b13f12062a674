"""The examples in errors.proto are what the service and the bridge send."""

from __future__ import annotations

import re
from dataclasses import fields
from http import HTTPStatus
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import pytest
from google.protobuf.json_format import MessageToDict, Parse
from google.rpc import code_pb2
from google.rpc.status_pb2 import Status

from rum.v1 import errors_pb2
from rum_bridge.errors import error_response, from_status
from rum_service import errors
from rum_service.rpc.status import to_status

_SOURCE = Path(__file__).parents[2] / "proto/rum/v1/errors.proto"
_COMMENTED = re.compile(r"((?:^//.*\n)+)^message (\w+) \{", re.MULTILINE)
_NAMES = sorted(errors_pb2.DESCRIPTOR.message_types_by_name)


class Example(NamedTuple):
    text: str
    """The description above the examples."""
    status: Status
    response: str
    """The HTTP response."""


def _examples() -> dict[str, Example]:
    """Return the examples of each message: the indented parts of its comment."""
    found = {}
    for comment, name in _COMMENTED.findall(_SOURCE.read_text()):
        lines = [line.removeprefix("//").removeprefix(" ") for line in comment.splitlines()]
        text = " ".join(line for line in lines if not line.startswith("  "))
        block = dedent("\n".join(line for line in lines if line.startswith("    ") or not line))
        status, _, response = block.strip().partition("\n\nHTTP/1.1 ")
        found[name] = Example(text, Parse(status, Status()), "HTTP/1.1 " + response.strip())
    return found


def _rendered(status: Status) -> str:
    """Return the HTTP response of the bridge for a status, as text."""
    response = error_response(from_status(status), "0a1b2c3d-0000-4000-8000-00000000000f")
    spelling = (
        "x-amzn-ErrorType",
        "x-amzn-ErrorMessage",
        "x-amzn-RequestId",
        "Retry-After",
        "Content-Type",
    )
    head = [f"HTTP/1.1 {response.status_code} {HTTPStatus(response.status_code).phrase}"]
    head += [f"{name}: {response.headers[name]}" for name in spelling if name in response.headers]
    return "\n".join(head) + "\n\n" + bytes(response.body).decode()


def test_every_exception_has_examples() -> None:
    assert sorted(_examples()) == _NAMES


@pytest.mark.parametrize("name", _NAMES)
def test_the_status_in_an_example_is_the_one_that_the_service_sends(name: str) -> None:
    example = _examples()[name]
    exception = getattr(errors_pb2, name)()
    assert example.status.details[0].Unpack(exception)
    kind: type[errors.RumError] = getattr(errors, name)
    members = {
        member.name: getattr(exception, member.name)
        for member in fields(kind)
        if exception.DESCRIPTOR.fields_by_name[member.name].has_presence is False
        or exception.HasField(member.name)
    }

    assert example.status == to_status(kind(**members))
    assert MessageToDict(example.status)["message"] == exception.message


@pytest.mark.parametrize("name", _NAMES)
def test_the_http_response_in_an_example_is_the_one_that_the_bridge_sends(name: str) -> None:
    example = _examples()[name]

    assert example.response == _rendered(example.status)


@pytest.mark.parametrize("name", _NAMES)
def test_the_description_names_both_codes(name: str) -> None:
    example = _examples()[name]
    code = code_pb2.Code.Name(example.status.code)
    http_status = example.response.split()[1]

    assert f"gRPC {code}, HTTP {http_status}." in example.text


@pytest.mark.parametrize("name", _NAMES)
def test_every_member_is_in_the_example(name: str) -> None:
    detail = MessageToDict(_examples()[name].status)["details"][0]
    members = {field.json_name for field in getattr(errors_pb2, name).DESCRIPTOR.fields}

    assert detail.keys() - {"@type"} == members


@pytest.mark.parametrize("name", _NAMES)
def test_an_error_with_a_wait_has_the_retry_info_of_grpc(name: str) -> None:
    details = list(_examples()[name].status.details[1:])
    waits = [any_.type_url.rpartition("/")[2] for any_ in details]
    can_wait = "retry_after_seconds" in getattr(errors_pb2, name).DESCRIPTOR.fields_by_name

    assert waits == (["google.rpc.RetryInfo"] if can_wait else [])
