"""A lock that allows one process of each kind for a database."""

from __future__ import annotations

__all__ = ["DatabaseLock", "LockHeldError", "LockLostError", "holder_name"]

import os
import socket
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


def holder_name(kind: str) -> str:
    """Return the name of this process in messages to others.

    Args:
        kind: the kind of process, such as "projector".
    """
    return f"openrum {kind}, process {os.getpid()} on {socket.gethostname()}"
