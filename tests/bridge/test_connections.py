"""Open connections: limited in number, and closed when the client does not read."""

from __future__ import annotations

import asyncio
import json
import re
import select
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

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
from tests.support.certificates import Authority

_LONG = b"GET /ui/vendor/rrweb-replay.js HTTP/1.1\r\nHost: x\r\n\r\n"
_SLOW_BYTES = 400_000
"""Most of this response."""
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


@pytest.fixture(params=["plain", "tls"])
def listening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[_Listening]:
    """A listener whose connections have small buffers in the kernel."""
    authority = Authority(tmp_path) if request.param == "tls" else None
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # of its connections, too
        yield _Listening(listener, authority)


class _Listening:
    def __init__(self, listener: socket.socket, authority: Authority | None) -> None:
        self.listener = listener
        self.settings: dict[str, Any] = {}
        self._tls = None
        if authority is not None:
            pair = authority.sign("bridge")
            self.settings["http_certificate_file"] = pair.certificate
            self.settings["http_key_file"] = pair.key
            self._tls = ssl.create_default_context(cafile=authority.file)

    def connect(self) -> socket.socket:
        """Open a connection whose client has a small buffer in the kernel, too."""
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(10)
        connection.connect(self.listener.getsockname())
        return (
            self._tls.wrap_socket(connection, server_hostname="localhost")
            if self._tls
            else connection
        )

    def ask_whether_healthy(self) -> int:
        """Return the status. The bridge has read what was sent before."""
        with self.connect() as connection:
            connection.sendall(_HEALTHZ)
            return read_response(connection, method="GET").status


async def test_a_client_that_does_not_read_is_disconnected(
    standin: StandIn, listening: _Listening
) -> None:
    """The response is larger than what the kernel buffers for this client."""
    settings = BridgeSettings(
        http="127.0.0.1:0", service=standin.address, drain_s=1.0, **listening.settings
    )
    limits = ConnectionLimits(write_timeout_s=0.3)

    def run() -> tuple[bool, int]:
        with listening.connect() as connection:
            connection.sendall(_LONG)
            return _is_aborted(connection), listening.ask_whether_healthy()

    async with running_bridge(settings, listening.listener, limits=limits):
        closed, status = await asyncio.to_thread(run)

    assert closed
    assert status == 200


def _is_aborted(connection: socket.socket) -> bool:
    """Return whether the server aborts the connection while its client reads nothing."""
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


async def test_responses_that_clients_do_not_read_are_limited(
    standin: StandIn, listening: _Listening
) -> None:
    """Each response has 410 kB, and those of an address may have 2 MiB together."""
    settings = BridgeSettings(
        http="127.0.0.1:0",
        service=standin.address,
        drain_s=1.0,
        max_waiting_bytes=4 << 20,
        **listening.settings,
    )

    def run() -> list[bool]:
        with ExitStack() as stack:
            connections = [stack.enter_context(listening.connect()) for _ in range(12)]
            for connection in connections:
                connection.sendall(_LONG)
                assert connection.recv(15) == b"HTTP/1.1 200 OK"
            assert listening.ask_whether_healthy() == 200
            return [_ends_whole(connection) for connection in connections]

    async with running_bridge(settings, listening.listener) as running:
        whole = await asyncio.to_thread(run)
        counts = {sample.metric.name: sample.value for sample in running.samples()}

    assert whole == sorted(whole)  # the oldest were aborted
    assert 3 <= sum(whole) <= 6
    assert counts["openrum_bridge_aborted_connections_total"] == 12 - sum(whole)


def _ends_whole(connection: socket.socket) -> bool:
    """Read the rest of a response. Return whether the server did not abort the connection."""
    rest = b""
    try:
        while b"\r\n\r\n" not in rest:
            rest += _received(connection)
        head, _, body = rest.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split()[0])
        while len(body) < length:
            body += _received(connection)
    except (ConnectionError, ssl.SSLError):
        return False
    return True


def _received(connection: socket.socket) -> bytes:
    received = connection.recv(1 << 16)
    if not received:
        raise ConnectionResetError
    return received


async def test_a_client_that_does_not_read_does_not_delay_the_stop(
    standin: StandIn, listening: _Listening
) -> None:
    settings = BridgeSettings(
        http="127.0.0.1:0", service=standin.address, drain_s=60.0, **listening.settings
    )

    def run(connection: socket.socket) -> None:
        connection.sendall(_LONG)
        assert connection.recv(15) == b"HTTP/1.1 200 OK"

    limits = ConnectionLimits(stopping_read_s=0.3)
    async with running_bridge(settings, listening.listener, limits=limits):
        connection = await asyncio.to_thread(listening.connect)
        await asyncio.to_thread(run, connection)
        began_s = time.monotonic()
    took_s = time.monotonic() - began_s
    whole = await asyncio.to_thread(_ends_whole, connection)
    connection.close()

    assert took_s < _NO_DELAY_S
    assert not whole


async def test_a_slow_client_gets_its_response_although_the_bridge_stops(
    standin: StandIn, listening: _Listening
) -> None:
    settings = BridgeSettings(
        http="127.0.0.1:0", service=standin.address, drain_s=60.0, **listening.settings
    )

    def read_slowly(connection: socket.socket) -> int:
        rest = 0
        while rest < _SLOW_BYTES:
            rest += len(_received(connection))
            time.sleep(0.02)
        return rest

    limits = ConnectionLimits(stopping_read_s=0.5)
    async with running_bridge(settings, listening.listener, limits=limits):
        connection = await asyncio.to_thread(listening.connect)
        await asyncio.to_thread(connection.sendall, _LONG)
        assert await asyncio.to_thread(connection.recv, 15) == b"HTTP/1.1 200 OK"
        reading = asyncio.create_task(asyncio.to_thread(read_slowly, connection))
    read = await reading
    connection.close()

    assert read >= _SLOW_BYTES


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
