"""Measures how fast the store takes batches. Pure."""

from __future__ import annotations

__all__ = ["Speed"]

from math import inf

# A group's weight falls to a third after so many more.
_GROUPS = 20


class Speed:
    """The mean speed of the last groups, weighted by the times they took."""

    bytes_per_s = inf
    """Infinite until the first group has been committed."""

    def __init__(self) -> None:
        self._bytes = 0.0
        self._seconds = 0.0

    def add(self, size: int, seconds: float) -> None:
        """Take a group into account.

        Args:
            size: bytes.
            seconds: how long its commit took.
        """
        kept = 1 - 1 / _GROUPS
        self._bytes = kept * self._bytes + size
        self._seconds = kept * self._seconds + seconds
        if self._seconds:
            self.bytes_per_s = self._bytes / self._seconds
