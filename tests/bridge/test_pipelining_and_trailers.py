"""Pipelined requests and trailers: rare in clients, and cheap ways to exhaust a server."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from rum.internal.v1 import bridge_service_pb2 as pb
from rum.internal.v1.caller_pb2 import HttpCaller
from rum_bridge.http.connection_limits import ConnectionLimits
from tests.bridge.conftest import Bridge
from tests.bridge.standin import StandIn, all_ok
from tests.bridge.wire import Response, connect, read_response, send
from tests.support.batches import batch, new_id

_LIMITS = ConnectionLimits(max_head_bytes=1000, max_pipelined=10)
_HEALTHZ = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
_BODY = json.dumps(batch()).encode()
_LINE = f"POST /appmonitors/{new_id()} HTTP/1.1\r\nHost: x\r\n".encode()
_PUT = _LINE + b"Content-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
_CHUNKED = _LINE + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s" % (len(_BODY), _BODY)


def _until_closed(connection: socket.socket) -> bytes:
    """Return everything that the server sends until it closes the connection."""
    received = b""
    try:
        while data := connection.recv(1 << 16):
            received += data
    except ConnectionError:
        pass
    return received


@pytest.mark.parametrize(("requests", "allowed"), [(11, True), (12, False)])
async def test_a_connection_with_too_many_pipelined_requests_is_closed(
    bridge: Bridge, requests: int, allowed: bool
) -> None:
    """One request is in progress, and ten wait for its response."""

    def run(url: str) -> bytes:
        with connect(url) as connection:
            last = _HEALTHZ[:-2] + b"Connection: close\r\n\r\n"
            connection.sendall(_HEALTHZ * (requests - 1) + last)
            return _until_closed(connection)

    async with bridge(limits=_LIMITS) as url:
        responses = await asyncio.to_thread(run, url)
        other = await asyncio.to_thread(send, url, "/healthz", method="GET")

    assert responses.count(b"HTTP/1.1 200 OK") == (requests if allowed else 0)
    assert other.status == 200


async def test_a_flood_of_pipelined_requests_ends_the_connection(bridge: Bridge) -> None:
    """The kernel buffers some megabytes, so the client sends more than that."""

    def run(url: str) -> bool:
        with connect(url) as connection:
            connection.settimeout(10)
            try:
                for _ in range(1000):
                    connection.sendall(_HEALTHZ * 3000)
            except ConnectionError:
                return True
        return False

    async with bridge(limits=_LIMITS) as url:
        closed = await asyncio.to_thread(run, url)
        other = await asyncio.to_thread(send, url, "/healthz", method="GET")

    assert closed
    assert other.status == 200


async def test_nothing_is_read_while_requests_wait(bridge: Bridge, standin: StandIn) -> None:
    """Otherwise each response would make room for many more requests."""
    answers = asyncio.Semaphore(0)

    async def respond(request: pb.BatchPutRumEventsRequest) -> pb.BatchPutRumEventsResponse:
        await answers.acquire()
        return await all_ok(request)

    def is_read(connection: socket.socket) -> bool:
        connection.settimeout(1)
        try:
            connection.sendall(_PUT * 200_000)
        except TimeoutError:
            return False
        except ConnectionError:
            pass
        return True

    standin.respond = respond
    async with bridge() as url:
        with connect(url) as connection:
            connection.sendall(_PUT * 3)
            await standin.arrived.acquire()
            answers.release()
            await standin.arrived.acquire()  # the second is in progress, and the third waits
            read = await asyncio.to_thread(is_read, connection)
        for _ in range(3):
            answers.release()

    assert not read


async def test_bodies_of_waiting_requests_are_limited(bridge: Bridge, standin: StandIn) -> None:
    answer = asyncio.Event()

    async def respond(request: pb.BatchPutRumEventsRequest) -> pb.BatchPutRumEventsResponse:
        await answer.wait()
        return await all_ok(request)

    def run(url: str) -> bytes:
        with connect(url) as connection:
            connection.sendall(_PUT + large)
            return _until_closed(connection)

    standin.respond = respond
    large = _LINE + b"Content-Length: 2000\r\n\r\n" + b" " * 2000
    async with bridge(limits=ConnectionLimits(max_pipelined_bytes=1000)) as url:
        received = await asyncio.to_thread(run, url)
        answer.set()

    assert received == b""


async def test_trailers_are_ignored(bridge: Bridge, standin: StandIn) -> None:
    callers: list[HttpCaller] = []

    async def respond(request: pb.BatchPutRumEventsRequest) -> pb.BatchPutRumEventsResponse:
        callers.extend(entry.caller for entry in request.entries)
        return await all_ok(request)

    def run(url: str) -> list[Response]:
        with connect(url) as connection:
            responses = []
            for _ in range(2):
                connection.sendall(_CHUNKED + b"\r\n0\r\nReferer: trailer\r\nX-Other: y\r\n\r\n")
                responses.append(read_response(connection))
            return responses

    standin.respond = respond
    async with bridge(limits=_LIMITS) as url:
        responses = await asyncio.to_thread(run, url)

    assert [response.status for response in responses] == [200, 200]
    assert [caller.referer for caller in callers] == ["", ""]


@pytest.mark.parametrize(
    ("start", "more"),
    [(b"\r\n0\r\nX: ", b"a" * 200), (b"\r\n0\r\n", b"X: y\r\n" * 30), (b"\r\n1;x=", b"y" * 200)],
    ids=["one-trailer", "many-trailers", "a-chunk-extension"],
)
async def test_endless_data_between_chunks_and_after_them_is_rejected(
    bridge: Bridge, start: bytes, more: bytes
) -> None:
    def run(url: str) -> Response:
        with connect(url) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(_CHUNKED)
            connection.sendall(start)
            connection.settimeout(0.05)
            for _ in range(400):
                try:
                    connection.sendall(more)
                    return read_response(connection)
                except TimeoutError:
                    continue
        raise AssertionError("the connection is still open")

    async with bridge(limits=_LIMITS) as url:
        response = await asyncio.to_thread(run, url)

    assert (response.status, response.error_type) == (431, "RequestHeaderFieldsTooLargeException")
    assert response.headers["Connection"] == "close"
