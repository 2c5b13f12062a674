"""HTTP/1.1 as uvicorn reads it, with limits that uvicorn does not have.

headers     limited in bytes and in time
body        discarded after an early response, for a limited time
trailers    ignored, as RFC 9110 6.5.1 allows, and limited in bytes. uvicorn adds them to the
            headers, so that they could evade a proxy that checks only the headers.
pipelining  limited. uvicorn reads ahead without a limit: eight connections took 0.8 GB and kept
            other clients waiting for more than ten seconds (2026-11).
upgrades    ignored, as RFC 9110 7.8 allows. uvicorn drops the body of these requests; Java's
            HttpClient offers h2c with every first request, so its batch would be lost.
not HTTP    rejected with JSON, as every other request

Decision 0010 compares this with another server.
"""

from __future__ import annotations

__all__ = ["BoundedHttp", "ConnectionLimits"]

import asyncio
from dataclasses import dataclass
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from rum_bridge.errors import HttpError, error_response
from rum_bridge.request_id import new_request_id

_UPGRADE_HEADERS = (b"connection", b"upgrade", b"http2-settings")
_NOT_HTTP = HttpError(400, "BadRequestException", "The request is not HTTP/1.1.")


@dataclass(frozen=True)
class ConnectionLimits:
    """How much a connection may send, and how long it may take, before a request is complete."""

    max_head_bytes: int = 64 << 10
    """The request line and the headers, in bytes. The trailers, too."""
    head_timeout_s: float = 30.0
    """How long the headers of a request may take to arrive."""
    max_pipelined: int = 100
    """How many requests may wait for the response to an earlier one. More close the connection."""
    keep_alive_s: float = 65.0
    """How long an idle connection stays open.

    Longer than the 60 s of common proxies, so that the proxy closes first. Otherwise a request can
    arrive at a closing connection, and Chromium sends such a POST again.
    """


class BoundedHttp(HttpToolsProtocol):
    """One connection."""

    _in_head = True
    _advanced = False
    """Whether the last piece of data completed a head or a message, or had a part of a body."""
    _head_bytes = 0
    """Size of the incomplete head or trailers, without pieces that advanced."""
    _head_timer: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, limits: ConnectionLimits, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.timeout_keep_alive = limits.keep_alive_s  # type: ignore[assignment] # for call_later
        self._max_head_bytes = limits.max_head_bytes
        self._head_timeout_s = limits.head_timeout_s
        self._max_pipelined = limits.max_pipelined

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._advanced = False
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._reject(_NOT_HTTP)
        else:
            if not self._advanced:
                self._limit_head(len(data))

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._advance()
        super()._unset_keepalive_if_required()
        if not self.parser.should_upgrade() and not self.transport.is_closing():
            super().on_headers_complete()
            self.headers = []  # for trailers: the request has the other list
            if len(self.pipeline) > self._max_pipelined:
                self.transport.abort()  # an error would be the response to an earlier request

    def on_body(self, body: bytes) -> None:
        self._advance()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_head = True
        self._advance()
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _advance(self) -> None:
        self._advanced = True
        self._head_bytes = 0
        self._stop_head_timer()

    def _unset_keepalive_if_required(self) -> None:
        # After an early response, the rest of the body does not keep the connection open.
        if self._in_head or not self.cycle.response_complete:
            super()._unset_keepalive_if_required()

    def _ignore_upgrade(self, rest: bytes) -> None:
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._reject(_NOT_HTTP)
            return
        lines = [method + b" " + self.url + b" HTTP/1.1"]
        lines += [name + b": " + v for name, v in self.headers if name not in _UPGRADE_HEADERS]
        self.data_received(b"\r\n".join(lines) + b"\r\n\r\n" + rest)

    def _limit_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > self._max_head_bytes:
            self._reject(
                HttpError(
                    431,
                    "RequestHeaderFieldsTooLargeException",
                    "Request line and headers together, and trailers, must have at most"
                    f" {self._max_head_bytes} bytes.",
                )
            )
        elif self._in_head and self._head_timer is None:
            self._head_timer = self.loop.call_later(self._head_timeout_s, self._reject_slow_head)

    def _reject_slow_head(self) -> None:
        message = f"The headers did not arrive within {self._head_timeout_s:g} seconds."
        self._reject(HttpError(408, "RequestTimeoutException", message))

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _reject(self, error: HttpError) -> None:
        """Answer data that is not a complete request, and close the connection."""
        self._stop_head_timer()
        if self.transport.is_closing():
            return
        response = error_response(error, new_request_id())
        headers = [*response.raw_headers, (b"connection", b"close")]
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self.transport.write(STATUS_LINE[error.status] + lines + b"\r\n" + bytes(response.body))
        self.transport.close()
