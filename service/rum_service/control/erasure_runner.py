"""Runs erasures in the background, one after the other.

    claim → search the log, newest first → rewrite what matches → scrub the files → finish

Each step is a small transaction that also notes the progress. So puts commit in between, and if a
service is killed, another one or its next start continues.
"""

from __future__ import annotations

__all__ = ["ErasureRunner"]

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from types import TracebackType
from typing import Any

import structlog

from rum_service.background import Background
from rum_service.control.erasure_search import ErasureSearch
from rum_service.events.subjects import Subject
from rum_service.storage.base import ErasureStore
from rum_service.storage.records import ErasureRecord
from rum_service.storage.threads import on_thread

logger = structlog.get_logger()

# After this number of steps without a match, store how far the search is.
_STEPS_PER_NOTE = 256
_RETRY_S = 5.0
# If a service is killed, its claim ends after this time, and a service that looks continues.
_CLAIM_S, _CLAIM_AGAIN_S = 10.0, 4.0
_LOOK_S = 10.0
_SCRUBS, _SCRUB_RETRY_S = 60, 0.5


class _ClaimedElsewhereError(Exception):
    """Another service works on the erasure."""


class ErasureRunner(Background):
    """Works on erasures. For use on one event loop; the store works on the executor's threads.

    Until its end, the context manager looks for erasures that no service works on, and continues
    them. Its end interrupts them.

    Args:
        clock: Unix seconds.
    """

    def __init__(
        self,
        store: ErasureStore,
        search: ErasureSearch,
        executor: Executor,
        *,
        clock: Callable[[], float],
    ) -> None:
        super().__init__()
        self._store = store
        self._search = search
        self._executor = executor
        self._clock = clock
        self._turn = asyncio.Lock()
        self._running: set[int] = set()
        self._claims: dict[int, int] = {}
        """When the claims of this service end."""
        self._below: dict[int, int] = {}
        """The progress of erasures in this process. The store is updated less often."""
        self.unfinished: Sequence[ErasureRecord] = ()
        """The erasures that had not finished when this service looked last."""
        self.erased_events = Counter[str]()
        """The events that this service has erased, by app monitor name."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await super().__aexit__(kind, error, traceback)
        # The next start need not wait for the end of the claims.
        await asyncio.gather(*(self._release(*claim) for claim in self._claims.items()))

    def below(self, record: ErasureRecord) -> int:
        """Return the sequence down to which an erasure has searched, as far as this one knows."""
        return min(record.below_sequence, self._below.get(record.key, record.below_sequence))

    async def _run(self) -> None:
        # A service that was killed may have left erased bytes in the write-ahead log.
        await self._until_done(self._scrub)
        while True:
            self.unfinished = await self._until_done(self._unfinished)
            for record in self.unfinished:
                self.run(record)
            await asyncio.sleep(_LOOK_S)

    def run(self, record: ErasureRecord) -> None:
        """Begin or continue an erasure, unless it runs here or has finished."""
        if record.finished_ms is None and record.key not in self._running:
            self._running.add(record.key)
            self._in_background(self._work_on(record))

    async def _work_on(self, record: ErasureRecord) -> None:
        try:
            found = await self._until_done(lambda: self._erase_in_turn(record))
        except _ClaimedElsewhereError:
            self._claims.pop(record.key, None)
            return
        finally:
            self._running.discard(record.key)
            self._below.pop(record.key, None)
        self._claims.pop(record.key, None)
        log = logger.warning if found.damaged_batches else logger.info
        log(
            "erasure finished",
            erasure=found.key,
            app_monitor=found.app_monitor_name,
            events=found.events,
            deleted_batches=found.deleted_batches,
            rewritten_batches=found.rewritten_batches,
            damaged_batches=found.damaged_batches,
        )

    async def _until_done(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Return the result of `work`. Retry it until it succeeds."""
        while True:
            try:
                return await work()
            except _ClaimedElsewhereError:
                raise
            except Exception:
                logger.exception("erasure interrupted; it is tried again")
                await asyncio.sleep(_RETRY_S)

    async def _erase_in_turn(self, record: ErasureRecord) -> ErasureRecord:
        # One that fails does not keep the others waiting until it is tried again.
        async with self._turn:
            await self._claim(record.key)
            return await self._erase(record)

    async def _claim(self, key: int) -> None:
        """Claim an erasure, or claim it again if the claim ends soon.

        Raises _ClaimedElsewhereError.
        """
        now_ms, held_ms = self._now_ms(), self._claims.get(key)
        if held_ms is not None and now_ms < held_ms - 1000 * (_CLAIM_S - _CLAIM_AGAIN_S):
            return
        until_ms = now_ms + round(1000 * _CLAIM_S)
        if not await self._claim_until(key, until_ms, now_ms=now_ms, held_ms=held_ms):
            raise _ClaimedElsewhereError
        self._claims[key] = until_ms

    async def _release(self, key: int, held_ms: int) -> None:
        now_ms = self._now_ms()
        with suppress(Exception):  # it ends anyway
            await self._claim_until(key, now_ms, now_ms=now_ms, held_ms=held_ms)

    async def _claim_until(
        self, key: int, until_ms: int, *, now_ms: int, held_ms: int | None
    ) -> bool:
        return await on_thread(
            self._executor,
            self._store.claim,
            key,
            now_ms=now_ms,
            until_ms=until_ms,
            held_ms=held_ms,
        )

    async def _erase(self, record: ErasureRecord) -> ErasureRecord:
        found = await on_thread(self._executor, self._store.by_key, record.key)
        if found is None or found.subject is None:
            return found or record
        subject = Subject(found.kind, found.subject)
        below: int | None = found.below_sequence
        steps = 0
        while below is not None:
            await self._claim(found.key)
            step = await self._search.step(found.app_monitor, subject, below)
            below = step.below
            self._below[found.key] = below or 0
            steps += 1
            if step.found or step.damaged or steps % _STEPS_PER_NOTE == 0:
                advanced = await on_thread(
                    self._executor,
                    self._store.advance,
                    found.key,
                    sequences=list(step.found),
                    below=below or 0,
                    remainder=subject.remainder,
                    damaged=step.damaged,
                )
                self.erased_events[found.app_monitor_name] += advanced.events - found.events
                found = advanced
        await self._scrub()
        finished = await on_thread(
            self._executor, self._store.finish, found.key, now_ms=self._now_ms()
        )
        await self._scrub()  # the ID
        return finished

    async def _scrub(self) -> None:
        for _ in range(_SCRUBS):
            if await on_thread(self._executor, self._store.scrub):
                return
            await asyncio.sleep(_SCRUB_RETRY_S)
        logger.warning("the write-ahead log could not be cut, because it is always read")

    async def _unfinished(self) -> Sequence[ErasureRecord]:
        return await on_thread(self._executor, self._store.unfinished)

    def _now_ms(self) -> int:
        return round(self._clock() * 1000)
