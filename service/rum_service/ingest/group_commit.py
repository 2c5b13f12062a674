"""One transaction, and one fsync, for all batches that wait at the same moment."""

from __future__ import annotations

__all__ = ["GroupCommit"]

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import structlog

from rum_service.errors import ThrottlingException
from rum_service.storage.records import Batch

logger = structlog.get_logger()

Append = Callable[[Sequence[Batch]], list[bool]]
Outcome = bool | Exception
_Waiting = tuple[Batch, "asyncio.Future[bool]"]

# Under load a writer that lingers finds larger groups. Without, a unary call costs 1.2 (1 event) to
# 1.4 times (50) the CPU, REST, whose puts come together, 1.1 times. Alone, lingering would only add
# its own length to the answer (2026-11, 2 cores).
_LINGER_S = 0.001
# Batches of one failed group are tried one by one, until this many fail in a row: then it is the
# store that fails, not a batch, and the callers should hear of it soon.
_FAILURES_IN_A_ROW = 3
# What a waiting batch takes beside its payload, roughly: small ones are many before they are long.
_OBJECTS_BYTES = 1024


class GroupCommit:
    """A bounded queue before a store, and the one thread that writes.

    Every batch that is taken is answered, whatever fails: with the store's answer or its exception.
    A transaction that fails is tried again batch by batch, so that one bad batch fails alone.
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
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._write, name="group-commit")
        self._thread.start()

    def submit(self, batch: Batch) -> asyncio.Future[bool]:
        """Queues a batch; does not block. To be called on the event loop.

        Returns:
            What `LogStore.append` says of the batch, once it is committed.

        Raises:
            ThrottlingException: too many bytes wait already, or the service is stopping.
        """
        if self._stopping:
            raise ThrottlingException("The service is stopping.", retry_after_seconds=1)
        # When nothing waits any is taken, or one longer than all that may wait never would be.
        if self._waiting_bytes and self._waiting_bytes + _weight(batch) > self._max_waiting_bytes:
            raise ThrottlingException(
                "More batches wait to be stored than the service may hold.",
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

    async def stop(self) -> None:
        """Commits what waits, answers it, and ends the thread."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        await asyncio.to_thread(self._thread.join)
        await asyncio.sleep(0)  # the last answers were scheduled before the thread ended

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
                continue  # the caller went away; its batch is stored all the same
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)


def _weight(batch: Batch) -> int:
    return len(batch.payload) + _OBJECTS_BYTES
