"""GetAppMonitorData: reads events from the log, newest batch first.

Pages are stable without a snapshot: a token names a position in the log, the next page continues
below it, and new batches are added above it.
Source: GetAppMonitorData API page.
"""

from __future__ import annotations

__all__ = ["Readback"]

import sys
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass

from rum.v1.control_plane_service_pb2 import GetAppMonitorDataRequest, GetAppMonitorDataResponse
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.control.app_monitors import AppMonitors
from rum_service.control.constraints import validate_control
from rum_service.control.paging import decode_token, encode_token
from rum_service.events.document import (
    event_document,
    event_ms,
    merged_metadata,
    parse_session_metadata,
)
from rum_service.events.filter import EventFilter
from rum_service.storage.base import LogStore
from rum_service.storage.records import AppMonitorRecord, LoggedBatch
from rum_service.storage.threads import on_thread

_DEFAULT_PAGE_EVENTS = 100
# A page of several events stays below this: gRPC clients accept 4 MiB by default.
_MAX_PAGE_BYTES = 1 << 20
_BATCHES_PER_QUERY = 50
# What fits in a database column: clients may send any number in a token.
_MAX_SEQUENCE = 2**62
_LATEST_MS = 2**62


@dataclass(frozen=True, slots=True)
class _Position:
    """A position in the log, from which reading continues toward older events."""

    sequence: int
    """Of the batch to read first."""
    remaining: int = sys.maxsize
    """The number of events in that batch, counted from its first, that are not read yet."""

    @classmethod
    def of_token(cls, token: str) -> _Position:
        """Return the position in a page token. Raises ValidationException."""
        sequence, remaining = decode_token("NextToken", token, int, int)
        return cls(min(max(int(sequence), 0), _MAX_SEQUENCE), max(int(remaining), 0))

    def token(self) -> str:
        """Return the page token for this position."""
        return encode_token(self.sequence, self.remaining)


@dataclass(frozen=True, slots=True)
class _Search:
    """The events that a request selects."""

    monitor: AppMonitorRecord
    after_ms: int
    before_ms: int
    filter: EventFilter


class Readback:
    """Reads pages of events. Use it on one event loop; it reads on the executor's threads.

    One call reads at most `max_scanned_batches` and about `max_scanned_events`, so that a filter
    that matches nothing cannot occupy a thread for the whole log. The page then ends early, with a
    token.
    """

    def __init__(
        self,
        monitors: AppMonitors,
        log: LogStore,
        executor: Executor,
        *,
        account_id: str,
        max_scanned_batches: int = 2000,
        max_scanned_events: int = 100_000,
    ) -> None:
        self._monitors = monitors
        self._log = log
        self._executor = executor
        self._account_id = account_id
        self._max_scanned_batches = max_scanned_batches
        self._max_scanned_events = max_scanned_events

    async def get(self, request: GetAppMonitorDataRequest) -> GetAppMonitorDataResponse:
        """Return a page of events. Raises ValidationException or ResourceNotFoundException."""
        validate_control(request)
        event_filter = EventFilter(request.filters)
        start = _Position.of_token(request.next_token) if request.next_token else None
        times = request.time_range
        search = _Search(
            monitor=await self._monitors.by_name(request.name),
            after_ms=times.after,
            before_ms=times.before if times.HasField("before") else _LATEST_MS,
            filter=event_filter,
        )
        max_events = request.max_results or _DEFAULT_PAGE_EVENTS
        return await on_thread(self._executor, self._page, search, start, max_events)

    def _page(
        self, search: _Search, start: _Position | None, max_events: int
    ) -> GetAppMonitorDataResponse:
        response = GetAppMonitorDataResponse()
        page_bytes = 0
        for position, document in self._documents(search, start):
            if document is None:
                response.next_token = position.token()
                break
            page_bytes += len(document.encode())
            full = len(response.events) == max_events or page_bytes > _MAX_PAGE_BYTES
            if full and response.events:
                response.next_token = position.token()
                break
            response.events.append(document)
        return response

    def _documents(
        self, search: _Search, start: _Position | None
    ) -> Iterator[tuple[_Position, str | None]]:
        """Yield the documents of the selected events, newest first.

        Each comes with the position that reads it again. When the scan reaches its limit, the last
        item is the position to continue from, without a document.
        """
        events = 0
        for batches, logged in enumerate(self._batches(search, start)):
            if batches == self._max_scanned_batches or events >= self._max_scanned_events:
                yield _Position(logged.sequence), None
                return
            batch = PutRumEventsRequest.FromString(logged.content)
            events += len(batch.rum_events)
            remaining = len(batch.rum_events)
            if start and start.sequence == logged.sequence:
                remaining = min(remaining, start.remaining)
            for index, document in self._batch_documents(search, batch, remaining):
                yield _Position(logged.sequence, index + 1), document

    def _batch_documents(
        self, search: _Search, batch: PutRumEventsRequest, remaining: int
    ) -> Iterator[tuple[int, str]]:
        """Yield index and document of each selected event, starting at index `remaining` - 1.

        Most events do not match, so the cheap conditions come first.
        """
        session = parse_session_metadata(batch)
        for index in range(remaining - 1, -1, -1):
            event = batch.rum_events[index]
            if not search.after_ms <= event_ms(event) <= search.before_ms:
                continue
            if not search.filter.matches_type(event.type):
                continue
            metadata = merged_metadata(session, event)
            if not search.filter.matches_metadata(metadata):
                continue
            yield (
                index,
                event_document(
                    batch,
                    event,
                    metadata,
                    monitor_name=search.monitor.name,
                    account_id=self._account_id,
                ),
            )

    def _batches(self, search: _Search, start: _Position | None) -> Iterator[LoggedBatch]:
        """Yield the batches that may contain selected events, newest first."""
        below = start.sequence + 1 if start else None
        while True:
            found = self._log.read(
                search.monitor.key,
                below=below,
                after_ms=search.after_ms,
                before_ms=search.before_ms,
                limit=_BATCHES_PER_QUERY,
            )
            yield from found.batches
            if found.below is None:
                return
            below = found.below
