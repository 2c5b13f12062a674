"""Read events from the log: the projection knows where they are, but not their details."""

from __future__ import annotations

__all__ = ["Documents", "LoggedEvent"]

import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum_service.events.document import (
    event_document,
    merged_metadata,
    parse_session_metadata,
)
from rum_service.events.json_text import JsonObject, parse_object
from rum_service.storage.base import LogStore

# A page's events are often in a few batches. A batch can have 4 MiB.
_CACHED_BATCHES = 4
# If the events of a session alternate between batches of 4 MB, each event needs its batch again.
_MAX_READ_BYTES = 64 << 20


@dataclass(frozen=True)
class LoggedEvent:
    """An event in the log."""

    batch: PutRumEventsRequest
    event: RumEvent
    metadata: JsonObject
    """The metadata of the session and the event."""
    monitor_name: str
    account_id: str

    def document(self) -> str:
        """Return the event as GetAppMonitorData returns it."""
        return event_document(
            self.batch,
            self.event,
            self.metadata,
            monitor_name=self.monitor_name,
            account_id=self.account_id,
        )

    def details(self) -> dict[str, Any]:
        """Return the details, or {} if they are not a JSON object."""
        return parse_object(self.event.details) or {}


class _Batch(NamedTuple):
    """A batch, parsed once for all of its events."""

    request: PutRumEventsRequest
    session: JsonObject


class Documents:
    """Reads events for one call. It keeps the last batches.

    Args:
        stop: is set when the caller has gone.
    """

    def __init__(
        self, log: LogStore, *, monitor_name: str, account_id: str, stop: threading.Event
    ) -> None:
        self._log = log
        self._stop = stop
        self._monitor_name = monitor_name
        self._account_id = account_id
        self._batches: OrderedDict[int, _Batch | None] = OrderedDict()
        self._read_bytes = 0

    @property
    def may_read_more(self) -> bool:
        """Whether the caller waits, and few bytes have been read. If not, a page should end."""
        return self._read_bytes <= _MAX_READ_BYTES and not self._stop.is_set()

    def event(self, sequence: int, position: int) -> LoggedEvent | None:
        """Return an event. None: its batch was deleted from the log, or is damaged."""
        batch = self._batch(sequence)
        if batch is None or position >= len(batch.request.rum_events):
            return None
        event = batch.request.rum_events[position]
        metadata = merged_metadata(batch.session, event)
        return LoggedEvent(batch.request, event, metadata, self._monitor_name, self._account_id)

    def _batch(self, sequence: int) -> _Batch | None:
        if sequence in self._batches:
            self._batches.move_to_end(sequence)
            return self._batches[sequence]
        found = self._log.after(sequence - 1, limit=1, max_bytes=1)
        self._read_bytes += sum(len(batch.content) for batch in found)
        batch = None
        if found and found[0].sequence == sequence and not found[0].is_damaged:
            with suppress(DecodeError):  # damaged, and stored by a version without checksums
                request = PutRumEventsRequest.FromString(found[0].content)
                batch = _Batch(request, parse_session_metadata(request, found[0].country))
        self._batches[sequence] = batch
        if len(self._batches) > _CACHED_BATCHES:
            self._batches.popitem(last=False)
        return batch
