"""At most one projector writes a projection: it holds a lock as long as its process lives."""

from __future__ import annotations

__all__ = ["LockedError", "ProjectionLock", "is_locked"]

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

# `is_locked` holds the lock for a moment.
_ATTEMPTS = 10
_RETRY_S = 0.02


class LockedError(Exception):
    """Another process holds the lock."""


class ProjectionLock:
    """The context manager holds the lock on a projection.

    The lock has its own file, because the file of the projection may be replaced.

    Raises:
        LockedError: another process holds it.
        OSError: the lock file cannot be created.
    """

    def __init__(self, projection: Path) -> None:
        self._path = projection.with_name(f"{projection.name}.lock")

    def __enter__(self) -> Self:
        self._path.parent.mkdir(0o700, parents=True, exist_ok=True)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for _ in range(_ATTEMPTS):
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_RETRY_S)
            else:
                return self
        os.close(self._file)
        raise LockedError

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        os.close(self._file)


def is_locked(projection: Path) -> bool:
    """Return whether a projector runs for this file."""
    try:
        with ProjectionLock(projection):
            return False
    except LockedError:
        return True
