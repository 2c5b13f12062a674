"""Damaged batches that a process meets: it skips them, counts them, and logs each of them once."""

from __future__ import annotations

__all__ = ["DamagedBatches"]

import threading

import structlog

logger = structlog.get_logger()

# More than these are only counted: a disk that fails can damage all batches.
_MAX_LOGGED = 1_000


class DamagedBatches:
    """The damaged batches that one process has met. Thread-safe."""

    def __init__(self) -> None:
        self._logged: set[int] = set()
        self._lock = threading.Lock()
        self.met = 0
        """How many reads and retries have met a damaged batch."""

    def note(self, sequence: int) -> None:
        """Count a damaged batch, and log it the first time."""
        with self._lock:
            self.met += 1
            if sequence in self._logged or len(self._logged) == _MAX_LOGGED:
                return
            self._logged.add(sequence)
        logger.error(
            "damaged batch skipped",
            sequence=sequence,
            action="run `openrum db check`",
        )
