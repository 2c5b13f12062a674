"""Pipelined requests and trailers: rare in clients, and cheap ways to exhaust a server."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from rum.internal.v1 import bridge_service_pb2 as pb
from rum.internal.v1.caller_pb2 import HttpCaller
from rum_bridge.http_protocol import ConnectionLimits
from tests.bridge.conftest import Bridge
from tests.bridge.standin import StandIn, all_ok
from tests.bridge.wire import Answer, connect, read_answer, send
from tests.support.batches import batch, new_id

_LIMITS = ConnectionLimits(max_head_bytes=1000, max_pipelined=10)
_HEALTHZ = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
_BODY = json.dumps(batch()).encode()
_CHUNKED = (
    f"POST /appmonitors/{new_id()} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    f"{len(_BODY):x}\r\n"
).encode() + _BODY


def _until_closed(connection: socket.socket) -> bytes:
    """Return everything that the server sends until it closes the connection."""
    received = b""
    try:
        while data := connection.recv(1 << 16):
            received += data
    except ConnectionError:
        pass
    return received


@pytest.mark.parametrize(("requests", "answered"), [(11, True), (12, False)])
async def test_a_connection_with_too_many_pipelined_requests_is_closed(
    bridge: Bridge, requests: int, answered: bool
) -> None:
    """One request is in progress, and ten wait for its response."""

    def run(url: str) -> bytes:
        with connect(url) as connection:
            last = _HEALTHZ[:-2] + b"Connection: close\r\n\r\n"
            connection.sendall(_HEALTHZ * (requests - 1) + last)
            return _until_closed(connection)

    async with bridge(limits=_LIMITS) as url:
        answers = await asyncio.to_thread(run, url)
        other = await asyncio.to_thread(send, url, "/healthz", method="GET")

    assert answers.count(b"HTTP/1.1 200 OK") == (requests if answered else 0)
    assert other.status == 200


async def test_a_flood_of_pipelined_requests_ends_at_the_limit(bridge: Bridge) -> None:
    def run(url: str) -> tuple[int, int]:
        flood = _HEALTHZ * 100_000
        sent = 0
        with connect(url) as connection:
            try:
                while sent < len(flood):
                    sent += connection.send(flood[sent : sent + 65536])
            except ConnectionError:
                return sent, len(flood)
        raise AssertionError("the connection is still open")

    async with bridge(limits=_LIMITS) as url:
        sent, whole = await asyncio.to_thread(run, url)

    assert sent < whole


async def test_trailers_are_ignored(bridge: Bridge, standin: StandIn) -> None:
    callers: list[HttpCaller] = []

    async def answer(request: pb.BatchPutRumEventsRequest) -> pb.BatchPutRumEventsResponse:
        callers.extend(entry.caller for entry in request.entries)
        return await all_ok(request)

    def run(url: str) -> list[Answer]:
        with connect(url) as connection:
            answers = []
            for _ in range(2):
                connection.sendall(_CHUNKED + b"\r\n0\r\nReferer: trailer\r\nX-Other: y\r\n\r\n")
                answers.append(read_answer(connection))
            return answers

    standin.answer = answer
    async with bridge(limits=_LIMITS) as url:
        answers = await asyncio.to_thread(run, url)

    assert [answer.status for answer in answers] == [200, 200]
    assert [caller.referer for caller in callers] == ["", ""]


@pytest.mark.parametrize(
    ("start", "more"),
    [(b"\r\n0\r\nX: ", b"a" * 200), (b"\r\n0\r\n", b"X: y\r\n" * 30), (b"\r\n1;x=", b"y" * 200)],
    ids=["one-trailer", "many-trailers", "a-chunk-extension"],
)
async def test_endless_data_between_chunks_and_after_them_is_rejected(
    bridge: Bridge, start: bytes, more: bytes
) -> None:
    def run(url: str) -> Answer:
        with connect(url) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(_CHUNKED)
            connection.sendall(start)
            connection.settimeout(0.05)
            for _ in range(400):
                try:
                    connection.sendall(more)
                    return read_answer(connection)
                except TimeoutError:
                    continue
        raise AssertionError("the connection is still open")

    async with bridge(limits=_LIMITS) as url:
        answer = await asyncio.to_thread(run, url)

    assert (answer.status, answer.error_type) == (431, "RequestHeaderFieldsTooLargeException")
    assert answer.headers["Connection"] == "close"
