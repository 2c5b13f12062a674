"""Counts what the client of a connection with TLS has not read."""

from __future__ import annotations

__all__ = ["countable"]

import asyncio
from typing import Any, cast

# A record of TLS.
_PIECE_BYTES = 16 << 10
_HIGH_WATER_BYTES = 64 << 10


def countable(transport: asyncio.Transport) -> asyncio.Transport:
    """Return a transport that counts the bytes that wait. With TLS it misses at most 80 KiB."""
    if transport.get_extra_info("sslcontext") is None:
        return transport
    transport.set_write_buffer_limits(_HIGH_WATER_BYTES)
    return cast("asyncio.Transport", _Pieces(transport))


class _Pieces:
    """Writes in pieces.

    asyncio and uvloop encrypt all that is written at once and give it to the transport below,
    whose buffer `get_write_buffer_size` does not count: 8 MiB that a client does not read were 0
    (2026-11). With pieces, the transport below pauses at 64 KiB, and the rest is counted.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def write(self, data: bytes) -> None:
        if len(data) <= _PIECE_BYTES:
            self._transport.write(data)
            return
        view = memoryview(data)
        for start in range(0, len(data), _PIECE_BYTES):
            self._transport.write(view[start : start + _PIECE_BYTES])

    def close(self) -> None:
        # After a second close, most methods of asyncio's transport fail.
        if not self._transport.is_closing():
            self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
