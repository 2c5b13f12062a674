"""Limits how many puts, events and bytes one client address may send in a second."""

from __future__ import annotations

__all__ = ["AddressLimits"]

from collections.abc import Callable, Mapping

from rum_bridge.errors import HttpError
from rum_endpoint.address_buckets import AddressBuckets, Reached


class AddressLimits:
    """The limits of one bridge. Use it from one event loop only.

    Args:
        rates: the most `requests`, `events` and `bytes` in a second. 0: no limit.
        clock: monotonic, in seconds.
    """

    def __init__(self, rates: Mapping[str, float], *, clock: Callable[[], float]) -> None:
        self._buckets = AddressBuckets(rates, clock=clock)

    def check(self, address: str) -> None:
        """Count a put from an address. Call this before its body is read.

        Raises:
            HttpError: the address has sent too much (429).
        """
        if error := self.reached(address):
            raise error
        self._buckets.charge(address, requests=1)

    def reached(self, address: str) -> HttpError | None:
        """Return the error for a put from this address if it has sent too much. Count nothing."""
        reached = self._buckets.reached(address)
        return _throttled(reached) if reached else None

    def charge_bytes(self, address: str, size: int) -> None:
        """Count a body's bytes as sent, once it has been read."""
        self._buckets.charge(address, bytes=size)

    def charge_events(self, address: str, events: int) -> None:
        """Count a body's events, once it has been parsed."""
        self._buckets.charge(address, events=events)


def _throttled(reached: Reached) -> HttpError:
    return HttpError(
        429,
        "ThrottlingException",
        reached.message,
        {"serviceCode": "rum", "quotaCode": reached.quota_code},
        reached.retry_after_s,
    )
