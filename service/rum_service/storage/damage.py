"""Damage that a process meets: batches are skipped, counted, and each logged once."""

from __future__ import annotations

__all__ = ["DamagedBatches", "advice_for"]

import sqlite3
import threading

import structlog
from sqlalchemy.exc import DBAPIError

logger = structlog.get_logger()

# More than these are only counted: a disk that fails can damage all batches.
_MAX_LOGGED = 1_000
_ADVICE = {"action": "run `openrum db check`"}
_SQLITE_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
# data_corrupted and index_corrupted
_POSTGRES_DAMAGE = {"XX001", "XX002"}


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
        logger.error("damaged batch skipped", sequence=sequence, **_ADVICE)


def advice_for(error: BaseException) -> dict[str, str]:
    """Return what to log beside an error: the action, if the files of the database are damaged."""
    original = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(original, "sqlite_errorcode", None)
    is_damage = code in _SQLITE_DAMAGE or getattr(original, "sqlstate", None) in _POSTGRES_DAMAGE
    return _ADVICE if is_damage else {}
