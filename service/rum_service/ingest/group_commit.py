"""Commits all batches that wait at the same moment in one transaction, with one fsync."""

from __future__ import annotations

__all__ = ["GroupCommit"]

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

import structlog

from rum_service.errors import ThrottlingException
from rum_service.storage.records import Appended, Batch

logger = structlog.get_logger()

Append = Callable[[Sequence[Batch]], list[Appended]]
Outcome = Appended | Exception
_Waiting = tuple[Batch, "asyncio.Future[Appended]"]

# Under load a writer that lingers commits larger groups. Without it a unary call costs 1.2 times
# (1 event) to 1.4 times (50 events) the CPU, and a REST put, which arrives with others, 1.1 times.
# For a lone batch, lingering would only delay the response (2026-11, 2 cores).
_LINGER_S = 0.001
# The batches of a failed group are retried one by one until this many fail in a row. The store
# fails then, not a batch, and the callers should learn it soon.
_FAILURES_IN_A_ROW = 3
# Fixed overhead per batch, so that many small batches also reach the limit.
_OBJECTS_BYTES = 1024


class GroupCommit:
    """A bounded queue in front of a store, and the one thread that writes.

    Every accepted batch is answered, whatever fails: with the store's result or its exception. The
    batches of a failed transaction are retried one by one, so that one bad batch fails alone.
    The context manager starts the thread and stops it.
    """

    def __init__(
        self,
        append: Append,
        *,
        max_waiting_bytes: int,
        max_group_bytes: int,
        linger_s: float = _LINGER_S,
    ) -> None:
        self._append = append
        self._max_waiting_bytes = max_waiting_bytes
        self._max_group_bytes = max_group_bytes
        self._linger_s = linger_s
        self._queue: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._stopping = False
        self._wake = threading.Condition()
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
        with self._wake:
            self._stopping = True
            self._wake.notify()
        await asyncio.to_thread(self._thread.join)
        await asyncio.sleep(0)  # the last results were scheduled before the thread ended

    def submit(self, batch: Batch) -> asyncio.Future[Appended]:
        """Queue a batch. Does not block. Call this on the event loop.

        Returns:
            The result of `LogStore.append` for the batch, once it is committed.

        Raises:
            ThrottlingException: too many bytes wait already, or the service is stopping.
        """
        if self._stopping:
            raise ThrottlingException("The service is stopping.", retry_after_seconds=1)
        # An empty queue accepts any batch; otherwise an oversized batch could never be stored.
        if self._waiting_bytes and self._waiting_bytes + _weight(batch) > self._max_waiting_bytes:
            raise ThrottlingException(
                "Too many batches are waiting to be stored.",
                service_code="rum",
                quota_code="waiting-batches",
                retry_after_seconds=1,
            )
        future = self._loop.create_future()
        with self._wake:
            self._queue.append((batch, future))
            self._wake.notify()
        self._waiting_bytes += _weight(batch)
        return future

    def _write(self) -> None:
        lone = True
        while group := self._next_group(linger=not lone):
            lone = len(group) == 1
            outcomes = self._commit([batch for batch, _ in group])
            self._loop.call_soon_threadsafe(self._answer, group, outcomes)

    def _next_group(self, *, linger: bool) -> list[_Waiting]:
        with self._wake:
            while not self._queue:
                if self._stopping:
                    return []
                self._wake.wait()
        if linger:
            time.sleep(self._linger_s)
        group: list[_Waiting] = []
        size = 0
        while self._queue and (not group or size < self._max_group_bytes):
            waiting = self._queue.popleft()
            group.append(waiting)
            size += len(waiting[0].payload)
        return group

    def _commit(self, batches: list[Batch]) -> list[Outcome]:
        try:
            return list(self._append(batches))
        except Exception as error:
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

    def _answer(self, group: list[_Waiting], outcomes: list[Outcome]) -> None:
        for (batch, future), outcome in zip(group, outcomes, strict=True):
            self._waiting_bytes -= _weight(batch)
            if future.done():
                continue  # the caller has gone; its batch is stored all the same
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)


def _weight(batch: Batch) -> int:
    return len(batch.payload) + _OBJECTS_BYTES
