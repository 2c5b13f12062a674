"""The bridge asks the service before it reads a long body or decodes one for the control plane."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import grpc
import grpc.aio
import pytest

from rum.internal.v1 import bridge_service_pb2 as pb
from rum.internal.v1.caller_pb2 import HttpCaller
from rum.operator.v1.operator_service_pb2 import (
    ACCESS_READ,
    ACCESS_WRITE,
    CreateTokenRequest,
    Grant,
)
from rum.operator.v1.operator_service_pb2_grpc import OperatorServiceStub
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_bridge.errors import BRIDGE, HttpError
from rum_bridge.puts.full_monitors import FullMonitors
from rum_bridge.settings import BridgeSettings
from rum_bridge.upstream.caller_check import CallerCheck
from rum_bridge.upstream.channel import open_token
from rum_service.errors import (
    InternalServerException,
    MissingAuthenticationTokenException,
    ResourceNotFoundException,
    ThrottlingException,
)
from rum_service.rpc.status import to_status
from tests.bridge.conftest import Bridge, Started
from tests.bridge.standin import StandIn, all_ok
from tests.bridge.wire import Response, connect, expect_error, read_response, send
from tests.support.batches import batch, new_id
from tests.support.running import OpenRum

_LONG = json.dumps(batch(SessionMetadata=" " * 100_000)).encode()


async def _put(url: str, monitor_id: str, body: Any) -> Response:
    return await asyncio.to_thread(
        send, url, f"/appmonitors/{monitor_id}", body, headers={"Origin": "x"}
    )


async def test_the_app_monitor_is_looked_up_before_a_long_body_is_read(
    bridge: Bridge, standin: StandIn
) -> None:
    monitor_id = new_id()
    head = (
        f"POST /appmonitors/{monitor_id} HTTP/1.1\r\nHost: x\r\nOrigin: x\r\n"
        "Content-Length: 2000000\r\n\r\n"
    ).encode()

    def run(url: str) -> Response:
        with connect(url) as connection:
            connection.sendall(head + b" " * 70_000)
            return read_response(connection)

    standin.refuse = ResourceNotFoundException("There is none.", monitor_id, "AppMonitor")
    async with bridge() as url:
        response = await asyncio.to_thread(run, url)

    expect_error(response, 404, "ResourceNotFoundException")
    assert standin.checked == [monitor_id]


def _full(name: str) -> ThrottlingException:
    return ThrottlingException(
        f"The app monitor {name} has reached its quota.",
        quota_code="stored-bytes",
        retry_after_seconds=300,
    )


@pytest.mark.parametrize("body", [batch(), _LONG], ids=["short", "long"])
async def test_puts_for_a_full_app_monitor_are_rejected_without_asking_again(
    bridge: Bridge, standin: StandIn, body: Any
) -> None:
    full, other = new_id(), new_id()
    error = _full("shop")

    async def reject(request: pb.BatchPutRumEventsRequest) -> pb.BatchPutRumEventsResponse:
        return pb.BatchPutRumEventsResponse(statuses=[to_status(error)])

    standin.respond, standin.refuse = reject, error
    async with bridge() as url:
        first = await _put(url, full, body)
        standin.respond, standin.refuse = all_ok, None
        second = await _put(url, full, body)
        third = await _put(url, other, body)

    for response in (first, second):
        expect_error(response, 429, "ThrottlingException")
        assert response.headers["Retry-After"] == "300"
        assert json.loads(response.body)["quotaCode"] == "stored-bytes"
    assert first.message == error.message
    assert second.message == "The app monitor has reached its quota of stored bytes."
    assert third.status == 200


async def test_an_app_monitor_that_exists_is_looked_up_once(
    bridge: Bridge, standin: StandIn
) -> None:
    a, b = new_id(), new_id()
    async with bridge() as url:
        statuses = [(await _put(url, name, _LONG)).status for name in (a, b, a, b)]

    assert (statuses, standin.checked) == ([200] * 4, [a, b])


async def test_an_app_monitor_is_not_looked_up_for_short_bodies(
    bridge: Bridge, standin: StandIn
) -> None:
    async with bridge() as url:
        response = await _put(url, new_id(), batch())

    assert (response.status, standin.checked) == (200, [])


async def test_a_failed_lookup_is_repeated(bridge: Bridge, standin: StandIn) -> None:
    monitor_id = new_id()
    async with bridge() as url:
        standin.refuse = InternalServerException()
        failed = await _put(url, monitor_id, _LONG)
        standin.refuse = None
        stored = await _put(url, monitor_id, _LONG)

    assert (failed.status, stored.status) == (500, 200)


async def test_a_control_plane_body_is_not_decoded_if_the_caller_is_rejected(
    bridge: Bridge, standin: StandIn
) -> None:
    standin.refuse = MissingAuthenticationTokenException()
    async with bridge() as url:
        response = await asyncio.to_thread(send, url, "/appmonitor", b"{")

    assert (response.status, response.error_type) == (403, "MissingAuthenticationTokenException")
    assert standin.checked == ["CreateAppMonitor"]


@pytest.mark.parametrize(
    ("headers", "error_type"),
    [
        ({}, "MissingAuthenticationTokenException"),
        ({"Authorization": "Bearer openrum_garbage"}, None),
        ({"Authorization": "AWS4-HMAC-SHA256 garbage"}, "IncompleteSignatureException"),
    ],
    ids=["anonymous", "token", "signature"],
)
def test_where_callers_are_authorized_credentials_come_before_the_body(
    started: Started, headers: dict[str, str], error_type: str | None
) -> None:
    server = started(OPENRUM_AUTH="required")
    put = f"/appmonitors/{server.monitor_id()}"
    posts = ("/appmonitor", "/appmonitor/my-app/data", "/rummetrics/my-app/metrics", put)
    answers = [send(server.url, path, b"{", headers=headers) for path in posts]
    answers += [
        send(server.url, put, json.dumps(body).encode(), headers=headers)
        for body in ([], batch(RumEvents=1), batch(UserDetails="x"))
    ]
    for response in answers:
        assert response.status in (400, 403)
        assert response.error_type != "ValidationException"
        assert error_type in (None, response.error_type)


@pytest.mark.parametrize(
    "path",
    [
        "/appmonitors?maxResults=abc",
        "/rummetrics/my-app/metrics?maxResults=abc",
        "/insight/my-app/overview?unknown=1",
    ],
)
def test_where_callers_are_authorized_credentials_come_before_the_query(
    started: Started, path: str
) -> None:
    method = "POST" if path.startswith("/appmonitors?") else "GET"
    server = started(OPENRUM_AUTH="required")
    anonymous = send(server.url, path, b"", method=method)
    known = send(server.url, path, b"", method=method, headers=_token(server))

    assert (anonymous.status, anonymous.error_type) == (403, "MissingAuthenticationTokenException")
    assert (known.status, known.error_type) == (400, "ValidationException")


def test_a_put_that_cannot_be_decoded_is_rejected_for_its_caller_first(started: Started) -> None:
    server = started(OPENRUM_AUTH="required")
    path = f"/appmonitors/{server.monitor_id()}"
    known = _token(server)

    assert send(server.url, path, b"{").error_type == "MissingAuthenticationTokenException"
    assert send(server.url, path, b"{", headers=known).error_type == "ValidationException"
    assert send(server.url, f"/appmonitors/{new_id()}", b"{", headers=known).status == 404


async def test_a_rejection_in_answer_to_the_bridge_is_its_own(standin: StandIn) -> None:
    standin.refuse = MissingAuthenticationTokenException()
    token = open_token(BridgeSettings())
    async with grpc.aio.insecure_channel(standin.address) as channel:
        check = CallerCheck(channel, token, timeout_s=10)
        with pytest.raises(HttpError) as raised:
            await check("PutRumEvents", PutRumEventsRequest(id="x"), HttpCaller(), "r")

    assert (raised.value.status, raised.value.source) == (403, BRIDGE)


def _token(server: OpenRum) -> dict[str, str]:
    """Return a header with a new token that may read and put."""
    grant = Grant(name=new_id(), access=[ACCESS_READ, ACCESS_WRITE])
    with grpc.insecure_channel(server.grpc) as channel:
        created = OperatorServiceStub(channel).CreateToken(
            CreateTokenRequest(grant=grant), metadata=server.operator
        )
    return {"Authorization": f"Bearer {created.token}"}


def test_a_long_body_for_an_unknown_app_monitor_is_rejected(started: Started) -> None:
    server = started()
    known = send(server.url, f"/appmonitors/{server.monitor_id()}", _LONG)
    unknown = send(server.url, f"/appmonitors/{new_id()}", b"[" * 100_000)

    assert (known.status, unknown.status) == (200, 404)


def test_the_service_is_asked_again_about_a_full_app_monitor_after_a_moment() -> None:
    now = 0.0
    monitors = FullMonitors(clock=lambda: now)
    monitors.learn("a", HttpError(429, "x", "", {"quotaCode": "stored-bytes"}, 300))
    monitors.learn("b", HttpError(429, "x", "", {"quotaCode": "waiting-batches"}, 1))
    with pytest.raises(HttpError) as raised:
        monitors.check("a")
    monitors.check("b")
    now = 2.0
    monitors.check("a")

    assert raised.value.retry_after_s == 300
