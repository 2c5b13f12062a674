"""Every error as botocore parses it: exception class, members, request ID and Retry-After."""

from __future__ import annotations

import asyncio
import json
from dataclasses import fields
from typing import Any

import botocore.session
import grpc
import pytest
from botocore.exceptions import ClientError
from google.rpc.status_pb2 import Status

from rum.internal.v1 import bridge_service_pb2 as pb
from rum.v1 import errors_pb2
from rum_bridge import errors as bridge_errors
from rum_bridge.errors import HttpError, error_response, from_status
from rum_service import errors as service_errors
from rum_service.errors import RumError
from rum_service.rpc.status import to_status
from tests.bridge.conftest import Bridge, rum_client
from tests.bridge.standin import StandIn
from tests.bridge.wire import send
from tests.support.batches import batch, new_id

_MODEL = botocore.session.get_session().get_service_model("rum")
_MESSAGES = sorted(errors_pb2.DESCRIPTOR.message_types_by_name)
_DOCUMENTED_OF_PUT = {shape.name for shape in _MODEL.operation_model("PutRumEvents").error_shapes}
# Errors common to all AWS services. The service model does not list them.
_COMMON = {
    "ExpiredTokenException": 403,
    "IncompleteSignatureException": 400,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "UnrecognizedClientException": 403,
}
# AWS has no InsightService.
_OURS = {"ProjectionUnavailableException": 503, "QueryTimeoutException": 504}
_UNMODELLED = _COMMON | _OURS
_MODELLED = sorted(set(_MESSAGES) - set(_UNMODELLED))
# In lower camel case, as on the wire.
_VALUES = {
    "message": 'RumEvents[0].id is required. 日本 "quoted" \\ \n',
    "resource_name": "7f6b 日本",
    "resource_type": "AppMonitor",
    "service_code": "rum",
    "quota_code": "L-1",
    "retry_after_seconds": 7,
}


def _error(name: str, *, optional: bool = True) -> RumError:
    """Return the exception with all members or only the required ones."""
    kind: type[RumError] = getattr(service_errors, name)
    required = ("message", "resource_name")
    return kind(**{f.name: _VALUES[f.name] for f in fields(kind) if optional or f.name in required})


def _status(name: str) -> int:
    if name in _UNMODELLED:
        return _UNMODELLED[name]
    status = _MODEL.shape_for(name).metadata["error"]["httpStatusCode"]
    assert isinstance(status, int)
    return status


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


@pytest.mark.parametrize("name", _MESSAGES)
def test_service_and_bridge_map_every_exception_of_the_contract(name: str) -> None:
    error = from_status(to_status(_error(name)))

    assert error.error_type == name
    assert error.status == _status(name)


@pytest.mark.parametrize("name", _MODELLED)
def test_exceptions_have_the_members_of_the_service_model(name: str) -> None:
    message = errors_pb2.DESCRIPTOR.message_types_by_name[name]

    assert set(_MODEL.shape_for(name).members) == {field.json_name for field in message.fields}
    assert {field.name for field in message.fields} == {
        field.name for field in fields(getattr(service_errors, name))
    }


def test_the_contract_has_every_exception_of_the_service() -> None:
    assert sorted(kind.__name__ for kind in RumError.__subclasses__()) == _MESSAGES
    assert set(_MESSAGES) >= _DOCUMENTED_OF_PUT


def test_every_grpc_code_has_an_http_status() -> None:
    for code in grpc.StatusCode:
        error = from_status(Status(code=code.value[0]))
        assert 400 <= error.status <= 599
        assert error.message
        assert isinstance(error.retry_after_s, int)


async def _raised(call: Any, **parameters: Any) -> ClientError:
    def run() -> ClientError:
        with pytest.raises(ClientError) as raised:
            call(**parameters)
        return raised.value

    return await asyncio.to_thread(run)


def _expect_members(raised: ClientError, client: Any, error: RumError) -> None:
    name = type(error).__name__
    members = {
        _camel(field.name): getattr(error, field.name)
        for field in fields(error)
        if getattr(error, field.name) is not None
    }
    shown = {key: raised.response.get(key) for key in members}
    metadata = raised.response["ResponseMetadata"]

    assert {"Code": name, "Message": error.message} == raised.response["Error"]
    if name in _UNMODELLED:
        assert type(raised) is ClientError
    else:
        assert type(raised) is client.exceptions.from_code(name)
        assert shown == members
    assert metadata["HTTPStatusCode"] == _status(name)
    assert len(metadata["RequestId"]) == 36


@pytest.mark.parametrize("optional", [True, False], ids=["all-members", "required-members"])
@pytest.mark.parametrize("name", _MESSAGES)
async def test_boto3_parses_the_error_of_a_put(
    standin: StandIn, bridge: Bridge, name: str, optional: bool
) -> None:
    error = _error(name, optional=optional)

    async def reject(_: pb.BatchPutRumEventsRequest) -> pb.BatchPutRumEventsResponse:
        return pb.BatchPutRumEventsResponse(statuses=[to_status(error)])

    standin.respond = reject
    async with bridge() as url:
        client = rum_client(url)
        raised = await _raised(client.put_rum_events, Id=new_id(), **batch())
        client.close()

    _expect_members(raised, client, error)


@pytest.mark.parametrize("name", _MESSAGES)
async def test_boto3_parses_the_error_of_a_control_plane_call(
    standin: StandIn, bridge: Bridge, name: str
) -> None:
    error = standin.reject = _error(name)
    async with bridge() as url:
        client = rum_client(url)
        raised = await _raised(client.create_app_monitor, Name="a", Domain="localhost")
        client.close()

    _expect_members(raised, client, error)


async def test_an_error_of_a_shared_call_is_returned_for_each_put(
    standin: StandIn, bridge: Bridge
) -> None:
    error = service_errors.ThrottlingException("Stopping.", retry_after_seconds=3)

    async def reject(_: pb.BatchPutRumEventsRequest) -> pb.BatchPutRumEventsResponse:
        raise error

    standin.respond = reject
    async with bridge() as url:
        response = await asyncio.to_thread(send, url, f"/appmonitors/{new_id()}", batch())

    assert (response.status, response.headers["Retry-After"]) == (429, "3")
    assert json.loads(response.body) == {"message": "Stopping."}


async def test_an_unexpected_exception_is_a_fixed_message_and_one_log_entry(
    standin: StandIn, bridge: Bridge, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unreadable details stand for any bug in the bridge."""
    standin.garbled = True
    async with bridge() as url:
        client = rum_client(url)
        raised = await _raised(client.create_app_monitor, Name="a", Domain="localhost")
        client.close()
    printed = capsys.readouterr()

    assert type(raised) is client.exceptions.InternalServerException
    assert raised.response["message"] == "Internal service exception."
    assert raised.response["retryAfterSeconds"] == 1
    assert (printed.out + printed.err).count("request failed") == 1
    assert "DecodeError" in printed.out + printed.err


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/nothing/here", 404, "UnknownOperationException"),
        ("POST", "/", 404, "UnknownOperationException"),
        (
            "GET",
            "/appmonitors/2b0c2f5e-8a51-4c0e-9d3f-6f1c1d7e9a04",
            405,
            "MethodNotAllowedException",
        ),
        ("PUT", "/appmonitor/x", 405, "MethodNotAllowedException"),
        ("GET", "/nothing", 404, "UnknownOperationException"),
    ],
)
async def test_errors_of_starlette_have_the_form_of_aws(
    bridge: Bridge, method: str, path: str, status: int, code: str
) -> None:
    async with bridge() as url:
        response = await asyncio.to_thread(send, url, path, method=method)
    parsed = _parsed(response.status, dict(response.headers), response.body)

    assert parsed["Error"]["Code"] == code
    assert parsed["Error"]["Message"]
    assert parsed["ResponseMetadata"]["HTTPStatusCode"] == status
    assert len(parsed["ResponseMetadata"]["RequestId"]) == 36


def _parsed(status: int, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    parser = botocore.session.get_session().get_component("response_parser_factory")
    lower = {name.lower(): value for name, value in headers.items()}
    shape = _MODEL.operation_model("PutRumEvents").output_shape
    response = {"status_code": status, "headers": lower, "body": body}
    parsed: dict[str, Any] = parser.create_parser("rest-json").parse(response, shape)
    return parsed


@pytest.mark.parametrize("details", [[], [b"x"]], ids=["without-details", "unknown-details"])
def test_a_status_without_an_exception_is_a_retryable_error(details: list[bytes]) -> None:
    status = Status(code=14)
    for value in details:
        status.details.add(type_url="type.googleapis.com/rum.v1.NoSuchException", value=value)
    error = from_status(status)
    response = bridge_errors.error_response(error, "id")
    headers = dict(response.headers.items())
    parsed = _parsed(response.status_code, headers, bytes(response.body))

    assert parsed["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert parsed["Error"]["Code"] == "ServiceUnavailable"
    assert response.headers["Retry-After"] == "1"


def test_unreadable_details_are_a_retryable_error() -> None:
    status = Status(code=3)
    status.details.add(type_url="type.googleapis.com/rum.v1.ValidationException", value=b"\xff")

    assert from_status(status).error_type == "ServiceUnavailable"


@pytest.mark.parametrize(
    ("message", "header"),
    [
        ("RumEvents[3].id is required.", "RumEvents[3].id is required."),
        ("a\r\nSet-Cookie: b", "a??Set-Cookie: b"),
        ("Schlüssel 鍵 \x00\x7f", "Schl?ssel ? ??"),
        ("x" * 2000, "x" * 1024),
    ],
    ids=["plain", "line break", "not ASCII", "long"],
)
def test_the_message_is_in_a_header_as_printable_ascii(message: str, header: str) -> None:
    response = error_response(HttpError(400, "ValidationException", message), "id")

    assert response.headers["x-amzn-ErrorMessage"] == header
    assert json.loads(response.body)["message"] == message
