"""GetAppMonitorData: reads events from the log or its replica, while puts continue.

Source: GetAppMonitorData API page.
"""

from __future__ import annotations

__all__ = ["Readback"]

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

import structlog

from rum.v1.control_plane_service_pb2 import GetAppMonitorDataRequest, GetAppMonitorDataResponse
from rum_service.control.app_monitors import AppMonitors
from rum_service.control.constraints import validate_control
from rum_service.control.event_pages import EventPages, Position, Search
from rum_service.control.scan import Scan, ScanLimits, WaitingCaller
from rum_service.events.filter import EventFilter
from rum_service.storage.base import LogStore, Replica, ReplicaUnavailableError
from rum_service.storage.threads import on_thread

logger = structlog.get_logger()

_DEFAULT_PAGE_EVENTS = 100
# Puts run in the same interpreter and wait while a reader runs Python code. A sleep lets them run;
# a sleep of zero usually does not.
_SHORT_PAUSE_S = 0.00005
# While puts wait for the store, the pause is this many times the CPU time since the last one, times
# the number of readers: together they get a tenth of the time.
_LONG_PAUSE = 10
_LIMITS = ScanLimits()
_LATEST_MS = 2**62


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
        self._pages = EventPages(account_id=account_id, on_damaged=on_damaged)
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
        caller = WaitingCaller(self._clock() + self._limits.wall_s, self._clock)
        validate_control(request)
        event_filter = EventFilter(request.filters)
        start = Position.of_token(request.next_token) if request.next_token else None
        times = request.time_range
        search = Search(
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
        self, search: Search, start: Position | None, max_events: int, caller: WaitingCaller
    ) -> tuple[GetAppMonitorDataResponse, float | None]:
        """Return a page, and how far the replica is behind if it was read from the replica."""
        if self._replica:
            try:
                lag_s = self._replica.lag_s()  # before the read, which may see later batches
                return self._page(self._replica, search, start, max_events, caller), lag_s
            except ReplicaUnavailableError as error:
                logger.warning("replica not read", reason=str(error))
        return self._page(self._log, search, start, max_events, caller), None

    def _page(
        self,
        log: LogStore | Replica,
        search: Search,
        start: Position | None,
        max_events: int,
        caller: WaitingCaller,
    ) -> GetAppMonitorDataResponse:
        scan = Scan(self._limits, caller, self._pause, self._cpu_clock)
        with self._counted():
            return self._pages.page(log, search, start, scan, max_events=max_events)
