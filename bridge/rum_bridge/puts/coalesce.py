"""Send puts that wait at the same time in one BatchPutRumEvents call.

With one call per put, service and bridge together use 2.4 times the CPU for one event and 1.6
times for 50 events (32 concurrent puts, 2 cores, 2026-11). A put that waits alone is sent at once:
as soon as the event loop has nothing else to do.
"""

from __future__ import annotations

__all__ = ["Coalescer"]

import asyncio
from collections.abc import Callable
from time import perf_counter

import grpc
import structlog
from google.rpc.status_pb2 import Status

from rum_bridge.errors import NO_ANSWER, HttpError, from_status, internal_error
from rum_bridge.http.disconnects import IsGone, never
from rum_bridge.limits.budget import ByteBudget
from rum_bridge.limits.deadlines import Deadlines
from rum_bridge.puts.put_queue import SLOW_S, PutQueue, WaitingPut
from rum_bridge.upstream.batch_put import BatchPut
from rum_endpoint.histogram import BATCH_COUNTS, SECONDS, Histogram

logger = structlog.get_logger()

# With one call, nothing is decoded while the store commits; with three, calls get smaller.
_MAX_CALLS = 2
# Slow calls are long enough without a second one before them.
_MAX_CALLS_IF_SLOW = 1
# A burst's requests arrive in many turns of the event loop. Without waiting for them, half of the
# calls had one put, and a put with one event took 13 % more CPU (32 concurrent puts, 2026-11).
_QUIET_TURNS = 2
_GATHER_S = 0.005
# Held puts are decoded in many turns. While calls are slow, the next one waits for more than the
# first of these turns.
_GATHER_IF_SLOW_S = 0.25
_TOO_LATE = Status(code=grpc.StatusCode.DEADLINE_EXCEEDED.value[0])


class Coalescer:
    """A bounded queue of puts for the service. Use it from one event loop only.

    Args:
        gather_s: how long a call waits at most while more puts keep arriving.
    """

    def __init__(
        self,
        batch_put: BatchPut,
        *,
        max_waiting_bytes: int,
        timeout_s: float,
        gather_s: float = _GATHER_S,
    ) -> None:
        self._batch_put = batch_put
        self.budget = ByteBudget(max_waiting_bytes)
        """Shared with the requests that are being read."""
        self._timeout_s = timeout_s
        self._gather_s = gather_s
        self.queue = PutQueue(self.budget)
        """The puts that wait. Call its `check` before you read the body of a put."""
        self.on_room: Callable[[], None] | None = None
        """Called when the queue has room after a call has taken puts."""
        self._calls: set[asyncio.Task[None]] = set()
        self._gathering = False
        self._deadlines = Deadlines(timeout_s, self._expire)
        self._fast = Deadlines(SLOW_S, self._note_slow_call)
        """Calls in progress that are not slow yet."""
        self._sent: set[asyncio.Future[Status]] = set()
        """Of the puts in calls that are in progress."""
        self.call_seconds = Histogram(SECONDS)
        """How long calls of the service take, with retries."""
        self.call_batches = Histogram(BATCH_COUNTS)
        """How many batches a call has."""
        self.failed_calls = 0
        """The number of calls without an answer for each batch."""

    @property
    def waiting_batches(self) -> int:
        """The number of batches that wait."""
        return len(self._deadlines)

    @property
    def oldest_s(self) -> float:
        """For how many seconds the oldest batch has been waiting."""
        return self._deadlines.oldest_s

    async def put(self, app_monitor_id: str, entry: bytes, is_gone: IsGone = never) -> None:
        """Return when the batch is on disk.

        Args:
            entry: a serialized BatchPutRumEventsRequest of one entry.
            is_gone: tells whether the client has disconnected. Its put is not sent then.

        Raises:
            HttpError: the batch was rejected, or the outcome is unknown. A retry with the same
                BatchId is safe.
        """
        self.budget.reserve(len(entry))
        future: asyncio.Future[Status] = asyncio.get_running_loop().create_future()
        self.queue.add(app_monitor_id, (entry, future, is_gone))
        self._start_soon()
        # When the service is down, puts that wait for several calls in a row would otherwise take
        # minutes to fail.
        self._deadlines.add(future)
        try:
            status = await future
        finally:
            self._deadlines.remove(future)
            # Its exception refers to this call: without `del`, both wait for the next garbage
            # collection.
            del future
        if status.code:
            raise from_status(status)
        self.queue.know(app_monitor_id)

    @property
    def _max_calls(self) -> int:
        return _MAX_CALLS_IF_SLOW if self.queue.is_slow else _MAX_CALLS

    def _start_soon(self) -> None:
        if not self._gathering and len(self._calls) < self._max_calls:
            self._gathering = True
            loop = asyncio.get_running_loop()
            gather_s = _GATHER_IF_SLOW_S if self.queue.is_slow else self._gather_s
            loop.call_soon(self._gather, loop.time() + gather_s)

    def _gather(self, until: float, seen: int = 0, quiet_turns: int = 0) -> None:
        """Start calls after some turns of the event loop that bring no put.

        Args:
            seen: how many puts waited one turn earlier.
            quiet_turns: how many turns in a row brought none.
        """
        loop = asyncio.get_running_loop()
        waiting = len(self.queue)
        quiet_turns = 0 if waiting > seen else quiet_turns + 1
        if quiet_turns < _QUIET_TURNS and loop.time() < until and self.queue.has_room:
            loop.call_soon(self._gather, until, waiting, quiet_turns)
        else:
            self._gathering = False
            self._start_calls()

    def _start_calls(self) -> None:
        while len(self._calls) < self._max_calls and (puts := self.queue.take()):
            task = asyncio.create_task(self._send(puts))
            self._sent.update(outcome for _, outcome, _ in puts)
            self._calls.add(task)
            task.add_done_callback(self._done)
        if self.on_room and self.queue.has_room:
            self.on_room()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        if self.queue:
            self._start_soon()

    async def _send(self, puts: list[WaitingPut]) -> None:
        began = perf_counter()
        self._fast.add(id(puts))
        self.call_batches.observe(len(puts))
        try:
            # Concatenated serialized requests are one serialized request.
            request = b"".join(entry for entry, _, _ in puts)
            response = await self._batch_put(request, self._timeout_s)
            self.queue.observe(perf_counter() - began, len(puts))
            # list() checks the number of statuses before any put gets one.
            for (_, future, _), status in list(zip(puts, response.statuses, strict=True)):
                if not future.done():
                    future.set_result(status)
        except Exception as error:
            self._fail(puts, error)
        finally:
            self._fast.remove(id(puts))
            self._sent.difference_update(outcome for _, outcome, _ in puts)
            self.call_seconds.observe(perf_counter() - began)
            self.budget.release(sum(len(entry) for entry, _, _ in puts))

    def _fail(self, puts: list[WaitingPut], error: Exception) -> None:
        """End puts whose call has failed. Call this while handling the exception."""
        self.failed_calls += 1
        if isinstance(error, HttpError):
            # The traceback refers to `_send`, which refers to the puts: see `PutEvents._rejection`.
            # So does gRPC's exception, whose frames refer to their callers since Python 3.13.
            failure = error.with_traceback(None)
            failure.__context__ = None
        elif isinstance(error, TimeoutError):
            failure = from_status(_TOO_LATE)
        else:
            logger.exception("put failed", requests=len(puts))
            failure = internal_error(NO_ANSWER)
        for _, future, _ in puts:
            if not future.done():
                future.set_exception(failure)

    def _note_slow_call(self, _: int) -> None:
        # Without waiting for its end: the queue has more room for the next call now.
        self.queue.is_slow = True
        if self.on_room:
            self.on_room()

    def _expire(self, put: asyncio.Future[Status]) -> None:
        # The limit of its call ends a put that has been sent. Only then is its outcome unknown.
        if not put.done() and put not in self._sent:
            put.set_exception(HttpError(503, "ServiceUnavailable", "The service is slow.", {}, 1))
