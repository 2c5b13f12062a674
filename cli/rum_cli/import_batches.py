"""Make batches of imported events, always the same ones, so that importing again stores nothing.

lines of `openrum export`   the batch that it was, once all its events have been read
other lines                 one batch for each event, whose ID follows from its content
"""

from __future__ import annotations

__all__ = ["ImportBatch", "ImportBatches"]

import hashlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from google.protobuf.json_format import ParseDict, ParseError

from rum.internal.v1.bridge_service_pb2 import ImportedBatch
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum_cli.import_lines import EventLine, JsonObject, LineError
from rum_service.errors import ValidationException
from rum_service.events.identifiers import is_uuid
from rum_service.ingest.validation import check_id, validate

_MAX_EVENTS = 1_000_000


@dataclass(frozen=True)
class ImportBatch:
    """A batch to store."""

    request: PutRumEventsRequest
    imported: ImportedBatch
    place: str
    """The file and line of its first event."""


@dataclass
class _Open:
    """A batch whose events have not all been read."""

    first: EventLine
    place: str
    events: dict[int, RumEvent] = field(default_factory=dict)


class ImportBatches:
    """Collects events until their batches are complete.

    Args:
        target: returns the ID of the app monitor to import to, by that in the document. Raises
            LineError.
        now_ms: the latest possible time of receipt, in milliseconds since the Unix epoch.
    """

    def __init__(self, target: Callable[[str], str], *, now_ms: int) -> None:
        self._target = target
        self._now_ms = now_ms
        self._open: dict[tuple[str, str], _Open] = {}
        self._waiting = 0

    def add(self, line: EventLine, place: str) -> ImportBatch | None:
        """Add an event. Return its batch if that is complete.

        Raises:
            LineError: the event or its batch cannot be imported.
        """
        target = self._target(line.app_monitor_id)
        if not line.events:
            return self._single(line, target, place)
        key = (target, line.batch_id)
        batch = self._open.get(key) or _Open(line, place)
        if (line.events, line.received_ms, line.country, line.body) != (
            batch.first.events,
            batch.first.received_ms,
            batch.first.country,
            batch.first.body,
        ) or not 0 <= line.position < line.events:
            raise LineError("it does not fit to the other events of its batch")
        is_new = line.position not in batch.events
        is_complete = len(batch.events) + is_new == line.events
        if is_new and not is_complete and self._waiting >= _MAX_EVENTS:
            raise LineError("too many batches are incomplete: the lines are not in order")
        batch.events[line.position] = line.event
        self._waiting += is_new
        self._open[key] = batch
        if not is_complete:
            return None
        del self._open[key]
        self._waiting -= len(batch.events)
        events = [event for _, event in sorted(batch.events.items())]
        request = _request(line.body, _same_id(line.app_monitor_id, target), line.batch_id, events)
        return self._checked(request, line, batch.place)

    def incomplete(self) -> Iterator[tuple[str, str, int]]:
        """Yield place, reason and events of each batch whose events have not all been read.

        These batches are forgotten.
        """
        for batch in self._open.values():
            yield (
                batch.place,
                f"the file has {len(batch.events)} of the {batch.first.events} events of this"
                " batch",
                len(batch.events),
            )
        self._open, self._waiting = {}, 0

    def _single(self, line: EventLine, target: str, place: str) -> ImportBatch:
        request = _request(line.body, target, "", [line.event])
        content = hashlib.sha256(request.SerializeToString(deterministic=True)).hexdigest()
        if is_uuid(target):
            request.batch_id = str(uuid.uuid5(uuid.UUID(target), content))
        return self._checked(request, line, place)

    def _checked(self, request: PutRumEventsRequest, line: EventLine, place: str) -> ImportBatch:
        try:
            check_id(request.id)
            validate(request, max_events=len(request.rum_events))
        except ValidationException as error:
            raise LineError(error.message) from None
        # CloudWatch does not say when it received an event: about when it happened.
        received_ms = line.event_ms if line.received_ms is None else line.received_ms
        received_ms = max(0, min(received_ms, self._now_ms))
        return ImportBatch(
            request, ImportedBatch(received_ms=received_ms, country=line.country), place
        )


def _request(
    body: JsonObject, monitor_id: str, batch_id: str, events: list[RumEvent]
) -> PutRumEventsRequest:
    try:
        request = ParseDict(body, PutRumEventsRequest())
    except ParseError:
        raise LineError("the member `openrum.batch` is not the body of PutRumEvents") from None
    request.id = monitor_id
    request.batch_id = batch_id
    request.rum_events.extend(events)
    return request


def _same_id(named: str, target: str) -> str:
    """Return the ID of the app monitor as the client wrote it, if it is the one to import to."""
    return named if named.lower() == target else target
