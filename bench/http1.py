"""An HTTP/1.1 client that sends requests as serialized and reads no more than the status."""

from __future__ import annotations

__all__ = ["HttpConnection", "http_connections"]

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any

import httptools

from rum_endpoint.descriptors import descriptor_limit

# The files of a process without connections.
_OTHER_FILES = 256
# An address has 28,000 ports for connections by default.
_CONNECTIONS_OF_ADDRESS = 10_000
_NO_LINGER = struct.pack("ii", 1, 0)


class HttpConnection(asyncio.Protocol):
    """A connection that is kept alive. It has at most one request at a time."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._done: Callable[[str], None] | None = None

    def send(self, request: bytes, done: Callable[[str], None]) -> None:
        """Send a request. `done` is called once: with "" if the status is 200, else the problem."""
        self._done = done
        self._transport.write(request)

    def close(self) -> None:
        """Close the connection."""
        self._done = None
        self._transport.abort()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish("the server closed the connection")

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        status = self._parser.get_status_code()
        self._finish("" if status == 200 else f"status {status}")

    def _finish(self, problem: str) -> None:
        done, self._done = self._done, None
        if done:
            done(problem)


async def http_connections(address: str, count: int) -> list[HttpConnection]:
    """Open connections to host:port.

    They come from several addresses of loopback if one has too few ports. There are fewer if the
    process may not open as many files.
    """
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    count = min(count, descriptor_limit(count + _OTHER_FILES) - _OTHER_FILES)
    connections = []
    for number in range(count):
        client = socket.socket()
        # The end is a reset, so that its port is free at once.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        if source := number // _CONNECTIONS_OF_ADDRESS:
            client.bind((f"127.0.0.{1 + source}", 0))
        client.setblocking(False)
        await loop.sock_connect(client, (host, int(port)))
        connections.append((await loop.create_connection(HttpConnection, sock=client))[1])
    return connections
