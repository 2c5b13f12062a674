"""A queue that gives app monitors equal shares, so that a busy one does not delay the others.

This is start-time fair queueing: each app monitor has a virtual time, which advances by the cost of
its items that are removed. The next item is that of the app monitor with the earliest time.
"""

from __future__ import annotations

__all__ = ["FairQueue"]

from collections import deque
from heapq import heappop, heappush, heapreplace
from typing import Generic, TypeVar

_T = TypeVar("_T")


class FairQueue(Generic[_T]):
    """Items that wait, oldest first for each app monitor.

    App monitors without items are kept: the caller limits their number.
    """

    def __init__(self) -> None:
        self._lines: dict[str, _Line[_T]] = {}
        self._next: list[tuple[int, int, _Line[_T]]] = []
        """A heap of the lines with items: virtual time, number, line."""
        self._time = 0
        self._count = 0
        self.cost = 0
        """The cost of all items."""

    def __len__(self) -> int:
        return self._count

    def add(self, app_monitor: str, item: _T, cost: int) -> None:
        """Add an item behind those of its app monitor."""
        line = self._lines.get(app_monitor)
        if line is None:
            line = self._lines[app_monitor] = _Line(len(self._lines))
        if not line.items:
            heappush(self._next, (max(self._time, line.time), line.number, line))
        line.items.append((item, cost))
        line.cost += cost
        self.cost += cost
        self._count += 1

    def first(self) -> _T | None:
        """Return the item that `remove_first` would remove, or None."""
        return self._next[0][2].items[0][0] if self._next else None

    def remove_first(self) -> None:
        """Remove the next item."""
        self._time, number, line = self._next[0]
        _, cost = line.items.popleft()
        line.time = self._time + cost
        line.cost -= cost
        self.cost -= cost
        self._count -= 1
        if line.items:
            heapreplace(self._next, (line.time, number, line))
        else:
            heappop(self._next)

    def cost_of(self, app_monitor: str) -> int:
        """Return the cost of an app monitor's items."""
        line = self._lines.get(app_monitor)
        return line.cost if line else 0

    def share_before(self, app_monitor: str, cost: int) -> float:
        """Return at most which share of the queue is removed before a new item of this cost."""
        # Until then, every app monitor gets at most what this one gets.
        before = (self.cost_of(app_monitor) + cost) * (len(self._next) + 1)
        return min(1.0, before / self.cost) if self.cost else 0.0


class _Line(Generic[_T]):
    """The items of one app monitor."""

    __slots__ = ("cost", "items", "number", "time")

    def __init__(self, number: int) -> None:
        self.number = number
        self.items: deque[tuple[_T, int]] = deque()
        self.cost = 0
        self.time = 0
