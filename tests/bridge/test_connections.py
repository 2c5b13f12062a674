"""Open connections are limited in number, and wait for a body only for a limited time."""

from __future__ import annotations

import asyncio
import json
import re
import time
from contextlib import ExitStack

import pytest

from rum.internal.v1 import bridge_service_pb2 as pb
from rum_bridge.http.connection_limits import ConnectionLimits
from rum_bridge.http.connections import OpenConnections
from rum_bridge.server import running_bridge
from rum_bridge.settings import BridgeSettings
from tests.bridge.conftest import Bridge
from tests.bridge.standin import StandIn, all_ok
from tests.bridge.wire import Response, connect, read_response, send
from tests.support.batches import batch, new_id

_NO_DELAY_S = 20.0
_HEALTHZ = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def _open(url: str, number: int, stack: ExitStack) -> list[Response]:
    """Open connections, send a request on each, and return the responses."""
    responses = []
    for _ in range(number):
        connection = stack.enter_context(connect(url))
        connection.sendall(_HEALTHZ)
        responses.append(read_response(connection, method="GET"))
    return responses


@pytest.mark.parametrize(
    "settings", [{"max_connections": 3}, {"max_connections_per_address": 3}], ids=["total", "each"]
)
async def test_a_connection_over_the_limit_gets_503(
    bridge: Bridge, settings: dict[str, int]
) -> None:
    def run(url: str) -> tuple[list[Response], Response]:
        with ExitStack() as stack:
            responses = _open(url, 4, stack)
        # The server notices the end of the others a moment later.
        for _ in range(100):
            later = send(url, "/healthz", method="GET")
            if later.status == 200:
                break
        return responses, later

    async with bridge(**settings) as url:
        responses, later = await asyncio.to_thread(run, url)

    assert [response.status for response in responses] == [200, 200, 200, 503]
    assert responses[3].error_type == "ServiceUnavailable"
    assert responses[3].headers["Retry-After"] == "1"
    assert responses[3].headers["Connection"] == "close"
    assert later.status == 200


async def test_the_connections_of_a_trusted_proxy_have_no_limit_for_an_address(
    bridge: Bridge,
) -> None:
    def run(url: str) -> list[Response]:
        with ExitStack() as stack:
            return _open(url, 4, stack)

    async with bridge(max_connections_per_address=2, trusted_proxies="127.0.0.0/8") as url:
        responses = await asyncio.to_thread(run, url)

    assert [response.status for response in responses] == [200] * 4


def test_addresses_are_counted_separately() -> None:
    connections = OpenConnections(max_total=100, max_per_address=1, max_descriptor=100)
    addresses = ["10.0.0.1", "10.0.0.2", "::1", "2001:db8::1", "2001:db8:0:1::1", "", ""]

    assert [connections.add(index, a, 9) for index, a in enumerate(addresses)] == [True] * 7


@pytest.mark.parametrize(
    "same",
    [("10.0.0.1", "::ffff:10.0.0.1"), ("2001:db8::1", "2001:db8::ffff:2"), ("fe80::1%a",) * 2],
)
def test_spellings_of_an_address_and_an_ipv6_network_are_counted_together(
    same: tuple[str, str],
) -> None:
    connections = OpenConnections(max_total=100, max_per_address=1, max_descriptor=100)

    assert [connections.add(index, a, 9) for index, a in enumerate(same)] == [True, False]
    connections.remove(1)  # was not added
    assert not connections.add(2, same[0], 9)
    connections.remove(0)
    assert connections.add(3, same[0], 9)


def test_file_descriptors_stay_in_reserve() -> None:
    connections = OpenConnections(max_total=100, max_per_address=100, max_descriptor=50)

    assert connections.add(1, "10.0.0.1", 50)
    assert not connections.add(2, "10.0.0.1", 51)


async def test_a_body_that_does_not_arrive_does_not_delay_the_stop(standin: StandIn) -> None:
    """Otherwise any client delays each stop of the bridge by OPENRUM_DRAIN_S."""
    settings = BridgeSettings(http="127.0.0.1:0", service=standin.address, drain_s=60.0)
    head = f"POST /appmonitors/{new_id()} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
    with ExitStack() as stack:
        async with running_bridge(settings, limits=ConnectionLimits(stopping_s=0.1)) as running:
            url = f"http://{running.address}"
            connection = stack.enter_context(connect(url))
            connection.sendall(head.encode() + b"{")
            await asyncio.to_thread(send, url, "/healthz", method="GET")  # later than the put
            began_s = time.monotonic()
        took_s = time.monotonic() - began_s
        response = await asyncio.to_thread(read_response, connection)

    assert took_s < _NO_DELAY_S
    assert (response.status, response.headers["Retry-After"]) == (503, "1")
    assert response.message == "The server stops."


async def test_a_body_that_does_not_arrive_does_not_end_the_request_before_it(
    standin: StandIn,
) -> None:
    gate = asyncio.Event()

    async def respond(request: pb.BatchPutRumEventsRequest) -> pb.BatchPutRumEventsResponse:
        await gate.wait()
        return await all_ok(request)

    standin.respond = respond
    settings = BridgeSettings(http="127.0.0.1:0", service=standin.address, drain_s=60.0)
    path, body = f"/appmonitors/{new_id()}", json.dumps(batch()).encode()
    head = "POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n"
    first = head.format(path, len(body)).encode() + body
    with ExitStack() as stack:
        async with running_bridge(settings, limits=ConnectionLimits(stopping_s=0.1)) as running:
            connection = stack.enter_context(connect(f"http://{running.address}"))
            connection.sendall(first + head.format(path, 9).encode() + b"{")
            await standin.arrived.acquire()
            asyncio.get_running_loop().call_later(0.5, gate.set)
        received = b""
        while data := await asyncio.to_thread(connection.recv, 1 << 16):
            received += data

    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"200", b"503"]


async def test_a_body_in_tiny_chunks_is_rejected(bridge: Bridge) -> None:
    head = f"POST /appmonitors/{new_id()} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode()

    def run(url: str) -> Response:
        with connect(url) as connection:
            connection.sendall(head + b"1\r\n \r\n" * 1001)
            return read_response(connection)

    async with bridge(limits=ConnectionLimits(max_chunks=1000)) as url:
        response = await asyncio.to_thread(run, url)

    assert (response.status, response.error_type) == (400, "BadRequestException")
    assert response.message == "The body arrives in too many chunks."


async def test_refused_connections_are_counted(standin: StandIn) -> None:
    settings = BridgeSettings(
        http="127.0.0.1:0", service=standin.address, max_connections=1, drain_s=1
    )

    def run(url: str) -> list[int]:
        with ExitStack() as stack:
            return [response.status for response in _open(url, 3, stack)]

    async with running_bridge(settings) as running:
        statuses = await asyncio.to_thread(run, f"http://{running.address}")
        counts = {sample.metric.name: sample.value for sample in running.samples()}

    assert statuses == [200, 503, 503]
    assert counts["openrum_bridge_refused_connections_total"] == 2
