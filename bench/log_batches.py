"""Batches of browsers' events for the log, with new IDs and any times."""

from __future__ import annotations

__all__ = ["LogBatches"]

import struct
import uuid
from itertools import islice

from bench.corpus import timed_batches
from rum_service.storage.records import Batch

_TEMPLATES = 32
# A time that no other eight bytes of a request have. Each template has its own.
_PLACE_S = 1_234_567_890.0625
_ID_BYTES = 36
# The first two members of the serialized request, with a tag and a length each: `id`, `batch_id`.
_BATCH_ID = slice(2 + _ID_BYTES + 2, 2 + _ID_BYTES + 2 + _ID_BYTES)


class LogBatches:
    """Makes batches of one app monitor that differ in their IDs and times."""

    def __init__(self, monitor_id: str, app_monitor: int, *, events: int) -> None:
        """Args:
        app_monitor: the key of the app monitor.
        events: the number of events in each batch.
        """
        self._app_monitor = app_monitor
        self._events = events
        self._templates = [
            (content, struct.pack("<d", _PLACE_S + number))
            for number, content in enumerate(
                islice(timed_batches(events, monitor_id, _PLACE_S), _TEMPLATES)
            )
        ]
        self._made = 0

    def group(self, size: int, received_ms: int) -> list[Batch]:
        """Return batches that were received at one time, with events of that time."""
        return [self._batch(received_ms) for _ in range(size)]

    def _batch(self, received_ms: int) -> Batch:
        content, place = self._templates[self._made % _TEMPLATES]
        self._made += 1
        batch_id = uuid.uuid4()
        content = b"".join(
            (content[: _BATCH_ID.start], str(batch_id).encode(), content[_BATCH_ID.stop :])
        ).replace(place, struct.pack("<d", received_ms / 1000))
        return Batch(
            self._app_monitor,
            batch_id.bytes,
            received_ms,
            received_ms,
            received_ms,
            self._events,
            content,
        )
