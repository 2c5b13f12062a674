"""Write log lines on a thread, so that logging neither raises nor blocks.

Standard error can be a full pipe or a closed one. A line that cannot be queued or written is
dropped and counted; the count is logged when lines can be written again.
"""

from __future__ import annotations

__all__ = ["DROPPED_LINES", "LogWriter", "open_standard_streams"]

import atexit
import itertools
import os
import select
import threading
import time
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue

from rum_endpoint.metrics_page import Metric, Sample

DROPPED_LINES = Metric(
    "openrum_log_dropped_lines_total",
    "counter",
    "Log lines that could not be written, because the reader of standard error is slow or gone.",
)

_MAX_LINES = 2000
_MAX_LINE = 16 << 10
"""Longer lines are cut, so that the queue takes at most 32 MB."""
_IDLE_S = 1.0
_DRAIN_S = 1.0
"""How long the end of the process may wait for the last lines."""


class LogWriter:
    """A bounded queue of lines, and the thread that writes them. A logger of structlog.

    Args:
        descriptor: where to write. Its reader may be slow or gone.
        report_dropped: called on the thread with the number of lines that were dropped.
        housekeeping: called on the thread, once a second and more often while lines are written.
    """

    def __init__(
        self,
        descriptor: int,
        *,
        report_dropped: Callable[[int], None],
        housekeeping: Callable[[], None] = lambda: None,
        max_lines: int = _MAX_LINES,
    ) -> None:
        self._descriptor = descriptor
        self._report_dropped = report_dropped
        self._housekeeping = housekeeping
        self._max_lines = max_lines
        self._queue: SimpleQueue[str | None] = SimpleQueue()
        self._count_drop = itertools.count(1).__next__  # atomic
        self._dropped = self._reported = 0
        # A daemon: a reader that is stuck must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()
        atexit.register(self.drain)

    @property
    def dropped(self) -> int:
        """How many lines were dropped."""
        return self._dropped

    def samples(self) -> Iterator[Sample]:
        """Yield the metric of the log."""
        yield Sample(DROPPED_LINES, self._dropped)

    def drop(self) -> None:
        """Count a line that is not written."""
        self._dropped = self._count_drop()

    def msg(self, line: str) -> None:
        """Queue a line."""
        if self._queue.qsize() >= self._max_lines:
            self.drop()
        else:
            self._queue.put(line[:_MAX_LINE])

    debug = info = warning = error = critical = msg

    def drain(self, timeout_s: float = _DRAIN_S) -> None:
        """Write the queued lines, unless that takes longer, and end the thread."""
        self._queue.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        looked_at = time.monotonic()
        while True:
            try:
                line = self._queue.get(timeout=_IDLE_S)
                if line is None:
                    return
                self._write(line)
            except Empty:
                pass
            except (OSError, ValueError):
                self.drop()
            if time.monotonic() - looked_at >= _IDLE_S:
                looked_at = time.monotonic()
                self._look()

    def _look(self) -> None:
        self._housekeeping()
        if self._dropped > self._reported:
            new, self._reported = self._dropped - self._reported, self._dropped
            self._report_dropped(new)

    def _write(self, line: str) -> None:
        data = memoryview(f"{line}\n".encode(errors="backslashreplace"))
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:  # another process has made the pipe non-blocking
                select.select([], [self._descriptor], [], _IDLE_S)


def open_standard_streams() -> None:
    """Open /dev/null in place of closed standard streams.

    Otherwise the next file or socket gets the number of standard error, and lines with it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
