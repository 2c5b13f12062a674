"""Limits how many puts, events and bytes one client address may send over gRPC in a second.

Bridges limit the addresses of their clients. Callers with a valid credential have no limit here.
"""

from __future__ import annotations

__all__ = ["AddressLimits"]

import asyncio
from collections.abc import Callable, Mapping

from rum_endpoint.address_buckets import AddressBuckets, Reached
from rum_service.errors import ThrottlingException

# To reject a call costs as much as to store a batch, so a client that repeats its calls at once
# would leave no time for the others. It has a limited number of calls in progress.
_REJECTED_AFTER_S = 3.0
# Each takes 20 kB. Further calls are rejected at once.
_MAX_WAITING = 2048


class AddressLimits:
    """The limits of one service. For use on one event loop.

    Args:
        rates: the most `requests`, `events` and `bytes` in a second. 0: no limit.
        clock: monotonic, in seconds.
    """

    def __init__(self, rates: Mapping[str, float], *, clock: Callable[[], float]) -> None:
        self._buckets = AddressBuckets(rates, clock=clock)
        self._waiting = 0

    def __bool__(self) -> bool:
        return bool(self._buckets)

    async def check(self, address: str) -> None:
        """Count a put from an address. Call this before its message is received.

        Raises:
            ThrottlingException: the address has sent too much. A client that waits for the
                response is slowed down.
        """
        reached = self._buckets.reached(address)
        if reached is None:
            self._buckets.charge(address, requests=1)
            return
        if self._waiting < _MAX_WAITING:
            self._waiting += 1
            try:
                await asyncio.sleep(_REJECTED_AFTER_S)
            finally:
                self._waiting -= 1
        raise _throttled(reached)

    def charge(self, address: str, *, events: int, size: int) -> None:
        """Count a put's events and bytes, once it has been received."""
        self._buckets.charge(address, events=events, bytes=size)


def _throttled(reached: Reached) -> ThrottlingException:
    return ThrottlingException(
        reached.message,
        service_code="rum",
        quota_code=reached.quota_code,
        retry_after_seconds=reached.retry_after_s,
    )
