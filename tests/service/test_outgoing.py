"""The memory of responses that clients do not read is limited."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from rum.v1.control_plane_service_pb2 import GetAppMonitorDataRequest, TimeRange
from tests.service.authorized import OK, Authorized, authorized, bearer
from tests.service.served import LoopThread
from tests.support import http2
from tests.support.batches import message

_GET_DATA = b"/rum.v1.ControlPlaneService/GetAppMonitorData"
_NO_WINDOW = (4).to_bytes(2, "big") + (0).to_bytes(4, "big")
"""SETTINGS_INITIAL_WINDOW_SIZE: the client takes no bytes of a response."""
_REQUEST = GetAppMonitorDataRequest(name="shop", time_range=TimeRange(after=-(2**53)))
_TIMEOUT_S = 10.0


@pytest.mark.parametrize("connections", [1, 2])
def test_responses_that_a_client_does_not_read_take_little_memory(
    loop: LoopThread, tmp_path: Path, connections: int
) -> None:
    """One connection may have a quarter of the limit, and one address half of it."""
    with authorized(loop, tmp_path, max_waiting_bytes=1 << 20) as service:
        put = message(service.monitor("shop"))
        put.rum_events[0].type = "com.amazon.rum.http_event"
        put.rum_events[0].details = '{"text": "' + "x" * 200_000 + '"}'
        service.call("PutRumEvents", put, bearer(service.operator))
        token = service.token("reader", "read")
        with ExitStack() as stack:
            opened = [
                stack.enter_context(_reading_nothing(service, token, calls=3))
                for _ in range(connections)
            ]
            rejected = list(map(_status_of, opened))
            own = service.outcome("GetAppMonitorData", _REQUEST, bearer(service.operator))

    assert own == OK
    assert all(b"Too many responses wait until their callers read them." in s for s in rejected)


@contextmanager
def _reading_nothing(service: Authorized, token: str, *, calls: int) -> Iterator[BinaryIO]:
    """Begin calls on a new connection whose client takes no bytes of their responses."""
    host, _, port = service.address.rpartition(":")
    head = http2.call_head(
        http2.field(b"authorization", b"Bearer " + token.encode()), path=_GET_DATA
    )
    body = _REQUEST.SerializeToString()
    with (
        socket.create_connection((host, int(port)), _TIMEOUT_S) as connection,
        connection.makefile("rb") as frames,
    ):
        connection.sendall(http2.PREFACE + http2.frame(http2.SETTINGS, 0, 0, _NO_WINDOW))
        for stream in range(1, 2 * calls, 2):
            connection.sendall(http2.continued_head(stream, head) + http2.message(stream, body))
        yield frames


def _status_of(frames: BinaryIO) -> bytes:
    """Return the metadata that ends the first call. Without data, an error has nothing else."""
    while True:
        head = frames.read(9)
        payload = frames.read(int.from_bytes(head[:3], "big"))
        if head[3] == http2.HEADERS and head[4] & http2.END_STREAM:
            return payload
