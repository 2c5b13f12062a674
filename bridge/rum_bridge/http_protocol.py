"""HTTP/1.1 as uvicorn reads it, and what uvicorn leaves open, closed.

The head of a request  is bounded, in bytes and in time: uvicorn keeps whatever comes.
The rest of a body     that was answered already is thrown away, but not for ever.
An upgrade             is ignored, as RFC 9110 7.8 allows. uvicorn drops the body of such a request;
                       Java's HttpClient offers h2c with every first one, and its batch was lost.
What is no HTTP        is refused as every other request is, in JSON.
"""

from __future__ import annotations

__all__ = ["BoundedHttp"]

import asyncio
import uuid

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from rum_bridge.errors import HttpError, error_response

_MAX_HEAD_BYTES = 64 << 10
_HEAD_TIMEOUT_S = 30.0
_OF_AN_UPGRADE = (b"connection", b"upgrade", b"http2-settings")
_NO_HTTP = HttpError(400, "BadRequestException", "The request is not HTTP/1.1.")
_TOO_LONG = HttpError(
    431,
    "RequestHeaderFieldsTooLargeException",
    f"Request line and headers must have at most {_MAX_HEAD_BYTES} bytes.",
)
_TOO_SLOW = HttpError(
    408, "RequestTimeoutException", f"The headers did not arrive in {_HEAD_TIMEOUT_S:g} seconds."
)


class BoundedHttp(HttpToolsProtocol):
    """One connection."""

    _in_head = True
    _heads = 0
    """How many heads came to their end; tells whether one did in a piece of data."""
    _head_bytes = 0
    """How long the head is that is being read, but for what came together with something else."""
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        began_in_head, heads = self._in_head, self._heads
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(_NO_HTTP)
        else:
            if began_in_head and self._in_head and heads == self._heads:
                self._bound_head(len(data))

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._heads += 1
        self._head_bytes = 0
        self._stop_head_timer()
        super()._unset_keepalive_if_required()
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head = True
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _unset_keepalive_if_required(self) -> None:
        # The rest of a body that was answered before its end keeps no connection open.
        if self._in_head or not self.cycle.response_complete:
            super()._unset_keepalive_if_required()

    def _ignore_upgrade(self, rest: bytes) -> None:
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(_NO_HTTP)
            return
        lines = [method + b" " + self.url + b" HTTP/1.1"]
        lines += [name + b": " + v for name, v in self.headers if name not in _OF_AN_UPGRADE]
        self.data_received(b"\r\n".join(lines) + b"\r\n\r\n" + rest)

    def _bound_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > _MAX_HEAD_BYTES:
            self._refuse(_TOO_LONG)
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(_HEAD_TIMEOUT_S, self._refuse, _TOO_SLOW)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, error: HttpError) -> None:
        """Answers what has not become a request, and ends the connection."""
        self._stop_head_timer()
        if self.transport.is_closing():
            return
        response = error_response(error, str(uuid.uuid4()))
        headers = [*response.raw_headers, (b"connection", b"close")]
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self.transport.write(STATUS_LINE[error.status] + lines + b"\r\n" + bytes(response.body))
        self.transport.close()
