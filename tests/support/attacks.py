"""Hostile requests for one bridge, as bytes that are sent on raw connections."""

from __future__ import annotations

__all__ = ["ATTACKS", "Attack", "Attacker"]

import gzip
import socket
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from tests.support.batches import new_id

_KIB = 1 << 10
_MIB = 1 << 20


@dataclass(frozen=True)
class Attack:
    """Bytes that some connections send at the same time."""

    name: str
    data: Callable[[str], bytes] = lambda _: b""
    """Returns what each connection sends, for the ID of an app monitor that exists."""
    calls: Callable[[socket.socket, str], int] | None = None
    """Instead of sending bytes, what to do with each connection and the ID of the app monitor.
    Returns how many bytes the server accepted."""
    connections: int = 1
    waits: bool = True
    """Whether the client waits until each connection has a response or is closed."""
    face: str = "http"
    """Where it connects to: `http`, `grpc`, or `grpc-tls`."""
    acknowledges: bool = False
    """Whether the client first acknowledges the settings of HTTP/2. gRPC allows only few calls
    before."""
    first_version: str = ""
    """What the attack cost the first version of OpenRUM, if it was measured then."""
    max_cpu_ms: float = 50
    """What a connection may cost."""
    max_mib: float = 20
    max_wait_ms: float = 300
    """How long another client may wait beside the attack."""


class Attacker:
    """A process that is ready for one attack, so that its own work delays nobody here."""

    def __init__(self, attack: Attack, url: str, monitor_id: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.attacker", attack.name, url, monitor_id],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        self._process.stdout.readline()

    def run(self) -> int:
        """Run the attack, and return how many bytes the server accepted."""
        output, _ = self._process.communicate("\n", timeout=300)
        return int(output)


def _request(path: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Content-Type: application/json", *headers]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def _list_of(item: str, size: int, member: str) -> bytes:
    """Return an object of about this size, whose member is a list of equal items."""
    return f'{{"{member}":[{",".join([item] * (size // (len(item) + 1)))}]}}'.encode()


def _control(body: bytes, *headers: str) -> Callable[[str], bytes]:
    return lambda _: _request("/rummetrics/my-app/metrics", body, *headers)


def _put(body: bytes, *headers: str) -> Callable[[str], bytes]:
    return lambda monitor_id: _request(f"/appmonitors/{monitor_id}", body, *headers)


def _gzip_bomb() -> bytes:
    """Return a megabyte that decompresses to a gigabyte, in one gzip member."""
    compressor = zlib.compressobj(wbits=31)
    # A full flush makes the next block independent of this one, so that it can be repeated.
    first, second = (
        compressor.compress(b" " * (10 * _MIB)) + compressor.flush(zlib.Z_FULL_FLUSH)
        for _ in range(2)
    )
    return first + second * 99


def _head(*lines: str) -> Callable[[str], bytes]:
    return lambda id_: "\r\n".join([f"POST /appmonitors/{id_} HTTP/1.1", *lines]).encode()


def _signed_headers() -> Callable[[str], bytes]:
    names = [f"h{number:05}" for number in range(4000)]
    return _head(
        "Host: x",
        *(f"{name}:" for name in names),
        "X-Amz-Date: 20261101T000000Z",
        "Authorization: AWS4-HMAC-SHA256 Credential=A/20261101/us-east-1/rum/aws4_request,"
        f" SignedHeaders={';'.join(names)}, Signature={'0' * 64}",
        'Content-Length: 16\r\n\r\n{"RumEvents":[]}',
    )


def _unfinished(size: int) -> Callable[[str], bytes]:
    """Return a put whose last byte is missing, for an app monitor that does not exist."""
    return lambda _: _unfinished_put(size)(new_id())


def _unfinished_put(size: int) -> Callable[[str], bytes]:
    """Return the same for an app monitor that exists."""
    return lambda id_: _head("Host: x", f"Content-Length: {size}\r\n\r\n")(id_) + b" " * (size - 1)


def _invalid_number() -> bytes:
    dots = b" at a" + b"." * 40_000
    return b'{"AppMonitorConfiguration":{"SessionSampleRate":"' + dots + b'!"}}'


_GZIP = "Content-Encoding: gzip"
_CHUNKED = _head("Host: x", "Transfer-Encoding: chunked\r\n\r\n")
_GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
_UPGRADE = b"GET /healthz HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
_OBJECTS = _list_of("{}", 15 * _MIB, "MetricDefinitions")
_LISTS = _list_of("[]", 2_010_000, "X")

ATTACKS = [
    Attack(
        "control plane: 5 million empty objects, gzip",
        _control(gzip.compress(_OBJECTS), _GZIP),
        first_version="26 s of CPU, 1.8 GB",
    ),
    Attack(
        "control plane: 87,000 empty objects",
        _control(_list_of("{}", 255 * _KIB, "MetricDefinitions")),
    ),
    Attack(
        "control plane: 87,000 lists in an unknown member",
        _control(_list_of("[]", 255 * _KIB, "X")),
    ),
    Attack(
        "control plane: a long invalid number",
        lambda _: _request("/appmonitor", _invalid_number()),
    ),
    Attack("put: gzip of a gigabyte", _put(_gzip_bomb(), _GZIP)),
    Attack("put: 670,000 lists in an unknown member", _put(_LISTS), first_version="1.4 s of CPU"),
    Attack(
        "put: the same lists and a lone surrogate",
        _put(_LISTS[:-1] + rb',"Y":"\ud800"}'),
        first_version="3.6 s of CPU",
    ),
    Attack("put: 60,000 header fields", _head("Host: x", *["X:"] * 60_000)),
    Attack("put: 4,000 signed headers", _signed_headers(), first_version="0.78 s of CPU"),
    Attack("put: 4 MB in chunks of one byte", lambda i: _CHUNKED(i) + b"1\r\n \r\n" * (4 * _MIB)),
    Attack(
        "put: 20 MB of trailers",
        lambda i: _CHUNKED(i) + b"2\r\n{}\r\n0\r\n" + b"X: y\r\n" * (3 * _MIB),
        first_version="trailers became headers of the request",
    ),
    Attack("4,000 pipelined upgrades", lambda _: _UPGRADE * 4000),
    Attack(
        "30 connections pipeline 16 MB each and read nothing",
        lambda _: _GET * 600_000,
        connections=30,
        first_version="5.2 GB",
    ),
    Attack(
        "150 unfinished bodies of 4 MB, unknown app monitor",
        _unfinished(4_000_000),
        connections=150,
        first_version="700 MB",
        waits=False,
    ),
    Attack(
        "150 unfinished bodies of 4 MB, known app monitor",
        _unfinished_put(4_000_000),
        connections=150,
        first_version="700 MB",
        waits=False,
    ),
    Attack(
        "500 unfinished heads of 60 kB",
        _head("Host: x", "X: " + "a" * 60_000),
        connections=500,
        waits=False,
    ),
    Attack("900 idle connections", lambda _: b"", connections=900, waits=False),
]
