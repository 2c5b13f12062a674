"""Floods from one client over raw sockets, each of a few megabytes at most.

A flood stops when the server closes its connections. It returns the number of bytes sent.
"""

from __future__ import annotations

__all__ = ["FLOODS", "Flood"]

import contextlib
import socket
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from tests.support.running import OpenRum

Flood = Callable[[OpenRum], int]

_TIMEOUT_S = 20.0
_HEAD = b"POST /appmonitors/7f6bd4b0-5c3e-4a53-9c7e-3a1d2b0c9e11 HTTP/1.1\r\nHost: x\r\n"
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEADERS, _RST_STREAM, _SETTINGS, _PING, _CONTINUATION = 1, 3, 4, 6, 9
_END_STREAM, _END_HEADERS = 1, 4
_CALL_PATH = b"/rum.v1.DataPlaneService/PutRumEvents"
# Indexed: POST, http. Then literal fields that are not added to the table.
_CALL = b"\x83\x86" + b"".join(
    b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value
    for name, value in (
        (b":path", _CALL_PATH),
        (b":authority", b"x"),
        (b"te", b"trailers"),
        (b"content-type", b"application/grpc"),
    )
)

# Two literal fields with values of 8,000 bytes: 127 in a prefix of 7 bits, then 7,873 in groups.
_FIELDS = (b"\x00\x03x-a\x7f" + bytes([7873 & 127 | 128, 7873 >> 7]) + b"b" * 8000) * 2


def _send(address: str, chunks: Iterable[bytes], connections: int = 1) -> int:
    """Send the chunks on each connection until it is closed. Nothing is read."""
    host, _, port = address.rpartition(":")
    sent = 0
    with contextlib.ExitStack() as stack:
        opened = [
            stack.enter_context(socket.create_connection((host, int(port)), _TIMEOUT_S))
            for _ in range(connections)
        ]
        for connection in opened:
            connection.settimeout(1.0)
        pieces = list(chunks)
        for connection in opened:
            with contextlib.suppress(OSError):  # closed, or the server has stopped reading
                for piece in pieces:
                    connection.sendall(piece)
                    sent += len(piece)
    return sent


def _http(server: OpenRum, chunks: Iterable[bytes], connections: int = 1) -> int:
    return _send(urlsplit(server.url).netloc, chunks, connections)


def _grpc(server: OpenRum, frames: Iterable[bytes]) -> int:
    return _send(server.grpc, [_PREFACE + _frame(_SETTINGS, 0, 0, b""), *frames])


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    head = len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big")
    return head + payload


def half_requests(server: OpenRum) -> int:
    """Send 200 heads without an end."""
    return _http(server, [_HEAD + b"X-A: "], connections=200)


def half_bodies(server: OpenRum) -> int:
    """Send 100 bodies of 60 kB, of which 1 kB is missing."""
    head = _HEAD + b"Content-Length: 61000\r\n\r\n"
    return _http(server, [head, b"x" * 60_000], connections=100)


def headers(server: OpenRum) -> int:
    """Send 100,000 header fields in one request."""
    return _http(server, [_HEAD, *[b"X-A: b\r\n" * 1000] * 100])


def trailers(server: OpenRum) -> int:
    """Send 100,000 trailer fields after a body."""
    head = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    return _http(server, [head, *[b"X-A: b\r\n" * 1000] * 100])


def chunk_extensions(server: OpenRum) -> int:
    """Send chunks of one byte with an extension of 1 kB each."""
    head = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    return _http(server, [head, *[b"1;" + b"a" * 1024 + b"\r\n{\r\n"] * 4000])


def pipelining(server: OpenRum) -> int:
    """Send 20,000 requests without reading a response."""
    return _http(server, [(_HEAD + b"Content-Length: 2\r\n\r\n{}") * 100] * 200)


def upgrades(server: OpenRum) -> int:
    """Send 20,000 requests for another protocol in one connection."""
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    return _http(server, [request * 100] * 200)


def resets(server: OpenRum) -> int:
    """Begin and reset 20,000 calls."""
    return _grpc(
        server,
        (
            _frame(_HEADERS, _END_HEADERS, stream, _CALL)
            + _frame(_RST_STREAM, 0, stream, b"\0\0\0\x08")
            for stream in range(1, 40_001, 2)
        ),
    )


def continuations(server: OpenRum) -> int:
    """Send header fields in 2,000 frames that never end."""
    first = _frame(_HEADERS, _END_STREAM, 1, _CALL)
    return _grpc(server, [first, *[_frame(_CONTINUATION, 0, 1, _FIELDS)] * 2000])


def metadata(server: OpenRum) -> int:
    """Send 20 calls with 1 MB of metadata each."""
    return _grpc(server, (_call_with_metadata(stream) for stream in range(1, 40, 2)))


def _call_with_metadata(stream: int) -> bytes:
    more = _frame(_CONTINUATION, 0, stream, _FIELDS) * 62
    end = _frame(_CONTINUATION, _END_HEADERS, stream, b"")
    return _frame(_HEADERS, _END_STREAM, stream, _CALL) + more + end


def pings(server: OpenRum) -> int:
    """Send 100,000 PING and SETTINGS frames."""
    pair = _frame(_PING, 0, 0, b"12345678") + _frame(_SETTINGS, 0, 0, b"")
    return _grpc(server, [pair * 500] * 100)


FLOODS: list[Flood] = [
    half_requests,
    half_bodies,
    headers,
    trailers,
    chunk_extensions,
    pipelining,
    upgrades,
    resets,
    continuations,
    metadata,
    pings,
]
