"""GetAppMonitorData: reads events from the log, newest batch first.

Pages are stable without a snapshot: a token names a position in the log, the next page continues
below it, and new batches are added above it.
Source: GetAppMonitorData API page.
"""

from __future__ import annotations

__all__ = ["Readback"]

import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from google.protobuf.message import DecodeError

from rum.v1.control_plane_service_pb2 import GetAppMonitorDataRequest, GetAppMonitorDataResponse
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.control.app_monitors import AppMonitors
from rum_service.control.constraints import validate_control
from rum_service.control.paging import decode_token, encode_token
from rum_service.control.scan import Caller, Scan, ScanLimits
from rum_service.events.document import (
    event_document,
    event_ms,
    merged_metadata,
    parse_session_metadata,
)
from rum_service.events.filter import EventFilter
from rum_service.storage.base import LogStore, Replica, ReplicaUnavailableError
from rum_service.storage.records import AppMonitorRecord, LoggedBatch
from rum_service.storage.threads import on_thread

logger = structlog.get_logger()

_DEFAULT_PAGE_EVENTS = 100
# A page of several events stays below this: gRPC clients accept 4 MiB by default.
_MAX_PAGE_BYTES = 1 << 20
# The first read for a page is small, because the newest batches usually fill it.
_FIRST_BATCHES = 4
_BATCHES_PER_READ = 64
# Puts run in the same interpreter and wait while a reader runs Python code. A sleep lets them run;
# a sleep of zero usually does not.
_SHORT_PAUSE_S = 0.00005
# While puts wait for the store, the pause is this many times the CPU time since the last one, times
# the number of readers: together they get a tenth of the time.
_LONG_PAUSE = 10
_LIMITS = ScanLimits()
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

    A filter that matches nothing cannot occupy a thread for the whole log: each call scans at most
    what `limits` allows.

    Args:
        replica: read first, if there is one. The log is read when the replica cannot be.
        on_damaged: takes the sequence of a batch that is skipped because it cannot be decoded.
        is_busy: returns whether puts are waiting. Reading pauses longer then.
        clock: monotonic, in seconds.
        cpu_clock: the CPU time of the calling thread, in seconds.
    """

    def __init__(
        self,
        monitors: AppMonitors,
        log: LogStore,
        executor: Executor,
        *,
        account_id: str,
        replica: Replica | None = None,
        on_damaged: Callable[[int], None] = lambda _sequence: None,
        is_busy: Callable[[], bool] = lambda: False,
        limits: ScanLimits = _LIMITS,
        clock: Callable[[], float] = time.monotonic,
        cpu_clock: Callable[[], float] = time.thread_time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._monitors = monitors
        self._log = log
        self._replica = replica
        self._executor = executor
        self._account_id = account_id
        self._on_damaged = on_damaged
        self._is_busy = is_busy
        self._limits = limits
        self._clock = clock
        self._cpu_clock = cpu_clock
        self._sleep = sleep
        self._reading = 0
        self._reading_lock = threading.Lock()

    async def get(
        self,
        request: GetAppMonitorDataRequest,
        *,
        on_lag: Callable[[float], None] | None = None,
    ) -> GetAppMonitorDataResponse:
        """Return a page of events. Raises ValidationException or ResourceNotFoundException.

        A page that takes too long ends early. A call that is cancelled stops reading.

        Args:
            on_lag: called if the page was read from the replica, with the seconds that the replica
                was behind, at most.
        """
        caller = Caller(self._clock() + self._limits.wall_s, self._clock)
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
        try:
            response, lag_s = await on_thread(
                self._executor, self._newest_page, search, start, max_events, caller
            )
            if on_lag and lag_s is not None:
                on_lag(lag_s)
            return response
        finally:
            caller.has_gone = True

    def _pause(self, cpu_s: float) -> None:
        """Let other threads run after `cpu_s` seconds of CPU time."""
        busy = self._is_busy()
        self._sleep(cpu_s * _LONG_PAUSE * self._reading if busy else _SHORT_PAUSE_S)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._reading_lock:
            self._reading += 1
        try:
            yield
        finally:
            with self._reading_lock:
                self._reading -= 1

    def _newest_page(
        self, search: _Search, start: _Position | None, max_events: int, caller: Caller
    ) -> tuple[GetAppMonitorDataResponse, float | None]:
        """Return a page, and how far the replica is behind if it was read from the replica."""
        if self._replica:
            try:
                lag_s = self._replica.lag_s()  # before the read, which may see later batches
                return self._page(search, start, max_events, caller, self._replica), lag_s
            except ReplicaUnavailableError as error:
                logger.warning("replica not read", reason=str(error))
        return self._page(search, start, max_events, caller, self._log), None

    def _page(
        self,
        search: _Search,
        start: _Position | None,
        max_events: int,
        caller: Caller,
        log: LogStore | Replica,
    ) -> GetAppMonitorDataResponse:
        response = GetAppMonitorDataResponse()
        page_bytes = 0
        with self._counted():
            for position, document in self._documents(search, start, caller, log):
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
        self,
        search: _Search,
        start: _Position | None,
        caller: Caller,
        log: LogStore | Replica,
    ) -> Iterator[tuple[_Position, str | None]]:
        """Yield the documents of the selected events, newest first.

        Each comes with the position that reads it again. When the scan reaches its limit, the last
        item is the position to continue from, without a document.
        """
        scan = Scan(self._limits, caller, self._pause, self._cpu_clock)
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
                        yield _Position(logged.sequence, index), None
                        return
                    yield _Position(logged.sequence, index + 1), document
                if scan.is_over():
                    yield _Position(logged.sequence - 1), None
                    return
            for _ in found.damaged:
                scan.add_batch(b"", 0)
            below = found.below
            if below is None:
                return
            if scan.is_over():
                yield _Position(below - 1), None
                return
            limit = min(2 * limit, _BATCHES_PER_READ)

    def _batch_documents(
        self, search: _Search, scan: Scan, logged: LoggedBatch, remaining: int
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
