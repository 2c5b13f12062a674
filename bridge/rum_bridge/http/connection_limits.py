"""The limits of one HTTP connection."""

from __future__ import annotations

__all__ = ["ConnectionLimits"]

from dataclasses import dataclass


@dataclass(frozen=True)
class ConnectionLimits:
    """How much a connection may send, and how long it may take, before a request is complete."""

    max_head_bytes: int = 64 << 10
    """The request line and the headers, in bytes. The trailers, too."""
    max_fields: int = 100
    """The headers, and the trailers, in number."""
    head_timeout_s: float = 30.0
    """How long the headers of a request may take to arrive."""
    max_pipelined: int = 100
    """How many requests may wait for the response to an earlier one. More close the connection."""
    max_pipelined_bytes: int = 64 << 10
    """Size of the bodies of these requests together."""
    max_chunks: int = 20_000
    """How many pieces a body may arrive in. 4 MiB are 3,000 TCP segments."""
    write_timeout_s: float = 60.0
    """How long a client may take to read what is waiting for it."""
    stopping_s: float = 1.0
    """How long the rest of a body may take to arrive when the server stops."""
    stopping_read_s: float = 3.0
    """How long a client may read nothing when the server stops."""
    linger_s: float = 5.0
    """How long the rest of a body is read after an early response. A server that closes at once can
    lose the response on its way."""
    linger_bytes: int = 8 << 20
    """How much of it is read."""
    keep_alive_s: float = 65.0
    """How long an idle connection stays open.

    Longer than the 60 s of common proxies, so that the proxy closes first. Otherwise a request can
    arrive at a closing connection, and Chromium sends such a POST again.
    """
