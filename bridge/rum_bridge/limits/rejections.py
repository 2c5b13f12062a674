"""Puts that will be rejected, later: a client that waits for the response sends nothing meanwhile.

A rejection takes a quarter of the CPU of a put with ten events: 70 of 250 µs (2026-11). So there
are few of them in a second, whatever clients send, and the rest is for puts that are stored.
"""

from __future__ import annotations

__all__ = ["Rejections"]

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

_T = TypeVar("_T", bound=Hashable)

# After this time, as many as take 3 to 4 % of a core.
_EARLIEST_S = 3.0
_MOST_PER_S = 500.0
# After this time all: clients that wait for 10 s still get their response.
_LATEST_S = 9.0
_TICK_S = 0.05


class Rejections(Generic[_T]):
    """The puts, oldest first. Use it from one event loop only.

    Args:
        reject: called with each put that is not removed, after 3 to 9 seconds.
    """

    def __init__(self, reject: Callable[[_T], object]) -> None:
        self._reject = reject
        # Not a dict: see Deadlines.
        self._since_s: OrderedDict[_T, float] = OrderedDict()
        self._ticking = False

    def __iter__(self) -> Iterator[_T]:
        """Return the puts, oldest first."""
        return iter(self._since_s)

    def add(self, item: _T) -> None:
        """Add a put."""
        loop = asyncio.get_running_loop()
        self._since_s[item] = loop.time()
        if not self._ticking:
            self._ticking = True
            loop.call_later(_EARLIEST_S, self._tick, loop.time() + _EARLIEST_S)

    def remove(self, item: _T) -> None:
        """Remove a put, if it has not been rejected."""
        self._since_s.pop(item, None)

    def _tick(self, due_s: float) -> None:
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        try:
            self._reject_until(now_s - _LATEST_S, len(self._since_s))
            # More if the tick is late.
            self._reject_until(now_s - _EARLIEST_S, round((now_s - due_s + _TICK_S) * _MOST_PER_S))
        finally:  # an error, which the event loop logs, does not end the rejections
            self._ticking = bool(self._since_s)
            if self._ticking:
                loop.call_later(_TICK_S, self._tick, now_s + _TICK_S)

    def _reject_until(self, latest_s: float, most: int) -> None:
        for _ in range(most):
            item, since_s = next(iter(self._since_s.items()), (None, 0.0))
            if item is None or since_s > latest_s:
                break
            del self._since_s[item]
            self._reject(item)
