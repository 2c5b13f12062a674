"""Open connections: limited in number, and closed when the client does not read."""

from __future__ import annotations

import asyncio
import select
import socket
from contextlib import ExitStack

import pytest

from rum_bridge.http.connection_limits import ConnectionLimits
from rum_bridge.http.connections import OpenConnections
from rum_bridge.server import running_bridge
from rum_bridge.settings import BridgeSettings
from tests.bridge.conftest import Bridge
from tests.bridge.standin import StandIn
from tests.bridge.wire import Response, connect, read_response, send
from tests.support.batches import new_id

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


async def test_a_client_that_does_not_read_is_disconnected(standin: StandIn) -> None:
    """The responses are larger than what the kernel buffers for this client."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # of its connections, too
    settings = BridgeSettings(http="127.0.0.1:0", service=standin.address, drain_s=1.0)
    limits = ConnectionLimits(write_timeout_s=0.3)

    def run(url: str) -> bool:
        host, _, port = url.removeprefix("http://").partition(":")
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect((host, int(port)))
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 90)  # few enough to wait
            poll = select.poll()
            poll.register(connection, 0)  # only errors: reading would make progress
            for _ in range(150):
                try:
                    connection.send(b"\r\n")  # the kernel answers with a reset when it is closed
                except ConnectionError:
                    return True
                if poll.poll(100):
                    return True
        return False

    async with running_bridge(settings, listener, limits=limits):
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        closed = await asyncio.to_thread(run, url)
        other = await asyncio.to_thread(send, url, "/healthz", method="GET")

    assert closed
    assert other.status == 200


async def test_responses_that_clients_do_not_read_are_limited(standin: StandIn) -> None:
    """Each response has 410 kB, and those of an address may have 2 MiB together."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # of its connections, too
    settings = BridgeSettings(
        http="127.0.0.1:0", service=standin.address, drain_s=1.0, max_waiting_bytes=4 << 20
    )
    request = b"GET /ui/vendor/rrweb-replay.js HTTP/1.1\r\nHost: x\r\n\r\n"

    def run(url: str) -> list[bool]:
        host, _, port = url.removeprefix("http://").partition(":")
        with ExitStack() as stack:
            connections = [stack.enter_context(socket.socket()) for _ in range(12)]
            for connection in connections:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.connect((host, int(port)))
                connection.sendall(request)
                assert connection.recv(15) == b"HTTP/1.1 200 OK"
            assert send(url, "/healthz", method="GET").status == 200
            return [_ends_whole(connection) for connection in connections]

    async with running_bridge(settings, listener):
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        whole = await asyncio.to_thread(run, url)

    assert whole == sorted(whole)  # the oldest were aborted
    assert 3 <= sum(whole) <= 6


def _ends_whole(connection: socket.socket) -> bool:
    """Read the rest of a response. Return whether the server did not abort the connection."""
    rest = b""
    try:
        while b"\r\n\r\n" not in rest:
            rest += connection.recv(1 << 16)
        head, _, body = rest.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split()[0])
        while len(body) < length:
            received = connection.recv(1 << 16)
            if not received:
                return False
            body += received
    except ConnectionError:
        return False
    return True


async def test_a_body_that_does_not_arrive_does_not_delay_the_stop(standin: StandIn) -> None:
    """Otherwise any client delays each stop of the bridge by OPENRUM_DRAIN_S."""
    settings = BridgeSettings(http="127.0.0.1:0", service=standin.address, drain_s=8.0)
    head = f"POST /appmonitors/{new_id()} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
    with ExitStack() as stack:
        async with running_bridge(settings, limits=ConnectionLimits(stopping_s=0.1)) as running:
            url = f"http://{running.address}"
            connection = stack.enter_context(connect(url))
            connection.sendall(head.encode() + b"{")
            await asyncio.to_thread(send, url, "/healthz", method="GET")  # later than the put
        response = await asyncio.to_thread(read_response, connection)

    assert (response.status, response.headers["Retry-After"]) == (503, "1")
    assert response.message == "The server stops."


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
