"""GetAppMonitorData: reads events from the log, the batch acknowledged last first.

Pages are stable without a snapshot: a token says where in the log the page ended, the next page
goes on below it, and what arrives meanwhile lands above it.
Source: GetAppMonitorData API page.
"""

from __future__ import annotations

__all__ = ["Readback"]

import asyncio
import sys
from collections.abc import Iterator
from concurrent.futures import Executor
from functools import partial

import zstandard

from rum.v1.control_plane_service_pb2 import GetAppMonitorDataRequest, GetAppMonitorDataResponse
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.control.app_monitors import AppMonitors
from rum_service.control.constraints import validate_control
from rum_service.control.paging import decode_token, encode_token
from rum_service.events.document import event_document, event_ms, merged_metadata
from rum_service.events.filter import EventFilter
from rum_service.storage.base import LogStore
from rum_service.storage.records import AppMonitorRecord, LoggedBatch

_DEFAULT_PAGE = 100
# How much one call may look through. A filter that matches nothing must not hold a thread for the
# length of the log: the page ends early, with a token, and the caller goes on.
_MAX_BATCHES = 2000
_MAX_EVENTS = 100_000
_BATCHES_AT_ONCE = 50
# A page of more than one event is no longer: gRPC clients take 4 MiB unless told otherwise.
_MAX_PAGE_BYTES = 1 << 20
_LATEST_MS = 2**62

_Position = tuple[int, int]
"""Where a page ended: a batch's sequence, and how many of its events are still to come."""


class Readback:
    """The use case. To be used on one event loop; reading happens on the executor's threads."""

    def __init__(
        self, monitors: AppMonitors, log: LogStore, executor: Executor, *, account_id: str
    ) -> None:
        self._monitors = monitors
        self._log = log
        self._executor = executor
        self._account_id = account_id

    async def get(self, request: GetAppMonitorDataRequest) -> GetAppMonitorDataResponse:
        """Returns a page of events. Raises ValidationException or ResourceNotFoundException."""
        validate_control(request)
        matches = EventFilter(request.filters)
        start = _position(request.next_token) if request.next_token else None
        monitor = await self._monitors.by_name(request.name)
        read = partial(self._read, request, monitor, matches, start)
        return await asyncio.get_running_loop().run_in_executor(self._executor, read)

    def _read(
        self,
        request: GetAppMonitorDataRequest,
        monitor: AppMonitorRecord,
        matches: EventFilter,
        start: _Position | None,
    ) -> GetAppMonitorDataResponse:
        after = request.time_range.after
        before = request.time_range.before if request.time_range.HasField("before") else _LATEST_MS
        size = request.max_results or _DEFAULT_PAGE
        response = GetAppMonitorDataResponse()
        batches = events = page_bytes = 0
        for logged in self._batches(monitor.key, start, after, before):
            if batches == _MAX_BATCHES or events >= _MAX_EVENTS:
                response.next_token = encode_token(logged.sequence, sys.maxsize)
                break
            batch = PutRumEventsRequest.FromString(zstandard.decompress(logged.payload))
            left = len(batch.rum_events)
            batches += 1
            events += left
            if start and start[0] == logged.sequence:
                left = min(left, start[1])
            for index in range(left - 1, -1, -1):
                event = batch.rum_events[index]
                if not after <= event_ms(event) <= before:
                    continue
                metadata = merged_metadata(batch, event)
                if not matches(event, metadata):
                    continue
                document = event_document(
                    batch,
                    event,
                    metadata,
                    monitor_name=monitor.name,
                    account_id=self._account_id,
                )
                page_bytes += len(document.encode())
                full = len(response.events) == size or page_bytes > _MAX_PAGE_BYTES
                if full and response.events:
                    response.next_token = encode_token(logged.sequence, index + 1)
                    return response
                response.events.append(document)
        return response

    def _batches(
        self, key: int, start: _Position | None, after: int, before: int
    ) -> Iterator[LoggedBatch]:
        below = start[0] + 1 if start else None
        while True:
            page = self._log.read(
                key, below=below, after_ms=after, before_ms=before, limit=_BATCHES_AT_ONCE
            )
            yield from page
            if len(page) < _BATCHES_AT_ONCE:
                return
            below = page[-1].sequence


def _position(token: str) -> _Position:
    sequence, left = decode_token("NextToken", token, int, int)
    # Clamped to what a database column holds: any number may come back as a token.
    return min(max(int(sequence), 0), 2**62), max(int(left), 0)
