"""A queue that gives app monitors equal shares, so that a busy one does not delay the others.

This is start-time fair queueing: each app monitor has a virtual time, which advances by the cost of
its items that are removed. The next item is that of the app monitor with the earliest time.
"""

from __future__ import annotations

__all__ = ["FairQueue"]

from collections import deque
from collections.abc import Callable
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
        """A heap of the lines with items: virtual time, number, line.

        A line that `remove_first_while` has emptied stays until it would be next.
        """
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
        if not line.in_heap:
            line.in_heap = True
            heappush(self._next, (max(self._time, line.time), line.number, line))
        line.items.append((item, cost))
        line.cost += cost
        self.cost += cost
        self._count += 1

    def first(self) -> _T | None:
        """Return the item that `remove_first` would remove, or None."""
        while self._next:
            line = self._next[0][2]
            if line.items:
                return line.items[0][0]
            heappop(self._next)
            line.in_heap = False
        return None

    def remove_first(self) -> None:
        """Remove the item that `first` has just returned."""
        self._time, number, line = self._next[0]
        line.time = self._time + self._remove(line)
        if line.items:
            heapreplace(self._next, (line.time, number, line))
        else:
            heappop(self._next)
            line.in_heap = False

    def remove_first_while(self, app_monitor: str, has_ended: Callable[[_T], bool]) -> None:
        """Remove an app monitor's oldest items as long as they have ended. They use no turn."""
        line = self._lines[app_monitor]
        while line.items and has_ended(line.items[0][0]):
            self._remove(line)

    def before(self, app_monitor: str) -> int:
        """Return how many items would be removed before a new one, if all cost the same."""
        return min(self._count, (self.count_of(app_monitor) + 1) * len(self._next))

    def count_of(self, app_monitor: str) -> int:
        """Return how many items an app monitor has."""
        line = self._lines.get(app_monitor)
        return len(line.items) if line else 0

    def cost_of(self, app_monitor: str) -> int:
        """Return how much an app monitor's items cost."""
        line = self._lines.get(app_monitor)
        return line.cost if line else 0

    def _remove(self, line: _Line[_T]) -> int:
        """Remove a line's oldest item and return its cost."""
        _, cost = line.items.popleft()
        line.cost -= cost
        self.cost -= cost
        self._count -= 1
        return cost


class _Line(Generic[_T]):
    """The items of one app monitor."""

    __slots__ = ("cost", "in_heap", "items", "number", "time")

    def __init__(self, number: int) -> None:
        self.number = number
        self.items: deque[tuple[_T, int]] = deque()
        self.in_heap = False
        self.cost = 0
        self.time = 0
