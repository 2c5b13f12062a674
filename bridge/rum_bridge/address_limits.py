"""Limits how many puts and bytes one client address may send in a second."""

from __future__ import annotations

__all__ = ["AddressLimits"]

import math
from collections.abc import Callable
from functools import lru_cache

from rum_bridge.errors import HttpError
from rum_endpoint.addresses import ip_of, network_of
from rum_endpoint.token_buckets import TokenBuckets

_BURST_S = 2.0
_MAX_ADDRESSES = 10_000


class AddressLimits:
    """The limits of one bridge. Use it from one event loop only.

    Loopback addresses have no limit: they belong to proxies that are not configured as trusted.

    Args:
        requests_per_s: 0 for no limit. As many as in two seconds may come at once.
        bytes_per_s: the same for the bytes of bodies as sent.
        clock: monotonic, in seconds.
    """

    def __init__(
        self, *, requests_per_s: float, bytes_per_s: float, clock: Callable[[], float]
    ) -> None:
        self._requests = _buckets(requests_per_s, clock)
        self._bytes = _buckets(bytes_per_s, clock)

    def check(self, address: str) -> None:
        """Count a put from an address. Call this before its body is read.

        Raises:
            HttpError: the address has sent too much (429).
        """
        if error := self.reached(address):
            raise error
        if self._requests is not None and (key := _key(address)):
            self._requests.charge(key, 1)

    def reached(self, address: str) -> HttpError | None:
        """Return the error for a put from this address if it has sent too much. Count nothing."""
        key = _key(address)
        if not key:
            return None
        if self._bytes is not None and (wait_s := self._bytes.wait_s(key)):
            return _throttled("bytes", "bytes-per-address", wait_s)
        if self._requests is not None and (wait_s := self._requests.wait_s(key)):
            return _throttled("requests", "requests-per-address", wait_s)
        return None

    def charge(self, address: str, size: int) -> None:
        """Count a body's bytes, once it has been read."""
        if self._bytes is not None and (key := _key(address)):
            self._bytes.charge(key, size)


def _buckets(rate: float, clock: Callable[[], float]) -> TokenBuckets[str] | None:
    if not rate:
        return None
    burst = rate * _BURST_S
    return TokenBuckets(rate=rate, burst=burst, clock=clock, max_keys=_MAX_ADDRESSES)


@lru_cache(_MAX_ADDRESSES)
def _key(address: str) -> str:
    """Return what is counted as one address, or nothing for those without a limit."""
    ip = ip_of(address)
    return "" if ip is None or ip.is_loopback else network_of(ip)


def _throttled(what: str, quota_code: str, wait_s: float) -> HttpError:
    return HttpError(
        429,
        "ThrottlingException",
        f"Your address sends too many {what}.",
        {"serviceCode": "rum", "quotaCode": quota_code},
        max(1, math.ceil(wait_s)),
    )
