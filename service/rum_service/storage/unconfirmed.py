"""Batches whose append failed although it may have stored them.

A commit can succeed although its response is lost. The next append then finds the batch in the
log, and would report a duplicate. The failed append stored the batch, so it counts as stored.
"""

from __future__ import annotations

__all__ = ["Unconfirmed"]

import threading
from collections.abc import Iterable
from itertools import islice

from rum_service.storage.records import Batch

_Row = tuple[int, bytes, int]
"""App monitor, batch ID and received_ms: tells a batch from its retries."""

# 2 MB, if a store fails for long. Later failures replace earlier ones.
_MAX_BATCHES = 10_000


class Unconfirmed:
    """Remembers batches of failed appends. Thread-safe."""

    def __init__(self) -> None:
        self._rows: dict[_Row, None] = {}
        self._lock = threading.Lock()

    def add(self, batches: Iterable[Batch]) -> None:
        """Remember batches whose append failed."""
        new = dict.fromkeys(
            (batch.app_monitor, batch.batch_id, batch.received_ms)
            for batch in islice(batches, _MAX_BATCHES)
        )
        with self._lock:
            self._rows = dict(islice((new | self._rows).items(), _MAX_BATCHES))

    def forget(self, batches: Iterable[Batch]) -> None:
        """Forget batches that an append has stored: their retries are duplicates."""
        if not self._rows:
            return
        with self._lock:
            for batch in batches:
                self._rows.pop((batch.app_monitor, batch.batch_id, batch.received_ms), None)

    def take(self, app_monitor: int, batch_id: bytes, received_ms: int) -> bool:
        """Return whether a failed append stored the row with these values, and forget it."""
        if not self._rows:
            return False
        row = (app_monitor, batch_id, received_ms)
        with self._lock:
            if row not in self._rows:
                return False
            del self._rows[row]
            return True
