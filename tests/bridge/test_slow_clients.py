"""Slow clients: a connection is closed when it makes no progress."""

from __future__ import annotations

import asyncio
import socket

import pytest

from rum_bridge.http.connection_limits import ConnectionLimits
from tests.bridge.conftest import Bridge
from tests.bridge.wire import Response, connect, read_response, send
from tests.support.batches import batch, new_id

_LIMITS = ConnectionLimits(max_head_bytes=1000, head_timeout_s=0.3, keep_alive_s=0.3)
_HEAD = b"POST /appmonitors/x HTTP/1.1\r\nHost: x\r\n"


def _drip(connection: socket.socket, drop: bytes) -> bytes:
    """Send `drop` repeatedly until the server responds or closes, and return the response."""
    connection.settimeout(0.05)
    for _ in range(400):
        try:
            connection.sendall(drop)
            return connection.recv(4096)
        except TimeoutError:
            continue
        except ConnectionError:
            return b""
    raise AssertionError("the connection is still open")


async def test_headers_that_arrive_slowly_are_rejected(bridge: Bridge) -> None:
    def run(url: str) -> bytes:
        with connect(url) as connection:
            connection.sendall(_HEAD)
            return _drip(connection, b"a")

    async with bridge(limits=_LIMITS) as url:
        response = await asyncio.to_thread(run, url)

    assert response.startswith(b"HTTP/1.1 408 ")
    assert b"x-amzn-errortype: RequestTimeoutException" in response


async def test_headers_over_the_limit_are_rejected(bridge: Bridge) -> None:
    def run(url: str) -> list[Response]:
        responses = []
        for size in (800, 1001):
            with connect(url) as connection:
                connection.sendall(_HEAD + b"X: " + b"a" * (size - len(_HEAD)))
                connection.settimeout(10)
                responses.append(read_response(connection))
        return responses

    async with bridge(limits=_LIMITS) as url:
        slow, large = await asyncio.to_thread(run, url)

    assert (slow.status, large.status) == (408, 431)
    assert large.message == (
        "Request line and headers together, and trailers, must have at most 1000 bytes and"
        " 100 fields."
    )


async def test_the_rest_of_a_rejected_body_does_not_keep_the_connection_open(
    bridge: Bridge,
) -> None:
    def run(url: str) -> tuple[Response, bytes]:
        with connect(url) as connection:
            connection.sendall(_HEAD + b"Content-Length: 1000000000\r\n\r\n")
            return read_response(connection), _drip(connection, b" ")

    async with bridge(limits=_LIMITS) as url:
        response, rest = await asyncio.to_thread(run, url)

    assert (response.status, rest) == (413, b"")


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\n\r\n"], ids=["unused", "used"])
async def test_an_idle_connection_is_closed(bridge: Bridge, sent: bytes) -> None:
    def run(url: str) -> bytes:
        with connect(url) as connection:
            if sent:
                connection.sendall(sent)
                read_response(connection)
            return connection.recv(1)

    async with bridge(limits=_LIMITS) as url:
        assert await asyncio.to_thread(run, url) == b""


async def test_the_time_limit_of_headers_does_not_apply_to_the_body(bridge: Bridge) -> None:
    """Body and service have separate time limits."""

    def run(url: str) -> Response:
        with connect(url) as connection:
            connection.sendall(_HEAD + b"Content-Length: 10\r\n\r\n")
            connection.settimeout(0.6)
            with pytest.raises(TimeoutError):
                connection.recv(1)
            connection.settimeout(10)
            connection.sendall(b" " * 10)
            return read_response(connection)

    async with bridge(limits=_LIMITS) as url:
        response = await asyncio.to_thread(run, url)
        good = await asyncio.to_thread(send, url, f"/appmonitors/{new_id()}", batch())

    assert (response.status, good.status) == (400, 200)
