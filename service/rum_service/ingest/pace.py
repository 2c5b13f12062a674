"""Lets gRPC hand over the calls that wait inside it before more of the earlier ones begin.

For gRPC in Python, the event loop takes one call in about five turns, and in the order of arrival.
If it begins as many puts as it may, its turns are long. The calls of a busy client then wait inside
gRPC, and those of a quiet one behind them: 230 ms with 770 calls (2026-11).
"""

from __future__ import annotations

__all__ = ["ALL", "Pace"]

import asyncio
from collections.abc import Callable

ALL = 1 << 30
# While calls arrive, one begins for so many. The calls inside gRPC become fewer, although each call
# that ends is followed by another one.
_ARRIVALS_FOR_ONE = 4
# If no call arrives between so many checks, none waits inside gRPC. A single check could be late,
# because the event loop was busy.
_CHECKS = 3
_CHECK_S = 0.002


class Pace:
    """The pace at which waiting puts begin. Use it from one event loop only.

    Args:
        begin: begins at most this number of puts. Returns whether more of those that wait may
            begin.
    """

    def __init__(self, begin: Callable[[int], bool]) -> None:
        self._begin = begin
        self._arrivals = 0
        self._checks = False
        """Whether a check is scheduled."""

    def arrive(self) -> None:
        """Count a put that waits. Begin one if enough others have arrived."""
        self._arrivals += 1
        if self._arrivals % _ARRIVALS_FOR_ONE == 0:
            self._begin(1)

    def resume(self) -> None:
        """Begin all that may begin when no call has arrived for a moment."""
        if not self._checks:
            self._checks = True
            self._check_later(1)

    def _check_later(self, number: int) -> None:
        asyncio.get_running_loop().call_later(_CHECK_S, self._check, self._arrivals, number)

    def _check(self, arrivals: int, number: int) -> None:
        if arrivals != self._arrivals:
            number = 0
        if self._begin(ALL if number >= _CHECKS else 0):
            self._check_later(number + 1)
        else:
            self._checks = False
