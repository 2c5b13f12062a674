"""Commits all batches that wait at the same moment in one transaction, with one fsync.

event loop      reserve → submit → a queue
writer thread   queue → turns of app monitors → group → append → results
"""

from __future__ import annotations

__all__ = ["GroupCommit"]

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import NamedTuple, Self

import structlog

from rum_endpoint.histogram import BATCH_COUNTS, SECONDS, Histogram
from rum_service.errors import ThrottlingException
from rum_service.ingest.speed import Speed
from rum_service.ingest.turns import Turns
from rum_service.storage.records import Appended, Batch

logger = structlog.get_logger()

Append = Callable[[Sequence[Batch]], Sequence[Appended]]
Outcome = Appended | Exception
Count = Callable[[Sequence[Batch], Sequence[Appended | BaseException]], None]
"""Takes the outcomes of batches, CancelledError for those that were dropped because their caller
had gone. Called on the event loop.
"""

# A writer that lingers commits larger groups, and its transactions cost less per batch. It waits
# longer, the more batches the last group had. With 32 calls in flight this saves a fifth of the CPU
# of a call with one event, compared with 1 ms for each group (2026-11, 2 cores). A lone batch does
# not wait.
_LINGER_S = 0.0002
_MAX_LINGER_S = 0.003
# How long a new batch may have to wait for those before it. Callers that wait longer have often
# gone.
_MAX_WAIT_S = 1.5
# The batches of a failed group are retried one by one until this many fail in a row. The store
# fails then, not a batch, and the callers should learn it soon.
_FAILURES_IN_A_ROW = 3
# Fixed overhead per batch, so that many small batches also reach the limit.
_OBJECTS_BYTES = 1024


class _Waiting(NamedTuple):
    """The batches of one call, and the future for their outcomes."""

    batches: list[Batch]
    future: asyncio.Future[list[Outcome]]
    size: int

    @property
    def app_monitor(self) -> int:
        """The app monitor whose turn the call takes: that of its first batch."""
        return self.batches[0].app_monitor


class GroupCommit:
    """A bounded queue in front of a store, and the one thread that writes.

    Every accepted batch is answered, whatever fails: with the store's result or its exception. The
    batches of a failed transaction are retried one by one, so that one bad batch fails alone.
    Batches whose caller has gone are not stored, if their group has not begun.
    The context manager starts the thread and stops it.
    """

    def __init__(
        self,
        append: Append,
        *,
        count: Count | None = None,
        max_waiting_bytes: int,
        max_group_bytes: int,
        linger_s: float = _LINGER_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Args:
        linger_s: how long to wait for more batches, in seconds for each batch of the last group.
        clock: monotonic, in seconds.
        """
        self._append = append
        self._count = count or (lambda _batches, _outcomes: None)
        self._max_waiting_bytes = max_waiting_bytes
        self._max_group_bytes = max_group_bytes
        self._linger_s = linger_s
        self._clock = clock
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._turns: Turns[_Waiting] = Turns()
        self._closed = False
        self._speed = Speed()
        self._waiting_bytes = 0
        # When each call was queued, oldest first.
        self._queued_s: dict[asyncio.Future[list[Outcome]], float] = {}
        self._stopping = False
        self.wait_seconds = Histogram(SECONDS)
        """How long calls wait: in the queue and for the transaction."""
        self.commit_seconds = Histogram(SECONDS)
        """How long transactions take, with the retries of a failed one."""
        self.commit_batches = Histogram(BATCH_COUNTS)
        """How many batches a transaction has."""
        self.failed_commits = 0
        """The number of transactions that failed."""
        self._thread = threading.Thread(target=self._write, name="group-commit")

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Commit what waits, answer it, and end the thread."""
        self._stopping = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        await asyncio.sleep(0)  # the last results were scheduled before the thread ended

    @property
    def is_busy(self) -> bool:
        """Whether batches wait to be committed. May be read on any thread."""
        return self._waiting_bytes > 0

    @property
    def waiting_bytes(self) -> int:
        """The total size of the batches that wait."""
        return self._waiting_bytes

    @property
    def waiting_calls(self) -> int:
        """The number of calls that wait."""
        return len(self._queued_s)

    @property
    def oldest_s(self) -> float:
        """For how many seconds the oldest call has been waiting. 0 if none waits."""
        queued_s = next(iter(self._queued_s.values()), None)
        return 0.0 if queued_s is None else self._loop.time() - queued_s

    def reserve(self, batch: Batch) -> None:
        """Count a batch that `submit` will queue. Call this on the event loop.

        Raises:
            ThrottlingException: too many bytes wait already, or the service is stopping.
        """
        if self._stopping:
            raise ThrottlingException("The service is stopping.", retry_after_seconds=1)
        size = _size(batch)
        # An empty queue accepts any batch; otherwise an oversized batch could never be stored.
        if self._waiting_bytes and self._waiting_bytes + size > self._limit():
            raise ThrottlingException(
                "Too many batches are waiting to be stored.",
                service_code="rum",
                quota_code="waiting-batches",
                retry_after_seconds=1,
            )
        self._waiting_bytes += size

    def submit(self, batches: list[Batch]) -> asyncio.Future[list[Outcome]]:
        """Queue the reserved batches of one call. Does not block. Call this on the event loop.

        Returns:
            For each batch, in order, what `LogStore.append` returned, or the exception that it
            raised, once the transaction has ended.
        """
        future: asyncio.Future[list[Outcome]] = self._loop.create_future()
        self._queued_s[future] = self._loop.time()
        self._queue.put(_Waiting(batches, future, sum(map(_size, batches))))
        return future

    def _limit(self) -> float:
        """Return how many bytes may wait.

        Those that the store commits in the longest wait, and always the group in progress and the
        next one: a slow disk must not keep callers from using what it can do.
        """
        in_time = max(2 * self._max_group_bytes, self._speed.bytes_per_s * _MAX_WAIT_S)
        return min(in_time, self._max_waiting_bytes)

    def _write(self) -> None:
        last_group = 1
        while group := self._next_group(last_group):
            began = self._clock()
            batches = [batch for waiting in group for batch in waiting.batches]
            last_group = len(batches)
            outcomes = self._commit(batches)
            took_s = self._clock() - began
            self.commit_seconds.observe(took_s)
            self.commit_batches.observe(len(batches))
            self._loop.call_soon_threadsafe(self._answer, group, outcomes, took_s)

    def _next_group(self, last_group: int) -> list[_Waiting]:
        """Wait for work. An empty list means that the queue is closed and empty."""
        group: list[_Waiting] = []
        while not group and self._wait(last_group):
            size = 0
            while self._turns and size < self._max_group_bytes:
                waiting = self._turns.take()
                if waiting.future.cancelled():
                    self._loop.call_soon_threadsafe(self._drop, waiting)
                else:
                    group.append(waiting)
                    size += waiting.size
        return group

    def _wait(self, last_group: int) -> bool:
        """Move what is in the queue to the turns. Wait if there is nothing.

        Returns:
            False if the queue is closed and everything has been taken.
        """
        if not self._turns:
            if self._closed:
                return False
            self._sort_in(self._queue.get())
            if last_group > 1:
                time.sleep(min(last_group * self._linger_s, _MAX_LINGER_S))
        with suppress(Empty):
            while True:
                self._sort_in(self._queue.get_nowait())
        return True

    def _sort_in(self, waiting: _Waiting | None) -> None:
        if waiting is None:
            self._closed = True
        else:
            self._turns.add(waiting.app_monitor, waiting)

    def _commit(self, batches: list[Batch]) -> list[Outcome]:
        try:
            return list(self._append(batches))
        except Exception as error:
            self.failed_commits += 1
            logger.exception("commit failed", batches=len(batches))
            if len(batches) == 1:
                return [error]
        outcomes: list[Outcome] = []
        for batch in batches:
            last = outcomes[-_FAILURES_IN_A_ROW:]
            if len(last) == _FAILURES_IN_A_ROW and all(isinstance(o, Exception) for o in last):
                outcomes.append(last[-1])
            else:
                outcomes += self._commit([batch])
        return outcomes

    def _answer(self, group: list[_Waiting], outcomes: list[Outcome], took_s: float) -> None:
        self._speed.add(sum(waiting.size for waiting in group), took_s)
        start = 0
        for waiting in group:
            end = start + len(waiting.batches)
            self._release(waiting, outcomes[start:end])
            if not waiting.future.done():  # a caller that has gone cancelled it
                waiting.future.set_result(outcomes[start:end])
            start = end

    def _drop(self, waiting: _Waiting) -> None:
        """End the wait of batches whose caller has gone."""
        self._release(waiting, [asyncio.CancelledError()] * len(waiting.batches))

    def _release(self, waiting: _Waiting, outcomes: Sequence[Appended | BaseException]) -> None:
        self._waiting_bytes -= waiting.size
        queued_s = self._queued_s.pop(waiting.future)
        self.wait_seconds.observe(self._loop.time() - queued_s)
        self._count(waiting.batches, outcomes)


def _size(batch: Batch) -> int:
    return len(batch.content) + _OBJECTS_BYTES
