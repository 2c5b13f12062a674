"""Clients that do not read their responses, with and without TLS."""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from rum_bridge.http.connection_limits import ConnectionLimits
from rum_bridge.server import RunningBridge, running_bridge
from rum_bridge.settings import BridgeSettings
from tests.bridge.standin import StandIn
from tests.bridge.wire import read_response
from tests.support.certificates import Authority

_HEALTHZ = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
_LONG = b"GET /ui/vendor/rrweb-replay.js HTTP/1.1\r\nHost: x\r\n\r\n"
"""Its response has 410 kB, more than the kernel buffers for these clients."""
_MOST_OF_LONG = 400_000
_LAST = _LONG.removesuffix(b"\r\n") + b"Connection: close\r\n\r\n"
"""The bridge closes the connection when it has written the response."""
_BUFFER_BYTES = 4096
_DRAIN_S, _NO_DELAY_S = 60.0, 20.0


class _Served:
    """A bridge whose connections have small buffers in the kernel, and its clients."""

    def __init__(self, listener: socket.socket, standin: StandIn) -> None:
        self.tls: ssl.SSLContext | None = None
        self.certificate: dict[str, Any] = {}
        self._listener = listener
        self._standin = standin

    def running(
        self, limits: ConnectionLimits | None = None, **settings: Any
    ) -> AbstractAsyncContextManager[RunningBridge]:
        known = {"http": "127.0.0.1:0", "service": self._standin.address, "drain_s": _DRAIN_S}
        values = BridgeSettings(**{**known, **self.certificate, **settings})
        return running_bridge(values, self._listener, limits=limits)

    @contextmanager
    def connection(self) -> Iterator[socket.socket]:
        with socket.socket() as plain:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            plain.settimeout(10)
            plain.connect(self._listener.getsockname())
            if self.tls is None:
                yield plain
                return
            with self.tls.wrap_socket(plain, server_hostname="localhost") as secure:
                yield secure

    @contextmanager
    def unread(self, request: bytes = _LONG) -> Iterator[socket.socket]:
        """Open a connection, and read only the beginning of its response."""
        with self.connection() as connection:
            connection.sendall(request)
            assert connection.recv(15) == b"HTTP/1.1 200 OK"
            yield connection

    def health(self) -> int:
        """Return the status. The bridge has read what was sent before."""
        with self.connection() as connection:
            connection.sendall(_HEALTHZ)
            return read_response(connection, method="GET").status


@pytest.fixture(params=["plain", "tls"])
def served(request: pytest.FixtureRequest, tmp_path: Path, standin: StandIn) -> Iterator[_Served]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # Of its connections, too.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        served = _Served(listener, standin)
        if request.param == "tls":
            authority = Authority(tmp_path)
            pair = authority.sign("bridge")
            served.tls = ssl.create_default_context(cafile=authority.file)
            served.certificate["http_certificate_file"] = pair.certificate
            served.certificate["http_key_file"] = pair.key
        yield served


async def test_a_client_that_does_not_read_is_disconnected(served: _Served) -> None:
    def run() -> tuple[bool, int]:
        with served.unread() as connection:
            return _is_aborted(connection), served.health()

    async with served.running(ConnectionLimits(write_timeout_s=0.3)):
        aborted, health = await asyncio.to_thread(run)

    assert aborted
    assert health == 200


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


async def test_responses_that_clients_do_not_read_are_limited(served: _Served) -> None:
    """Those of an address may have 2 MiB together."""

    def run() -> list[bool]:
        with ExitStack() as stack:
            connections = [stack.enter_context(served.unread()) for _ in range(12)]
            assert served.health() == 200
            return [_ends_whole(connection) for connection in connections]

    async with served.running(max_waiting_bytes=4 << 20) as running:
        whole = await asyncio.to_thread(run)
        counts = {sample.metric.name: sample.value for sample in running.samples()}

    assert whole == sorted(whole)  # the oldest were aborted
    assert 3 <= sum(whole) <= 6
    assert counts["openrum_bridge_aborted_connections_total"] == 12 - sum(whole)


@pytest.mark.parametrize("request_", [_LONG, _LAST], ids=["open", "closing"])
async def test_a_client_that_does_not_read_does_not_delay_the_stop(
    served: _Served, request_: bytes
) -> None:
    with ExitStack() as stack:
        async with served.running(ConnectionLimits(stopping_read_s=0.3)):
            connection = await asyncio.to_thread(stack.enter_context, served.unread(request_))
            began_s = time.monotonic()
        took_s = time.monotonic() - began_s
        whole = await asyncio.to_thread(_ends_whole, connection)

    assert took_s < _NO_DELAY_S
    assert not whole


async def test_a_slow_client_gets_its_response_although_the_bridge_stops(served: _Served) -> None:
    def read_slowly() -> int:
        rest = 0
        while rest < _MOST_OF_LONG:
            rest += len(_received(connection))
            time.sleep(0.04)
        return rest

    with ExitStack() as stack:
        async with served.running(ConnectionLimits(stopping_read_s=1.5)):
            connection = await asyncio.to_thread(stack.enter_context, served.unread())
            reading = asyncio.create_task(asyncio.to_thread(read_slowly))
        rest = await reading

    assert rest >= _MOST_OF_LONG


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
