"""How long a new put would wait, from the calls that have just ended."""

from __future__ import annotations

__all__ = ["DrainRate"]

# An outage makes one or two calls long. Some ordinary calls later, it no longer counts.
_WEIGHT_OF_LAST = 0.3


class DrainRate:
    """How fast calls of the service empty a queue.

    Args:
        calls: how many calls are in progress at the same time.
    """

    def __init__(self, calls: int) -> None:
        self._calls = calls
        self._call_s = 0.0

    def observe(self, call_s: float) -> None:
        """Count a call that has ended after some seconds."""
        self._call_s += (call_s - self._call_s) * (_WEIGHT_OF_LAST if self._call_s else 1.0)

    def wait_s(self, calls_before: float) -> float:
        """Return how long it takes until so many full calls and one more have ended, in seconds.

        A short queue never waits long: what fits into the next calls is sent when those in progress
        end. Calls that are not full end sooner, so a burst after a quiet time counts too little
        rather than too much. The next calls correct this.
        """
        if calls_before <= self._calls:
            return 0.0
        return (calls_before / self._calls + 1) * self._call_s
