"""Clients that take their time: no connection is held for longer than it is worth."""

from __future__ import annotations

import asyncio
import socket

import pytest

from rum_bridge import http_protocol, server
from tests.bridge.conftest import Bridge
from tests.bridge.wire import Answer, connect, read_answer, send
from tests.support.batches import batch, new_id

_HEAD = b"POST /appmonitors/x HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "_HEAD_TIMEOUT_S", 0.3)
    monkeypatch.setattr(server, "_KEEP_ALIVE_S", 0.3)


def _drip(connection: socket.socket, drop: bytes) -> bytes:
    """Sends a drop at a time for as long as the connection lives; returns what came back."""
    connection.settimeout(0.05)
    for _ in range(400):
        try:
            connection.sendall(drop)
            return connection.recv(4096)
        except TimeoutError:
            continue
        except ConnectionError:
            return b""
    raise AssertionError("the connection lives on")


async def test_headers_that_drip_in_are_given_up(bridge: Bridge) -> None:
    def run(url: str) -> bytes:
        with connect(url) as connection:
            connection.sendall(_HEAD)
            return _drip(connection, b"a")

    async with bridge() as url:
        answer = await asyncio.to_thread(run, url)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"x-amzn-errortype: RequestTimeoutException" in answer


async def test_the_rest_of_a_refused_body_may_not_drip_in_for_ever(bridge: Bridge) -> None:
    def run(url: str) -> tuple[Answer, bytes]:
        with connect(url) as connection:
            connection.sendall(_HEAD + b"Content-Length: 1000000000\r\n\r\n")
            return read_answer(connection), _drip(connection, b" ")

    async with bridge() as url:
        answer, rest = await asyncio.to_thread(run, url)

    assert (answer.status, rest) == (413, b"")


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\n\r\n"], ids=["unused", "used"])
async def test_a_connection_that_nobody_uses_is_closed(bridge: Bridge, sent: bytes) -> None:
    def run(url: str) -> bytes:
        with connect(url) as connection:
            if sent:
                connection.sendall(sent)
                read_answer(connection)
            return connection.recv(1)

    async with bridge() as url:
        assert await asyncio.to_thread(run, url) == b""


async def test_a_request_may_take_longer_than_its_headers(bridge: Bridge) -> None:
    """The body has a time of its own, and so has the service."""

    def run(url: str) -> Answer:
        with connect(url) as connection:
            connection.sendall(_HEAD + b"Content-Length: 10\r\n\r\n")
            connection.settimeout(0.6)
            with pytest.raises(TimeoutError):
                connection.recv(1)
            connection.settimeout(10)
            connection.sendall(b" " * 10)
            return read_answer(connection)

    async with bridge() as url:
        answer = await asyncio.to_thread(run, url)
        good = await asyncio.to_thread(send, url, f"/appmonitors/{new_id()}", batch())

    assert (answer.status, good.status) == (400, 200)
