"""A lock that allows one process of each kind for a database."""

from __future__ import annotations

__all__ = ["DatabaseLock", "LockHeldError", "LockLostError"]

from typing import Protocol


class LockHeldError(Exception):
    """Another process holds the lock. The text says which."""


class LockLostError(Exception):
    """The database does not answer, so the lock may be free."""


class DatabaseLock(Protocol):
    """A lock that is released when its process ends or loses the database."""

    def hold(self) -> None:
        """Take the lock, or make sure that it is still held. Blocks for some seconds at most.

        Raises:
            LockHeldError: another process holds it.
            LockLostError: the database does not answer. The next call takes the lock again.
        """
        ...

    def close(self) -> None:
        """Release the lock."""
        ...
