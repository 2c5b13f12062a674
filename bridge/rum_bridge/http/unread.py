"""Limits the bytes of responses that clients do not read, in total and for each address.

A client that reads nothing has a minute until its connection is closed. Meanwhile the rest of its
response takes memory: 400 connections with responses of 1.9 MB took 770 MiB without this limit
(2026-11).
"""

from __future__ import annotations

__all__ = ["UnreadResponses"]

import asyncio
from collections import Counter


class UnreadResponses:
    """The connections of one bridge whose clients read slowly. For use on one event loop.

    Args:
        max_bytes: the most bytes of all connections. Half of them may be of one address. A
            connection that is alone may have any number, and so may the only one of an address
            while all together have less.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_total = max_bytes
        self._max_of_address = max_bytes // 2
        self._sizes: dict[asyncio.Transport, tuple[str, int]] = {}
        """The address and the bytes of each connection, the one that waits longest first."""
        self._of_address: Counter[str] = Counter()
        self._total = 0
        self.aborted = 0
        """The number of connections that were aborted."""

    def add(self, transport: asyncio.Transport, address: str) -> None:
        """Count what a connection has buffered, until `remove`.

        If there is too much, abort the connections that wait longest, of the address with most.
        """
        self.remove(transport)
        size = transport.get_write_buffer_size()
        self._sizes[transport] = address, size
        self._of_address[address] += size
        self._total += size
        while (slowest := self._slowest_over(transport, address)) is not None:
            self.remove(slowest)
            self.aborted += 1
            slowest.abort()

    def remove(self, transport: asyncio.Transport) -> None:
        """Stop counting a connection, if it was counted."""
        address, size = self._sizes.pop(transport, ("", 0))
        self._total -= size
        self._of_address[address] -= size
        if not self._of_address[address]:
            del self._of_address[address]

    def _slowest_over(self, newest: asyncio.Transport, address: str) -> asyncio.Transport | None:
        """Return the connection to abort if there is too much: never the newest one.

        In total it is one of the address with most, or else the one that waits longest.
        """
        in_all = self._total > self._max_total
        if not in_all and self._of_address[address] <= self._max_of_address:
            return None
        most = self._of_address.most_common(1)[0][0] if in_all else address
        others = [(each, of) for each, (of, _) in self._sizes.items() if each is not newest]
        oldest = others[0][0] if in_all and others else None
        return next((each for each, of in others if of == most), oldest)
