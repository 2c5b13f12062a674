"""A lock on a SQLite database: a locked file beside it.

The kernel releases it when the process ends, so a process that is killed keeps no lock. The
database itself cannot be locked this way: closing any of its descriptors would end the locks that
SQLite has on it.
"""

from __future__ import annotations

__all__ = ["FileLock"]

import fcntl
import os
from contextlib import suppress
from pathlib import Path

import structlog

from rum_service.storage.database_lock import LockHeldError, holder_name

logger = structlog.get_logger()

_MAX_NAME_BYTES = 200


class FileLock:
    """Implements `DatabaseLock`. Use it on one thread at a time.

    If the file cannot be created, this is logged once, and nothing is locked.

    Args:
        database: the file of the database.
        name: the kind of process, such as "projector". It is part of the file's name.
    """

    def __init__(self, database: Path, *, name: str) -> None:
        # Resolved, so that a symbolic link to the database has the same lock.
        file = database.resolve()
        self._path = file.with_name(f"{file.name}.{name}.lock")
        self._name = holder_name(name)
        self._file: int | None = None
        self._has_warned = False

    def hold(self) -> None:
        if self._file is not None and not self._is_replaced(self._file):
            return
        self.close()
        try:
            self._file = self._take()
        except OSError as error:
            self._warn(error)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _take(self) -> int:
        """Return the descriptor that has the lock. Raises LockHeldError and OSError."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(file, _MAX_NAME_BYTES, 0).decode(errors="replace")
            os.close(file)
            raise LockHeldError(holder or "a process that has just started") from None
        except OSError:
            os.close(file)
            raise
        with suppress(OSError):  # on a full disk, messages of other processes lack the name
            os.ftruncate(file, 0)
            os.pwrite(file, self._name.encode()[:_MAX_NAME_BYTES], 0)
        return file

    def _is_replaced(self, file: int) -> bool:
        """Return whether the path no longer leads to the file that is locked."""
        try:
            return not os.path.samestat(self._path.stat(), os.fstat(file))
        except OSError:
            return True

    def _warn(self, error: OSError) -> None:
        if not self._has_warned:
            self._has_warned = True
            logger.warning(
                "database cannot be locked against other processes of this kind",
                file=str(self._path),
                reason=error.strerror or str(error),
            )
