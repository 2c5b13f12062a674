"""Limits how many connections are open, in total and for each address.

An attacker with one address cannot take the connections of all others, and some file descriptors
stay free for the database, certificates and gRPC.
"""

from __future__ import annotations

__all__ = ["OpenConnections"]

import ipaddress
from collections import Counter
from collections.abc import Sequence

from rum_endpoint.addresses import IpAddress, ip_of, network_of


class OpenConnections:
    """The connections of one bridge. Use it from one event loop only."""

    def __init__(
        self,
        *,
        max_total: int,
        max_per_address: int,
        max_descriptor: int,
        proxies: Sequence[str] = (),
    ) -> None:
        """Create an empty set of connections.

        Args:
            max_descriptor: a connection with a higher file descriptor is rejected. The kernel
                assigns the lowest free one, so this counts all open files of the process.
            proxies: networks whose connections are those of many clients, so that only the total
                limits them.
        """
        self._max_total = max_total
        self._max_per_address = max_per_address
        self._max_descriptor = max_descriptor
        self._proxies = [ipaddress.ip_network(proxy) for proxy in proxies]
        self._keys: dict[object, str] = {}
        self._by_key: Counter[str] = Counter()
        self.refused = 0
        """The number of connections that were not added."""

    def add(self, connection: object, address: str, descriptor: int) -> bool:
        """Add a connection. Return whether it may stay open; if not, it is not added.

        Args:
            address: IPv4 or IPv6 address of the client, or empty.
        """
        # Without the key, which takes 5 µs, when there are too many in total.
        if len(self._keys) >= self._max_total or descriptor > self._max_descriptor:
            self.refused += 1
            return False
        key = self._key(address)
        if key and self._by_key[key] >= self._max_per_address:
            self.refused += 1
            return False
        self._keys[connection] = key
        self._by_key[key] += 1
        return True

    def remove(self, connection: object) -> None:
        """Remove a connection, if it was added."""
        key = self._keys.pop(connection, None)
        if key is None:
            return
        self._by_key[key] -= 1
        if not self._by_key[key]:
            del self._by_key[key]

    def network_of(self, connection: object) -> str:
        """Return the address of a connection, as it is counted. Those without a limit share one."""
        return self._keys.get(connection, "")

    def is_proxy(self, address: str) -> bool:
        """Return whether connections from this address are those of many clients."""
        ip = ip_of(address)
        return ip is not None and self._is_proxy(ip)

    def _key(self, address: str) -> str:
        """Return what is counted as one address, or nothing for those without a limit."""
        ip = ip_of(address)
        return "" if ip is None or self._is_proxy(ip) else network_of(ip)

    def _is_proxy(self, ip: IpAddress) -> bool:
        return any(ip in network for network in self._proxies)
