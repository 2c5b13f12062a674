"""Serves app monitors in turn, so that a busy one does not make the others wait."""

from __future__ import annotations

__all__ = ["Turns"]

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """A line of items for each app monitor. For use on one thread."""

    def __init__(self) -> None:
        self._lines: dict[int, deque[T]] = {}
        self._next: deque[int] = deque()
        """The app monitors that have a line, in the order of their turns."""

    def __bool__(self) -> bool:
        return bool(self._next)

    def add(self, app_monitor: int, item: T) -> None:
        """Add an item at the end of the app monitor's line."""
        line = self._lines.get(app_monitor)
        if line is None:
            self._lines[app_monitor] = deque((item,))
            self._next.append(app_monitor)
        else:
            line.append(item)

    def take(self) -> T:
        """Remove and return the first item of the app monitor whose turn it is.

        Raises:
            IndexError: it is empty.
        """
        app_monitor = self._next.popleft()
        line = self._lines[app_monitor]
        item = line.popleft()
        if line:
            self._next.append(app_monitor)
        else:
            del self._lines[app_monitor]
        return item
