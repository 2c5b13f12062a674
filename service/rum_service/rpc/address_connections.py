"""Limits the gRPC connections of one address. gRPC itself limits only all of them together.

gRPC tells nobody about a connection before its first call. So the sockets of the process are
counted every second, and those over the limit are shut down, the newest first. gRPC notices that as
if the client had closed them.
"""

from __future__ import annotations

__all__ = ["AddressConnections"]

import asyncio
import os
import socket
import stat
import time
from collections import Counter
from contextlib import suppress
from typing import TypeAlias

import structlog

from rum_endpoint.addresses import ip_of, network_of
from rum_service.background import Background

logger = structlog.get_logger()

_EVERY_S = 1.0
# With many other connections, the process spends at most this share of its time on the counts.
_MOST_SHARE = 0.02
_DESCRIPTORS = "/proc/self/fd"
_Peer: TypeAlias = tuple[str, int]


class AddressConnections(Background):
    """The connections to one port. The context manager counts them until it ends.

    Args:
        most: how many connections an IPv4 address or an IPv6 /64 network may have.
    """

    def __init__(self, port: int, *, most: int) -> None:
        super().__init__()
        self._port = port
        self._most = most
        self._seen: dict[_Peer, None] = {}
        """The connections of the last count, the oldest first."""
        self._others: dict[int, int] = {}
        """The inodes of files that are no connections to the port, by descriptor."""

    async def _run(self) -> None:
        pause_s = _EVERY_S
        while True:
            await asyncio.sleep(pause_s)
            try:
                closed, took_s = await asyncio.to_thread(self._timed)
                pause_s = max(_EVERY_S, took_s / _MOST_SHARE)
            except OSError as error:
                logger.warning("gRPC connections not counted", error=type(error).__name__)
                continue
            if closed:
                logger.warning(
                    "gRPC connections closed: their address has too many",
                    connections=sum(closed.values()),
                    addresses=len(closed),
                )

    def _timed(self) -> tuple[Counter[str], float]:
        """Close the connections over the limit. Return them, and the CPU time that this took."""
        began_s = time.thread_time()
        return self.close_excess(), time.thread_time() - began_s

    def close_excess(self) -> Counter[str]:
        """Close the connections over the limit. Return how many, by address."""
        closed: Counter[str] = Counter()
        # The kernel assigns the lowest free descriptor: a higher one is usually newer.
        with os.scandir(_DESCRIPTORS) as entries:
            descriptors = sorted(int(entry.name) for entry in entries)
        if len(descriptors) <= self._most:
            return closed  # there cannot be too many connections
        peers: dict[_Peer, int] = {}
        for descriptor in descriptors:
            if peer := self._peer(descriptor):
                peers[peer] = descriptor
        oldest_first = [peer for peer in self._seen if peer in peers]
        oldest_first += [peer for peer in peers if peer not in self._seen]
        open_: Counter[str] = Counter()
        self._seen = {}
        for peer in oldest_first:
            network = _network(peer[0])
            if open_[network] < self._most:
                open_[network] += 1
                self._seen[peer] = None
            elif self._close(peers[peer], peer):
                closed[network] += 1
        return closed

    def _peer(self, descriptor: int) -> _Peer | None:
        """Return the address and the port of the client, if this is a connection to the port."""
        # OSError: it has been closed meanwhile, or it listens.
        with suppress(OSError):
            file = os.fstat(descriptor)
            if self._others.get(descriptor) == file.st_ino:
                return None
            self._others[descriptor] = file.st_ino
            if stat.S_ISSOCK(file.st_mode):
                with socket.socket(fileno=os.dup(descriptor)) as found:
                    peer = self._peer_of(found)
                if peer:
                    del self._others[descriptor]
                return peer
        return None

    def _peer_of(self, found: socket.socket) -> _Peer | None:
        if found.family not in (socket.AF_INET, socket.AF_INET6):
            return None
        if found.getsockname()[1] != self._port:
            return None
        address, port, *_ = found.getpeername()
        return str(address), int(port)

    def _close(self, descriptor: int, peer: _Peer) -> bool:
        """Shut a connection down, if the descriptor is still that of this client."""
        with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as found:
            if self._peer_of(found) == peer:
                found.shutdown(socket.SHUT_RDWR)
                return True
        return False


def _network(address: str) -> str:
    ip = ip_of(address)
    return network_of(ip) if ip else address
