"""Brings a server to refuse what is valid, so that clients meet each documented failure."""

from __future__ import annotations

import base64
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from tests.batches import batch, event
from tests.running import OpenRum

__all__ = ["LITTLE_ROOM", "broken_store", "too_much_at_once"]

LITTLE_ROOM = {"OPENRUM_MAX_WAITING_BYTES": str(1 << 20)}
"""Settings of a server that throttles `too_much_at_once`."""


def too_much_at_once(**members: Any) -> dict[str, Any]:
    """A valid body of PutRumEvents that takes more than 1 MiB, compressed too.

    Args:
        members: Of its one event, for instance a timestamp.
    """
    noise = base64.b64encode(os.urandom(3 << 19)).decode()
    return batch([event(details=f'{{"noise":"{noise}"}}', **members)])


@contextmanager
def broken_store(server: OpenRum) -> Iterator[None]:
    """The table of batches is away as long as the context is open."""
    _rename(server, "batches", "batches_away")
    try:
        yield
    finally:
        _rename(server, "batches_away", "batches")


def _rename(server: OpenRum, old: str, new: str) -> None:
    with closing(sqlite3.connect(server.database, timeout=30)) as connection:
        connection.execute(f"ALTER TABLE {old} RENAME TO {new}")
