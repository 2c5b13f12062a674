"""Counts what the addresses of clients send, against limits for each second."""

from __future__ import annotations

__all__ = ["AddressBuckets", "Reached"]

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

from rum_endpoint.addresses import ip_of, network_of
from rum_endpoint.token_buckets import TokenBuckets

_BURST_S = 2.0
_MAX_ADDRESSES = 10_000


class Reached(NamedTuple):
    """The limit that an address has reached."""

    what: str
    """`requests`, `events` or `bytes`."""
    wait_s: float
    """After how many seconds to try again."""

    @property
    def retry_after_s(self) -> int:
        """The same in responses, in whole seconds."""
        return max(1, math.ceil(self.wait_s))

    @property
    def message(self) -> str:
        """The message of the response."""
        return f"Your address sends too many {self.what}."

    @property
    def quota_code(self) -> str:
        """The name of the limit in responses."""
        return f"{self.what}-per-address"


class AddressBuckets:
    """The limits of one process. Not thread-safe.

    Loopback addresses have no limit: they belong to proxies that are not configured as trusted.
    Neither do Unix sockets, which have no address.

    Args:
        rates: the most `requests`, `events` and `bytes` in a second. As many as in two seconds may
            come at once. 0: no limit.
        clock: monotonic, in seconds.
    """

    def __init__(self, rates: Mapping[str, float], *, clock: Callable[[], float]) -> None:
        self._buckets = {
            what: TokenBuckets[str](
                rate=rate, burst=rate * _BURST_S, clock=clock, max_keys=_MAX_ADDRESSES
            )
            for what, rate in rates.items()
            if rate
        }

    def __bool__(self) -> bool:
        return bool(self._buckets)

    def reached(self, address: str) -> Reached | None:
        """Return the limit that an address has reached, if any. Count nothing."""
        key = _key(address)
        if key:
            for what, buckets in self._buckets.items():
                if wait_s := buckets.wait_s(key):
                    return Reached(what, wait_s)
        return None

    def charge(self, address: str, **amounts: float) -> None:
        """Count the requests, events or bytes that an address has sent."""
        key = _key(address)
        if key:
            for what, amount in amounts.items():
                if what in self._buckets:
                    self._buckets[what].charge(key, amount)


@lru_cache(_MAX_ADDRESSES)
def _key(address: str) -> str:
    """Return what is counted as one address, or nothing for those without a limit."""
    ip = ip_of(address)
    return "" if ip is None or ip.is_loopback else network_of(ip)
