"""HTTP/1.1 requests as uvicorn reads them, with limits that uvicorn does not have.

headers     limited in number, in bytes and in time
body        discarded after an early response, limited in time and in bytes. Its chunks are limited
            in number: 4 MiB in chunks of one byte would take seconds of CPU.
trailers    ignored, as RFC 9110 6.5.1 allows, and limited in bytes. uvicorn adds them to the
            headers, so that they could evade a proxy that checks only the headers.
pipelining  limited, and nothing is read while requests wait. uvicorn reads ahead without a limit:
            eight connections took 0.8 GB and kept other clients waiting for more than ten seconds
            (2026-11).
upgrades    ignored, as RFC 9110 7.8 allows. uvicorn drops the body of these requests; Java's
            HttpClient offers h2c with every first request, so its batch would be lost.
targets     http://x is the same as http://x/, as RFC 9110 4.2.3 says
Expect      ignored in HTTP/1.0, as RFC 9110 10.1.1 requires: its clients would take 100 Continue
            for the response
not HTTP    rejected with JSON, as every other request

Decision 0010 compares this with another server.
"""

from __future__ import annotations

__all__ = ["BoundedHttp"]

import asyncio
from typing import Any

import httptools

from rum_bridge.errors import HttpError
from rum_bridge.http.connection import BoundedConnection
from rum_bridge.http.connection_limits import ConnectionLimits
from rum_bridge.http.heads import head_without_upgrade, new_parser, with_path
from rum_bridge.rendered_error import CLOSE, RenderedError
from rum_bridge.request_id import new_request_id

_NOT_HTTP = HttpError(400, "BadRequestException", "The request is not HTTP/1.1.")
_TINY_CHUNKS = HttpError(400, "BadRequestException", "The body arrives in too many chunks.")
# Never sent, because the connection has earlier requests.
_FLOOD = HttpError(429, "ThrottlingException", "Too many requests wait on this connection.")
_STOPPING = HttpError(503, "ServiceUnavailable", "The server stops.", retry_after_s=1)
# Never sent, because the request has its response.
_TOO_MUCH_REST = HttpError(413, "RequestEntityTooLargeException", "The rest is too long.")
# The parser gets no more at once, so that a flood of headers is noticed within 6 ms (2026-11).
_PIECE_BYTES = 64 << 10


class BoundedHttp(BoundedConnection):
    """The requests on one connection."""

    _between_requests = True
    _in_head = True
    _advanced = False
    """Whether the last piece of data completed a head or a message, or had a part of a body."""
    _head_bytes = 0
    """Size of the incomplete head or trailers, without pieces that advanced."""
    _piece_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None
    _chunks = 0
    """How many pieces of the body have arrived."""
    _discarded = 0
    """How many bytes of the body arrived after the response."""
    _pipelined_bytes = 0

    def __init__(self, *args: Any, limits: ConnectionLimits, **kwargs: Any) -> None:
        super().__init__(*args, limits=limits, **kwargs)
        self._max_head_bytes = limits.max_head_bytes
        self._max_fields = limits.max_fields
        self._head_timeout_s = limits.head_timeout_s
        self._max_chunks = limits.max_chunks

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        if len(data) <= _PIECE_BYTES:
            data = self._parse(data)
        while data and not self.transport.is_closing():
            data = self._parse(data[:_PIECE_BYTES]) + data[_PIECE_BYTES:]

    def _parse(self, piece: bytes) -> bytes:
        """Parse a piece of data, and return what must be parsed after it."""
        self._advanced = False
        self._piece_bytes = len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            if self.parser.get_method() != b"CONNECT":
                head = head_without_upgrade(self.parser.get_method(), self.url, self.headers)
                # The old one ignores what follows `Connection: close`.
                self.parser = new_parser(self)
                return head + piece[upgrade.args[0] :]
            self._reject(_NOT_HTTP)
        except httptools.HttpParserError as error:
            own = error.__context__  # what a method below raised
            self._reject(own if isinstance(own, HttpError) else _NOT_HTTP)
        else:
            if not self._advanced:
                self._limit_head()
        return b""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._between_requests = False
        self.scope["extensions"] = self._extensions  # type: ignore[typeddict-item] # our own

    def on_headers_complete(self) -> None:
        many = len(self.headers) > self._max_fields
        # Pieces are seldom longer than a head may be, so its exact size is seldom needed.
        if many or self._head_bytes + self._piece_bytes > self._max_head_bytes:
            self._check_head()
        self._in_head = False
        self._advance()
        super()._unset_keepalive_if_required()
        if not self.parser.should_upgrade() and not self.transport.is_closing():
            if not self.url.startswith(b"/"):
                self.url = with_path(self.url)
            if self.parser.get_http_version() == "1.0":
                self.expect_100_continue = False
            super().on_headers_complete()
            self.headers = []  # for trailers: the request has the other list
            self._chunks = self._discarded = 0
            if not self.pipeline:
                self._pipelined_bytes = 0
            elif len(self.pipeline) > self._limits.max_pipelined:
                raise _FLOOD

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._is_answered() and self.scope is self.cycle.scope:
            # An idle connection needs no headers. They took 3 of 12 kB, and a fifth of the CPU for
            # a connection with one request, mostly in garbage collections (2026-11).
            self.scope = self.cycle.scope = {}  # type: ignore[typeddict-item] # not read again
        timer = self.timeout_keep_alive_task
        if not self._in_head and timer is not None:
            timer.cancel()
            self.timeout_keep_alive_task = self.loop.call_later(
                self._limits.linger_s, self.timeout_keep_alive_handler
            )

    def on_body(self, body: bytes) -> None:
        self._advance()
        if self._is_answered():
            self._discarded += len(body)
            if self._discarded > self._limits.linger_bytes:
                raise _TOO_MUCH_REST
        super().on_body(body)
        self._chunks += 1
        if self._chunks > self._max_chunks:
            raise _TINY_CHUNKS
        if self.pipeline:
            self._pipelined_bytes += len(body)
            if self._pipelined_bytes > self._limits.max_pipelined_bytes:
                raise _FLOOD

    def on_message_complete(self) -> None:
        self._between_requests = True
        self._in_head = True
        self._advance()
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def shutdown(self) -> None:
        super().shutdown()
        if self._awaits_body():
            self.loop.call_later(self._limits.stopping_s, self._reject_slow_body, self.cycle)

    def _advance(self) -> None:
        self._advanced = True
        self._head_bytes = 0
        if self._head_timer is not None:
            self._stop_head_timer()

    def _unset_keepalive_if_required(self) -> None:
        # After an early response, the rest of the body does not keep the connection open.
        if self._in_head or not self._is_answered():
            super()._unset_keepalive_if_required()

    def _has_request(self) -> bool:
        return self.cycle is not None  # None before the first request

    def _is_answered(self) -> bool:
        """Return whether the last request that arrived has its response."""
        return self._has_request() and self.cycle.response_complete

    def _limit_head(self) -> None:
        self._head_bytes += self._piece_bytes
        if self._head_bytes > self._max_head_bytes or len(self.headers or ()) > self._max_fields:
            self._reject(self._too_large())
        elif self._in_head and self._head_timer is None:
            self._head_timer = self.loop.call_later(self._head_timeout_s, self._reject_slow_head)

    def _check_head(self) -> None:
        """Raise HttpError if a complete head is too large."""
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if len(self.headers) > self._max_fields or size > self._max_head_bytes:
            raise self._too_large()

    def _too_large(self) -> HttpError:
        return HttpError(
            431,
            "RequestHeaderFieldsTooLargeException",
            "Request line and headers together, and trailers, must have at most"
            f" {self._max_head_bytes} bytes and {self._max_fields} fields.",
        )

    def _reject_slow_head(self) -> None:
        message = f"The headers did not arrive within {self._head_timeout_s:g} seconds."
        self._reject(HttpError(408, "RequestTimeoutException", message))

    def _awaits_body(self) -> bool:
        return self._has_request() and not self._in_head and not self._is_answered()

    def _reject_slow_body(self, cycle: object) -> None:
        if cycle is not self.cycle or not self._awaits_body():
            return
        if self.pipeline:  # an earlier request is in progress, and gets its response first
            self.loop.call_later(self._limits.stopping_s, self._reject_slow_body, cycle)
        else:
            self._reject(_STOPPING)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _reject(self, error: HttpError) -> None:
        """Answer data that is not a complete request, and close the connection."""
        self._stop_head_timer()
        if self.transport.is_closing():
            return
        if (
            self._in_head
            and self._has_request()
            and not self._is_answered()
            and error is not _FLOOD
        ):
            # An error would be the response to an earlier request. Those get theirs.
            self.cycle.keep_alive = False
            self.flow.pause_reading()
            return
        if self.pipeline:
            self.transport.abort()
            return
        if not self._in_head and self._is_answered():
            self.transport.close()  # the request already has its response
            return
        self.transport.write(RenderedError(error).render(new_request_id(), last=CLOSE))
        self.transport.close()
