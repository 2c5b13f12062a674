"""Broken requests to a running server: over HTTP, and over gRPC."""

from __future__ import annotations

__all__ = ["Harness", "Usage", "grpc_calls", "http_requests", "usage"]

import http.client
import os
import random
import re
import socket
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import grpc

from tests.bridge.wire import connect
from tests.fuzz.mutation import flipped, mutated
from tests.fuzz.seeds import BODIES, MESSAGES
from tests.support.running import OpenRum

Harness = Callable[[OpenRum, range], Counter[str]]
"""Sends the inputs with these numbers, and returns how often each outcome occurred."""

_METHODS = [
    "/rum.internal.v1.BridgeService/BatchPutRumEvents",
    "/rum.v1.DataPlaneService/PutRumEvents",
    "/rum.v1.ControlPlaneService/CreateAppMonitor",
    "/rum.v1.ControlPlaneService/GetAppMonitorData",
]
_HEADERS = [
    b"Content-Type: application/json",
    b"Origin: https://shop.example",
    b"X-Forwarded-For: 198.51.100.7",
    b"Authorization: AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host, "
    b"Signature=0",
    b"X-Amz-Date: 20261124T000000Z",
    b"Content-Encoding: identity",
    b"Expect: 100-continue",
    b"Connection: keep-alive",
]
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Usage(NamedTuple):
    """What a process has used."""

    cpu_s: float
    memory_mib: float
    """Resident now."""


def usage(pid: int) -> Usage:
    """Return what a process has used so far."""
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    status = Path(f"/proc/{pid}/status").read_text()
    memory = re.search(r"VmRSS:\s+(\d+)", status)
    assert memory
    return Usage(sum(map(int, ticks)) / _TICKS_PER_S, int(memory[1]) / 1024)


def http_requests(server: OpenRum, inputs: range) -> Counter[str]:
    """Send requests with a broken body, header or head. Return how often each status came."""
    path = f"/appmonitors/{server.monitor_id()}".encode()
    counts: Counter[str] = Counter()
    connection: socket.socket | None = None
    for number in inputs:
        connection = connection or connect(server.url)
        if number % 4:
            status, is_open = _exchange(connection, _framed(path, number))
            assert status != "closed", f"no response to request {number}"
        else:
            status, is_open = _exchange(connection, _unframed(path, number), ends=True)
        counts[status] += 1
        if not is_open:
            connection.close()
            connection = None
    if connection:
        connection.close()
    return counts


def _framed(path: bytes, number: int) -> bytes:
    """Return a request whose length is right, with a broken body and sometimes a broken header."""
    chance = random.Random(-number)
    body = mutated(BODIES, number)
    headers = [_HEADERS[0]]
    if chance.random() < 0.5:
        broken = mutated([chance.choice(_HEADERS[1:6])], number)
        # An empty line would end the head.
        headers.append(re.sub(rb"[\r\n\0]", b"", broken) or b"X: ")
    head = [b"POST " + path + b" HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(body)]
    return b"\r\n".join([*head, *headers, b"", body])


def _unframed(path: bytes, number: int) -> bytes:
    """Return the bytes of a request, with anything broken."""
    chance = random.Random(-number)
    body = chance.choice(BODIES)[:1024]
    head = [b"POST " + path + b" HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(body)]
    headers = chance.sample(_HEADERS, 3)
    return mutated([b"\r\n".join([*head, *headers, b"", body])], number)


def _exchange(connection: socket.socket, data: bytes, *, ends: bool = False) -> tuple[str, bool]:
    """Send bytes, and return the status of the first response and whether the connection is open.

    Args:
        ends: nothing more is sent, so that the server does not wait for the rest.
    """
    try:
        connection.sendall(data)
        if ends:
            connection.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(connection, method="POST")
        response.begin()
        response.read()
    except (ConnectionError, http.client.BadStatusLine):
        return "closed", False
    return str(response.status), not ends and not response.will_close


def grpc_calls(server: OpenRum, inputs: range) -> Counter[str]:
    """Call methods with broken messages. Return how often each code came."""
    counts: Counter[str] = Counter()
    with grpc.insecure_channel(server.grpc) as channel:
        calls = [channel.unary_unary(method) for method in _METHODS]
        for number in inputs:
            message = (flipped if number % 2 else mutated)(MESSAGES, number)
            try:
                calls[number // 2 % len(calls)](message, timeout=30)
                counts["OK"] += 1
            except grpc.RpcError as error:
                counts[error.code().name] += 1  # type: ignore[attr-defined]
    return counts
