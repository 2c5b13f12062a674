"""Data that follows a request which has, or will have, its response."""

from __future__ import annotations

import asyncio
import json
import re
import socket

import pytest

from rum_bridge.http.connection_limits import ConnectionLimits
from tests.bridge.conftest import Bridge
from tests.bridge.standin import StandIn
from tests.bridge.wire import connect, read_response
from tests.support.batches import batch, new_id

_TOO_LONG = b"POST /appmonitors/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n"


def _put(monitor_id: str) -> bytes:

    body = json.dumps(batch()).encode()
    head = f"POST /appmonitors/{monitor_id} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


@pytest.mark.parametrize("stray", [b"xx", b"\0\0", b"GET\r\n\r\n"], ids=repr)
@pytest.mark.parametrize("puts", [1, 3])
async def test_puts_before_data_that_is_not_http_are_answered(
    bridge: Bridge, standin: StandIn, stray: bytes, puts: int
) -> None:
    def run(url: str) -> bytes:
        with connect(url) as connection:
            connection.sendall(_put(new_id()) * puts + stray)
            with connection.makefile("rb") as responses:
                return responses.read()

    async with bridge() as url:
        responses = await asyncio.to_thread(run, url)

    assert re.findall(rb"HTTP/1.1 (\d+)", responses) == [b"200"] * puts
    assert sum(map(len, standin.calls)) == puts


async def test_the_rest_of_a_rejected_body_is_read_for_a_short_time(bridge: Bridge) -> None:
    def run(url: str) -> tuple[int, bytes]:
        with connect(url) as connection:
            connection.sendall(_TOO_LONG + b" ")
            return read_response(connection).status, connection.recv(1)

    async with bridge(ConnectionLimits(linger_s=0.2)) as url:
        status, rest = await asyncio.to_thread(run, url)

    assert (status, rest) == (413, b"")


async def test_the_rest_of_a_rejected_body_is_read_up_to_some_bytes(bridge: Bridge) -> None:
    def run(url: str) -> tuple[int, int]:
        with connect(url) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
            connection.sendall(_TOO_LONG + b" ")
            status = read_response(connection).status
            sent = 0
            try:
                while sent < 90 << 20:
                    connection.sendall(b" " * (1 << 20))
                    sent += 1 << 20
            except ConnectionError:
                return status, sent
        return status, sent

    async with bridge(ConnectionLimits(linger_bytes=1 << 20)) as url:
        status, sent = await asyncio.to_thread(run, url)

    assert status == 413
    assert sent < 60 << 20
