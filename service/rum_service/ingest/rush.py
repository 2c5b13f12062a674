"""Notices when puts suddenly arrive at a higher rate. Pure.

Then many more of them wait inside gRPC, in the order of arrival. gRPC hands over a put in 130 µs of
the event loop, and the event loop takes 200 µs more for a put that begins (2026-11). So if puts
begin as they arrive, a quiet client waits for 250 ms behind 770 calls of a busy one.
"""

from __future__ import annotations

__all__ = ["Rush"]

_WINDOW_S = 0.05
# Of the mean number of puts in a window. It falls to a third within 0.8 s.
_WEIGHT = 1 / 16
# A window with so many puts, and twice the mean, begins a rush.
_BASE = 48
# gRPC hands over a thousand calls in this time.
_MAX_S = 0.15
# Clients whose rate changes all the time must not make the store idle.
_PAUSE_S = 1.0
_NEVER = float("-inf")


class Rush:
    """The arrivals of puts."""

    def __init__(self) -> None:
        self._window_s = _NEVER
        """When the window began."""
        self._count = 0
        self._mean = 0.0
        self._began_s = _NEVER
        self._until_s = _NEVER

    def arrive(self, now_s: float) -> None:
        """Count a put."""
        if now_s >= self._window_s + _WINDOW_S:
            self._end_window(now_s)
        self._count += 1
        if self._count > _BASE + 2 * self._mean and now_s >= self._began_s + _PAUSE_S:
            self._began_s = now_s
            self._until_s = now_s + _MAX_S

    def is_on(self, now_s: float) -> bool:
        """Return whether many puts may wait inside gRPC."""
        return now_s < self._until_s

    def end(self) -> None:
        """End the rush: no put waits inside gRPC."""
        self._until_s = _NEVER

    def _end_window(self, now_s: float) -> None:
        self._mean += (self._count - self._mean) * _WEIGHT
        empty = min((now_s - self._window_s) / _WINDOW_S - 1, 1000.0)
        self._mean *= (1 - _WEIGHT) ** empty
        self._window_s = now_s
        self._count = 0
