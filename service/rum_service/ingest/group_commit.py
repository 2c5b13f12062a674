"""Commits all batches that wait at the same moment in one transaction, with one fsync.

event loop      reserve → submit → a queue
writer thread   queue → group → commit → results
"""

from __future__ import annotations

__all__ = ["GroupCommit"]

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from types import TracebackType
from typing import Self

import structlog

from rum_endpoint.histogram import SECONDS, Histogram
from rum_service.errors import ThrottlingException
from rum_service.ingest.commits import Append, Commits, Outcome
from rum_service.ingest.group_queue import LINGER_S, GroupQueue, WaitingCall
from rum_service.ingest.overload import too_many_waiting
from rum_service.ingest.speed import Speed
from rum_service.ingest.store_check import StoreCheck
from rum_service.storage.records import Batch

logger = structlog.get_logger()

Count = Callable[[Sequence[Batch], Sequence[Outcome | BaseException]], None]
"""Takes outcomes on the event loop, CancelledError for batches whose caller had gone."""

# How long a new batch may have to wait for those before it. Callers that wait longer have often
# gone.
_MAX_WAIT_S = 1.5
# Fixed overhead per batch, so that many small batches also reach the limit.
_OBJECTS_BYTES = 1024
# How long the responses of the last group have to leave before the process ends.
_LAST_RESPONSES_S = 0.5
_NO_OUTCOME = RuntimeError("the writer failed")


class GroupCommit:
    """A bounded queue in front of the store, and the only thread that writes.

    Every accepted batch gets the store's result or its exception. The batches in a failed
    transaction are retried one by one, so that one bad batch fails alone.
    If the thread cannot go on, nothing can be stored any more, and `on_end` is called.
    Batches whose caller has gone are not stored, if their group has not begun.
    The context manager starts the thread and stops it.
    """

    def __init__(
        self,
        append: Append,
        *,
        check: Callable[[], None],
        on_end: Callable[[BaseException], object],
        count: Count | None = None,
        max_waiting_bytes: int,
        max_group_bytes: int,
        linger_s: float = LINGER_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Args:
        check: raises if an append would fail. Called on the thread that writes.
        on_end: called on the thread that writes, when it ends because of an error.
        linger_s: how long to wait for more calls, in seconds for each call of the last group.
        clock: monotonic, in seconds.
        """
        self.commits = Commits(append, clock=clock)
        self._on_end = on_end
        self._count = count or (lambda _batches, _outcomes: None)
        self._max_waiting_bytes = max_waiting_bytes
        self._max_group_bytes = max_group_bytes
        self._clock = clock
        self._queue = GroupQueue(
            check=check,
            drop=lambda call: self._loop.call_soon_threadsafe(self._drop, call),
            max_group_bytes=max_group_bytes,
            linger_s=linger_s,
        )
        self._speed = Speed()
        self._waiting_bytes = 0
        self._limit: float = max_waiting_bytes
        # When each call was queued, oldest first.
        self._queued_s: dict[asyncio.Future[list[Outcome]], float] = {}
        self._stopping = False
        self.wait_seconds = Histogram(SECONDS)
        """How long calls wait: in the queue and for the transaction."""
        # A daemon: an error that skips `stop` must not leave a process that waits for the thread.
        self._thread = threading.Thread(target=self._write, name="group-commit", daemon=True)

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
        self._queue.close()
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
        if self._waiting_bytes and self._waiting_bytes + size > self._limit:
            raise too_many_waiting()
        self._waiting_bytes += size

    def submit(self, batches: list[Batch]) -> asyncio.Future[list[Outcome]]:
        """Queue the reserved batches of one call. Does not block. Call this on the event loop.

        Returns:
            For each batch, in order, what `LogStore.append` returned, or the exception that it
            raised, once the transaction has ended.
        """
        future: asyncio.Future[list[Outcome]] = self._loop.create_future()
        self._queued_s[future] = self._loop.time()
        self._queue.put(WaitingCall(batches, future, sum(map(_size, batches))))
        return future

    async def check(self) -> None:
        """Return if the store takes batches. The check waits in the queue as a batch does.

        Raises:
            Exception: what would make an append fail, or what made the last one fail just now.
        """
        if self._stopping:
            raise ThrottlingException("The service is stopping.")
        check = StoreCheck(self._loop)
        self._queue.put(check)
        await check.ended
        if self.commits.is_failing:
            raise RuntimeError("the last batches were not stored")

    def _new_limit(self) -> float:
        """Return how many bytes may wait.

        As many as the store commits within the longest wait, but at least those in the present and
        the next group, so that callers can use a slow disk at its full speed.
        """
        in_time = max(2 * self._max_group_bytes, self._speed.bytes_per_s * _MAX_WAIT_S)
        return min(in_time, self._max_waiting_bytes)

    def _write(self) -> None:
        try:
            while group := self._queue.next_group():
                self._store(group)
        except BaseException as error:
            if not self._loop.is_closed():  # otherwise the process is ending already
                time.sleep(_LAST_RESPONSES_S)
                self._on_end(error)

    def _store(self, group: list[WaitingCall]) -> None:
        """Store a group, and answer it whatever happens."""
        outcomes: Sequence[Outcome] | None = None
        took_s = 0.0
        try:
            began = self._clock()
            batches = [batch for call in group for batch in call.batches]
            outcomes = self.commits.commit(batches)
            took_s = self._clock() - began
            self.commits.seconds.observe(took_s)
            self.commits.batches.observe(len(batches))
        except Exception:  # such as MemoryError
            with suppress(Exception):
                logger.exception("writer failed")
        finally:
            self._loop.call_soon_threadsafe(self._answer, group, outcomes, took_s)

    def _answer(
        self, group: list[WaitingCall], outcomes: Sequence[Outcome] | None, took_s: float
    ) -> None:
        self._speed.add(sum(call.size for call in group), took_s)
        self._limit = self._new_limit()
        if outcomes is None:
            outcomes = [_NO_OUTCOME] * sum(len(call.batches) for call in group)
        each = iter(outcomes)
        answers = [(call, [*islice(each, len(call.batches))]) for call in group]
        for call, answer in answers:
            if not call.future.done():  # a caller that has gone cancelled it
                call.future.set_result(answer)
        # Only now: a failure to count must leave no caller without an answer.
        for call, answer in answers:
            self._release(call, answer)

    def _drop(self, call: WaitingCall) -> None:
        """End the wait of batches whose caller has gone."""
        self._release(call, [asyncio.CancelledError()] * len(call.batches))

    def _release(self, call: WaitingCall, outcomes: Sequence[Outcome | BaseException]) -> None:
        self._waiting_bytes -= call.size
        queued_s = self._queued_s.pop(call.future)
        self.wait_seconds.observe(self._loop.time() - queued_s)
        self._count(call.batches, outcomes)


def _size(batch: Batch) -> int:
    return len(batch.content) + _OBJECTS_BYTES
