"""Builds pages of events from batches in the log, newest first.

Pages are stable without a snapshot: a token names a position in the log, the next page continues
below it, and new batches are added above it.
"""

from __future__ import annotations

__all__ = ["EventPages", "Position", "Search"]

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from rum.v1.control_plane_service_pb2 import GetAppMonitorDataResponse
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.control.scan import Scan
from rum_service.events.document import (
    event_document,
    event_ms,
    merged_metadata,
    parse_session_metadata,
)
from rum_service.events.filter import EventFilter
from rum_service.page_tokens import decode_token, encode_token
from rum_service.storage.base import LogStore, Replica
from rum_service.storage.records import AppMonitorRecord, LoggedBatch

# A page of several events stays below this: gRPC clients accept 4 MiB by default.
_MAX_PAGE_BYTES = 1 << 20
# The first read for a page is small, because the newest batches usually fill it.
_FIRST_BATCHES = 4
_BATCHES_PER_READ = 64


@dataclass(frozen=True, slots=True)
class Position:
    """A position in the log, from which reading continues toward older events."""

    sequence: int
    """Of the batch to read first."""
    remaining: int = sys.maxsize
    """The number of events in that batch, counted from its first, that are not read yet."""

    @classmethod
    def of_token(cls, token: str) -> Position:
        """Return the position in a page token. Raises ValidationException."""
        return cls(*decode_token("NextToken", token, int, int))

    def token(self) -> str:
        """Return the page token for this position."""
        return encode_token(self.sequence, self.remaining)


@dataclass(frozen=True, slots=True)
class Search:
    """The events that a request selects."""

    monitor: AppMonitorRecord
    after_ms: int
    before_ms: int
    """The time range, both ends included, in milliseconds since the Unix epoch."""
    filter: EventFilter


class EventPages:
    """Builds pages. It blocks, and may be used from any thread.

    Args:
        account_id: of the account in the events' documents.
        on_damaged: takes the sequence of a batch that is skipped because it cannot be decoded.
    """

    def __init__(self, *, account_id: str, on_damaged: Callable[[int], None]) -> None:
        self._account_id = account_id
        self._on_damaged = on_damaged

    def page(
        self,
        log: LogStore | Replica,
        search: Search,
        start: Position | None,
        scan: Scan,
        *,
        max_events: int,
    ) -> GetAppMonitorDataResponse:
        """Return a page of the selected events. It ends early when the scan must stop.

        Args:
            start: where the page begins. None: with the newest event.
        """
        response = GetAppMonitorDataResponse()
        page_bytes = 0
        for position, document in self._documents(log, search, start, scan):
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
        self, log: LogStore | Replica, search: Search, start: Position | None, scan: Scan
    ) -> Iterator[tuple[Position, str | None]]:
        """Yield the documents of the selected events, newest first.

        Each comes with the position that reads it again. When the scan reaches its limit, the last
        item is the position to continue from, without a document.
        """
        below = start.sequence + 1 if start else None
        limit = _FIRST_BATCHES
        while True:
            found = log.read(
                search.monitor.key,
                below=below,
                after_ms=search.after_ms,
                before_ms=search.before_ms,
                limit=limit,
                max_bytes=scan.remaining_bytes,
            )
            for logged in found.batches:
                remaining = sys.maxsize
                if start and start.sequence == logged.sequence:
                    remaining = start.remaining
                for index, document in self._batch_documents(search, scan, logged, remaining):
                    if document is None:
                        yield Position(logged.sequence, index), None
                        return
                    yield Position(logged.sequence, index + 1), document
                if scan.is_over():
                    yield Position(logged.sequence - 1), None
                    return
            for _ in found.damaged:
                scan.add_batch(b"", 0)
            below = found.below
            if below is None:
                return
            if scan.is_over():
                yield Position(below - 1), None
                return
            limit = min(2 * limit, _BATCHES_PER_READ)

    def _batch_documents(
        self, search: Search, scan: Scan, logged: LoggedBatch, remaining: int
    ) -> Iterator[tuple[int, str | None]]:
        """Yield index and document of each selected event, starting at index `remaining` - 1.

        When the scan runs out of time, the last item is the number of events that remain, without
        a document. Most events do not match, so the cheap conditions come first.
        """
        if not search.filter.may_match(logged.content):
            scan.add_batch(logged.content, 0)
            return
        try:
            batch = PutRumEventsRequest.FromString(logged.content)
        except DecodeError:  # damaged, and stored by a version without checksums
            self._on_damaged(logged.sequence)
            scan.add_batch(logged.content, 0)
            return
        events = list(batch.rum_events)[:remaining]
        scan.add_batch(logged.content, len(events))
        session = parse_session_metadata(batch, logged.country)
        for index in range(len(events) - 1, -1, -1):
            event = events[index]
            if not search.after_ms <= event_ms(event) <= search.before_ms:
                continue
            if not search.filter.matches_type(event.type):
                continue
            metadata = merged_metadata(session, event)
            if search.filter.matches_metadata(metadata):
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
            if index and scan.is_out_of_time():
                yield index, None
                return
