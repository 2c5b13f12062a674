"""The memory of responses that clients do not read is limited."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from rum.v1.control_plane_service_pb2 import GetAppMonitorDataRequest, TimeRange
from tests.service.authorized import OK, Authorized, authorized, bearer
from tests.service.served import LoopThread
from tests.support import http2
from tests.support.batches import message
from tests.support.running import wait_until

_GET_DATA = b"/rum.v1.ControlPlaneService/GetAppMonitorData"
_NO_WINDOW = (4).to_bytes(2, "big") + (0).to_bytes(4, "big")
"""SETTINGS_INITIAL_WINDOW_SIZE: the client takes no bytes of a response."""
_REQUEST = GetAppMonitorDataRequest(name="shop", time_range=TimeRange(after=-(2**53)))
_TIMEOUT_S = 10.0


@pytest.fixture
def service(loop: LoopThread, tmp_path: Path) -> Iterator[Authorized]:
    """A service whose response takes a fifth of the limit."""
    with authorized(loop, tmp_path, max_waiting_bytes=1 << 20) as service:
        put = message(service.monitor("shop"))
        put.rum_events[0].type = "com.amazon.rum.http_event"
        put.rum_events[0].details = '{"text": "' + "x" * 200_000 + '"}'
        service.call("PutRumEvents", put, bearer(service.operator))
        yield service


def test_a_connection_that_reads_nothing_holds_a_quarter_of_the_limit(service: Authorized) -> None:
    token = service.token("reader", "read")
    with _reading_nothing(service, token, calls=3) as frames:
        rejected = _metadata(frames, of_end=True)
        of_others = service.outcome("GetAppMonitorData", _REQUEST, bearer(token))

    assert b"Too many responses wait until their callers read them." in rejected
    assert of_others == OK


def test_an_address_that_reads_nothing_holds_half_of_the_limit(service: Authorized) -> None:
    token = service.token("reader", "read")
    with (
        _reading_nothing(service, token, calls=1) as first,
        _reading_nothing(service, token, calls=1) as second,
    ):
        for frames in (first, second):
            _metadata(frames, of_end=False)  # its response is being sent
        of_reader = service.outcome("GetAppMonitorData", _REQUEST, bearer(token))
        of_operator = service.outcome("GetAppMonitorData", _REQUEST, bearer(service.operator))
    wait_until(lambda: service.outcome("GetAppMonitorData", _REQUEST, bearer(token)) == OK)

    assert of_reader == "ThrottlingException"
    assert of_operator == OK


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


def _metadata(frames: BinaryIO, *, of_end: bool) -> bytes:
    """Return the metadata that begins the next response, or that ends the next call.

    A call that ends without a response has only the metadata of its end.
    """
    while True:
        head = frames.read(9)
        payload = frames.read(int.from_bytes(head[:3], "big"))
        if head[3] == http2.HEADERS and bool(head[4] & http2.END_STREAM) == of_end:
            return payload
