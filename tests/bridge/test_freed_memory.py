"""What belongs to a request or a connection is freed at its end, without a garbage collection.

A server has collections only after many thousand new objects.
"""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import struct
from collections.abc import Iterator
from typing import Any
from weakref import WeakSet

import pytest

from rum.internal.v1 import bridge_service_pb2 as pb
from rum_bridge import server
from rum_bridge.errors import HttpError
from rum_bridge.puts.admitted_http import AdmittedHttp
from tests.bridge.conftest import Bridge
from tests.bridge.standin import StandIn
from tests.bridge.wire import connect, read_response
from tests.support.batches import batch, new_id

_HEALTHZ = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
_RESET = struct.pack("ii", 1, 0)


def _put(body: object) -> bytes:
    data = json.dumps(body).encode()
    line = f"POST /appmonitors/{new_id()} HTTP/1.1\r\nHost: x\r\n"
    return f"{line}Content-Length: {len(data)}\r\n\r\n".encode() + data


_EXCHANGES = {
    "no request": (b"", 0),
    "incomplete head": (b"GET /hea", 0),
    "idle": (_HEALTHZ, 1),
    "accepted put": (_put(batch()), 1),
    "rejected put": (_put({}), 1),
    "incomplete put": (_put(batch())[:-1], 0),
    "pipelined requests": (_put(batch()) + _put({}) + _HEALTHZ, 0),
    "not HTTP": (b"not HTTP\r\n\r\n", 1),
}
"""What a client sends, and how many responses it reads before it closes the connection."""


@pytest.fixture(autouse=True)
def _no_collections() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
async def test_a_closed_connection_is_freed(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch, *, reset: bool
) -> None:
    connections: WeakSet[AdmittedHttp] = WeakSet()

    class Watched(AdmittedHttp):
        def __init__(self, *args: Any, **named: Any) -> None:
            super().__init__(*args, **named)
            connections.add(self)

    def run(url: str, data: bytes, responses: int) -> None:
        with connect(url) as connection:
            connection.sendall(data)
            for _ in range(responses):
                read_response(connection)
            if reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    monkeypatch.setattr(server, "AdmittedHttp", Watched)
    left = []
    async with bridge() as url:
        for name, (data, responses) in _EXCHANGES.items():
            await asyncio.to_thread(run, url, data, responses)
            if not await _is_empty(connections):
                left.append(name)
                connections.clear()

    assert left == []


async def test_a_rejected_put_is_freed_while_its_connection_is_open(
    bridge: Bridge, standin: StandIn
) -> None:
    async def fail(_: pb.BatchPutRumEventsRequest) -> pb.BatchPutRumEventsResponse:
        raise RuntimeError

    def run(connection: socket.socket) -> list[int]:
        statuses = []
        for body in ({}, batch()):
            connection.sendall(_put(body))
            statuses.append(read_response(connection).status)
        return statuses

    standin.respond = fail
    earlier = _raised_errors()
    async with bridge() as url:
        with connect(url) as connection:
            statuses = await asyncio.to_thread(run, connection)
            left = await _left_after(earlier)

    assert statuses == [400, 500]
    assert left == 0


@pytest.mark.parametrize("put", [False, True], ids=["other", "put"])
async def test_an_idle_connection_keeps_no_headers(bridge: Bridge, *, put: bool) -> None:
    mark = new_id()
    line = f"\r\nX-Mark: {mark}\r\n".encode()

    def run(connection: socket.socket) -> int:
        connection.sendall((_put(batch()) if put else _HEALTHZ).replace(b"\r\n", line, 1))
        return read_response(connection).status

    async with bridge() as url:
        with connect(url) as connection:
            status = await asyncio.to_thread(run, connection)
            await asyncio.sleep(0)
            header = (b"x-mark", mark.encode())
            left = sum(type(each) is tuple and each == header for each in gc.get_objects())

    assert status == 200
    assert left == 1  # the one above


async def _is_empty(connections: WeakSet[AdmittedHttp]) -> bool:
    """Return whether all connections are freed soon."""
    for _ in range(100):
        if not connections:
            return True
        await asyncio.sleep(0.005)
    return False


async def _left_after(earlier: int) -> int:
    """Return how many more raised errors exist than earlier, once the requests have ended."""
    for _ in range(100):
        if (left := _raised_errors() - earlier) <= 0:
            break
        await asyncio.sleep(0.005)
    return left


def _raised_errors() -> int:
    found = [each for each in gc.get_objects() if type(each) is HttpError]
    return sum(each.__traceback__ is not None for each in found)
