"""Count log lines that repeat, instead of writing each: an outage is one traceback and a count."""

from __future__ import annotations

__all__ = ["Repeats"]

import sys
import threading
from collections.abc import Callable, Collection, MutableMapping
from dataclasses import dataclass
from typing import Any

import structlog

# One line per failed group was 2.5 MB/s (2026-11).
_WINDOW_S = 10.0
_MAX_LINES = 100
"""Lines of a kind in a window. Of a kind with a traceback, only the first is written."""
_MAX_KINDS = 1000

_Kind = tuple[str, str, str]
"""Level, event, and the class of the exception."""


@dataclass
class _Window:
    began: float
    lines: int
    counted: int = 0


class Repeats:
    """A processor of structlog that drops lines beyond a number in a time. Thread-safe.

    A kind of line that goes on is logged once per window, with `repeated`, the number of dropped
    lines. Its traceback is written again only after a window without it.

    Args:
        clock: seconds, never going back.
        sampled: events whose lines have a rate of their own, so that each is written.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        sampled: Collection[str] = (),
        window_s: float = _WINDOW_S,
        max_lines: int = _MAX_LINES,
    ) -> None:
        self._clock = clock
        self._sampled = sampled
        self._window_s = window_s
        self._max_lines = max_lines
        self._windows: dict[_Kind, _Window] = {}
        self._lock = threading.Lock()

    def __call__(
        self, _logger: object, method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Return the line. Raises DropEvent if it is only counted."""
        if "repeated" in event or event.get("event") in self._sampled:
            return event
        raised = _exception_class(event)
        limit = 1 if raised else self._max_lines
        kind = (method, str(event.get("event")), raised)
        with self._lock:
            window = self._windows.get(kind)
            if window is None:
                if len(self._windows) >= _MAX_KINDS:
                    self._windows.clear()
                window = self._windows[kind] = _Window(self._clock(), 0)
            if window.lines < limit:
                window.lines += 1
                return event
            window.counted += 1
        raise structlog.DropEvent

    def report(self, logger: Any, *, at_end: bool = False) -> None:
        """Log the counts of windows that are over. Call this about once a second.

        Args:
            at_end: the process ends, so no window continues.
        """
        over: list[tuple[_Kind, int]] = []
        now = self._clock()
        with self._lock:
            for kind, window in list(self._windows.items()):
                if now - window.began < self._window_s and not at_end:
                    continue
                if window.counted:
                    over.append((kind, window.counted))
                    # Lines with a traceback are only counted until they pause.
                    self._windows[kind] = _Window(now, lines=1 if kind[2] else 0)
                else:
                    del self._windows[kind]
        for (method, event, raised), counted in over:
            about = {"exception": raised} if raised else {}
            getattr(logger, method)(event, repeated=counted, **about)


def _exception_class(event: MutableMapping[str, Any]) -> str:
    found = event.get("exc_info")
    if isinstance(found, BaseException):
        return type(found).__name__
    kind = found[0] if isinstance(found, tuple) else sys.exc_info()[0] if found else None
    return kind.__name__ if kind else ""
