"""An HTTP/1.1 client that sends requests as serialized and reads no more than the status."""

from __future__ import annotations

__all__ = ["HttpConnection", "http_connections"]

import asyncio
from collections.abc import Callable
from typing import Any

import httptools


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
        self._transport.close()

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
    """Open connections to host:port."""
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    return [
        (await loop.create_connection(HttpConnection, host, int(port)))[1] for _ in range(count)
    ]
