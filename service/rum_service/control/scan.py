"""How much one read of the log may scan, and when it stops."""

from __future__ import annotations

__all__ = ["Scan", "ScanLimits", "WaitingCaller"]

from collections.abc import Callable
from dataclasses import dataclass

# The CPU time between two pauses.
_SLICE_S = 0.0002


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """How much one call scans. The page then ends early, with a token."""

    batches: int = 2000
    events: int = 100_000
    """Approximate: the batch that exceeds it is scanned to its end."""
    bytes: int = 8 << 20
    """Of the contents of batches. Approximate: the batch that exceeds it is scanned."""
    cpu_s: float = 0.05
    """CPU time of the thread, in seconds."""
    wall_s: float = 5.0
    """Since the request arrived, in seconds. Waiting for a thread counts."""


class WaitingCaller:
    """Whether a request's caller still waits. For use on any thread.

    Args:
        end_at: until when the caller may wait, by `clock`.
    """

    def __init__(self, end_at: float, clock: Callable[[], float]) -> None:
        self._end_at = end_at
        self._clock = clock
        self.has_gone = False

    def waits(self) -> bool:
        """Return whether the caller has neither gone nor waited until `end_at`."""
        return not self.has_gone and self._clock() < self._end_at


class Scan:
    """The progress of one call. It stops at its limits, and gives way to puts meanwhile.

    Args:
        pause: lets puts run, after the given CPU time in seconds.
        cpu_clock: the CPU time of the calling thread, in seconds.
    """

    def __init__(
        self,
        limits: ScanLimits,
        caller: WaitingCaller,
        pause: Callable[[float], None],
        cpu_clock: Callable[[], float],
    ) -> None:
        self._limits = limits
        self._caller = caller
        self._pause = pause
        self._cpu_clock = cpu_clock
        self._batches = self._events = 0
        self.remaining_bytes = limits.bytes
        self._paused_at = cpu_clock()
        self._end_at = self._paused_at + limits.cpu_s

    def add_batch(self, content: bytes, events: int) -> None:
        """Count a batch that is scanned."""
        self._batches += 1
        self._events += events
        self.remaining_bytes -= len(content)

    def is_over(self) -> bool:
        """Pause if it is time to. Return whether the scan must stop at a batch."""
        return (
            self.is_out_of_time()
            or self._batches >= self._limits.batches
            or self._events >= self._limits.events
            or self.remaining_bytes <= 0
        )

    def is_out_of_time(self) -> bool:
        """Pause if it is time to. Return whether the time is used up or the caller has gone."""
        now = self._cpu_clock()
        if now - self._paused_at >= _SLICE_S:
            self._pause(now - self._paused_at)
            self._paused_at = now
            if not self._caller.waits():
                self._end_at = now
        return now >= self._end_at
