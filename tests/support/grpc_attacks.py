"""Hostile gRPC connections, as HTTP/2 frames and TLS handshakes."""

from __future__ import annotations

__all__ = ["GRPC_ATTACKS"]

import gzip
import socket
import ssl
from collections.abc import Callable

from rum.internal.v1.bridge_service_pb2 import CheckCallerRequest
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum.v1.metrics_pb2 import BatchCreateRumMetricDefinitionsRequest, MetricDefinitionRequest
from tests.support import http2
from tests.support.attacks import Attack
from tests.support.batches import new_id
from tests.support.http2_calls import send_calls

_MIB = 1 << 20
_NO_ERROR = b"\0\0\0\0"
_SHORT_FIELDS = [http2.field(b"x-%05d" % number, b"b" * 10) for number in range(50_000)]
_CALL = http2.call_head()


def _frames(*frames: bytes) -> Callable[[str], bytes]:
    return lambda _: http2.OPENING + b"".join(frames)


def _calls(frames: bytes) -> Callable[[str], bytes]:
    """Return what follows when the settings are acknowledged."""
    return lambda _: frames


def _heads(count: int, block: bytes, more: Callable[[int], bytes] = lambda _: b"") -> bytes:
    """Return the heads of so many calls, each with what follows it."""
    streams = range(1, 2 * count, 2)
    return b"".join(http2.continued_head(stream, block) + more(stream) for stream in streams)


def _reset(stream: int) -> bytes:
    return http2.frame(http2.RST_STREAM, 0, stream, _NO_ERROR)


def _compressed_call() -> bytes:
    """Return a message that fits into the first flow-control window, and inflates to 60 MB."""
    head = http2.call_head(http2.field(b"grpc-encoding", b"gzip"))
    content = gzip.compress(bytes(60 * _MIB))
    return http2.continued_head(1, head) + http2.message(1, content[:65_000], compressed=True)


def _client_hello(_: str) -> bytes:
    """Return the first message of a TLS handshake, after which the server signs."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2"])
    written = ssl.MemoryBIO()
    handshake = context.wrap_bio(ssl.MemoryBIO(), written, server_hostname="localhost")
    try:
        handshake.do_handshake()
    except ssl.SSLWantReadError:
        return written.read()
    raise AssertionError("the handshake needs no server")


def _puts(connection: socket.socket, _: str) -> int:
    """Put batches of 3.7 MB of an app monitor that does not exist."""
    event = RumEvent(id="x", timestamp=1.0, details="y" * 350)
    request = PutRumEventsRequest(id=new_id(), batch_id=new_id(), rum_events=[event] * 9999)
    return send_calls(connection, request.SerializeToString(), calls=32)


def _unfinished_puts(connection: socket.socket, _: str) -> int:
    return send_calls(connection, bytes(4_000_000), calls=32, ends=False, for_s=2.0)


def _unfinished_checks(connection: socket.socket, _: str) -> int:
    path = b"/grpc.health.v1.Health/Check"
    return send_calls(connection, bytes(4_000_000), calls=32, path=path, ends=False, for_s=2.0)


def _definitions(connection: socket.socket, _: str) -> int:
    request = BatchCreateRumMetricDefinitionsRequest(metric_definitions=[MetricDefinitionRequest()])
    content = request.SerializeToString() * 130_000
    path = b"/rum.v1.ControlPlaneService/BatchCreateRumMetricDefinitions"
    return send_calls(connection, content, calls=32, path=path)


def _question(connection: socket.socket, _: str) -> int:
    request = BatchCreateRumMetricDefinitionsRequest(metric_definitions=[MetricDefinitionRequest()])
    content = CheckCallerRequest(
        method="BatchCreateRumMetricDefinitions", request=request.SerializeToString() * 2_000_000
    )
    path = b"/rum.internal.v1.BridgeService/CheckCaller"
    return send_calls(connection, content.SerializeToString(), calls=1, path=path)


# gRPC limits metadata only once the client has acknowledged the settings of HTTP/2. Until then it
# hands over everything: Python makes an object of each field before the call is rejected.
# To receive 120 MB of complete messages takes more CPU than a connection may cost.
GRPC_ATTACKS = [
    Attack(
        "gRPC: a compressed message of 60 MB",
        _frames(_compressed_call()),
        face="grpc",
        first_version="1.6 GB for 32 kB, 8.5 GB for 650 kB",
        waits=False,
    ),
    Attack(
        "gRPC: 100 calls with 400 metadata fields each",
        _frames(_heads(100, http2.call_head(*_SHORT_FIELDS[:400]))),
        face="grpc",
        waits=False,
        max_cpu_ms=200,
    ),
    Attack(
        "gRPC: 16 calls with 1 MB of short metadata fields each",
        _frames(_heads(16, http2.call_head(*_SHORT_FIELDS))),
        face="grpc",
        waits=False,
        max_cpu_ms=1500,
        max_mib=250,
        max_wait_ms=1000,
    ),
    Attack(
        "gRPC: 16 MB of CONTINUATION frames without an end",
        _frames(
            http2.continued_head(1, http2.call_head(*_SHORT_FIELDS), ends=False),
            http2.frame(http2.CONTINUATION, 0, 1, b"".join(_SHORT_FIELDS[:800])) * 1000,
        ),
        face="grpc",
        waits=False,
        max_cpu_ms=1500,
        max_mib=250,
        max_wait_ms=1000,
    ),
    Attack(
        "gRPC: 20,000 calls at once on a connection",
        _calls(_heads(20_000, _CALL)),
        face="grpc",
        waits=False,
        acknowledges=True,
    ),
    Attack(
        "gRPC: 20,000 calls that are reset at once",
        _calls(_heads(20_000, _CALL, _reset)),
        face="grpc",
        waits=False,
        acknowledges=True,
        max_cpu_ms=2000,
        max_mib=80,
    ),
    Attack(
        "gRPC: 100,000 PING and SETTINGS frames",
        _frames(
            (http2.frame(http2.PING, 0, 0, b"12345678") + http2.frame(http2.SETTINGS, 0, 0, b""))
            * 50_000
        ),
        face="grpc",
        waits=False,
    ),
    Attack(
        "gRPC: 32 unfinished puts of 4 MB on each of 4 connections",
        calls=_unfinished_puts,
        connections=4,
        face="grpc",
        max_cpu_ms=150,
    ),
    Attack(
        "gRPC: 32 unfinished health checks of 4 MB on each of 4 connections",
        calls=_unfinished_checks,
        connections=4,
        face="grpc",
        max_cpu_ms=150,
    ),
    Attack(
        "gRPC: 32 puts of 3.7 MB of an unknown app monitor",
        calls=_puts,
        face="grpc",
        max_cpu_ms=1000,
        max_mib=70,
        max_wait_ms=600,
    ),
    Attack(
        "gRPC: 32 control plane messages of 130,000 empty messages",
        calls=_definitions,
        face="grpc",
        max_cpu_ms=600,
        max_wait_ms=600,
    ),
    Attack(
        "gRPC: a question of a bridge with 2 million empty messages",
        calls=_question,
        face="grpc",
    ),
    Attack(
        "gRPC: 900 connections that send half an opening",
        lambda _: http2.OPENING[:10],
        connections=900,
        waits=False,
        face="grpc",
    ),
    Attack(
        "gRPC with TLS: 300 handshakes",
        _client_hello,
        connections=300,
        waits=True,
        face="grpc-tls",
    ),
]
