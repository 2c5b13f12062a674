"""Measures how many puts a second leave a queue, to tell how long a new one would wait. Pure."""

from __future__ import annotations

__all__ = ["DrainRate"]

import time
from collections.abc import Callable

# Until it is measured: more than a process can store, so that all puts of a first burst wait.
_FIRST_PER_S = 10_000.0
# If no put has waited for so long, the last measurement says little about the next burst: its puts
# may be shorter, or the store faster.
_FORGOTTEN_AFTER_S = 1.0
_MEASURED_S = 0.1
# One measurement counts for so little that a short pause lowers the rate by a tenth.
_WEIGHT = 0.1


class DrainRate:
    """The rate, measured while puts wait: when the queue is empty, it says nothing.

    Args:
        clock: monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_s = _FIRST_PER_S
        self._clock = clock
        self._left = 0
        self._began_s: float | None = None
        """When the present measurement began. None: no put waits."""
        self._emptied_s = clock()

    def wait(self) -> None:
        """Note that a put waits."""
        if self._began_s is None:
            self._left = 0
            self._began_s = self._clock()
            if self._began_s - self._emptied_s > _FORGOTTEN_AFTER_S:
                self.per_s = _FIRST_PER_S

    def leave(self) -> None:
        """Count a put that leaves the queue because it is its turn."""
        self._left += 1
        now_s = self._clock()
        if self._began_s is not None and now_s - self._began_s >= _MEASURED_S:
            self.per_s += _WEIGHT * (self._left / (now_s - self._began_s) - self.per_s)
            self._left = 0
            self._began_s = now_s

    def empty(self) -> None:
        """Note that no put waits any more."""
        if self._began_s is not None:
            self._began_s = None
            self._emptied_s = self._clock()
