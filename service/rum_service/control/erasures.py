"""Erase a user or a session from the log, and keep a proof of it.

    StartErasure → search the log, newest first → rewrite what matches → scrub the files → finish

Each step is a small transaction that also notes the progress. So a service that was killed
continues at its next start, and puts commit in between.
"""

from __future__ import annotations

__all__ = ["Erasures"]

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from time import perf_counter
from types import TracebackType
from typing import Any, NamedTuple, Self

import structlog

from rum.operator.v1 import operator_service_pb2 as pb
from rum_service.control.app_monitors import AppMonitors
from rum_service.control.erasure_messages import erasure_message, subject_of
from rum_service.control.paging import decode_position, decode_token, encode_token
from rum_service.errors import ResourceNotFoundException, ValidationException
from rum_service.events.subjects import Subject
from rum_service.storage.base import Store
from rum_service.storage.records import ErasureRecord, Remainder
from rum_service.storage.threads import on_thread

logger = structlog.get_logger()

# One step: a thread needs the interpreter for a millisecond. Puts wait as long for the write lock
# if all batches of the step are rewritten.
_BATCHES_PER_STEP = 64
_BYTES_PER_STEP = 1 << 20
# A search works half of the time, and a tenth of it while puts wait.
_SHORT_PAUSE, _LONG_PAUSE = 1, 9
# After this number of steps without a match, store how far the search is.
_STEPS_PER_NOTE = 256
# How long each page of the preview takes.
_PAGE_S = 0.5
_RETRY_S = 5.0
_SCRUBS, _SCRUB_RETRY_S = 60, 0.5
_ALL_TIME = 2**62
_MAX_SEQUENCE = 2**62
_MAX_PAGE = 1000
_DEFAULT_PAGE = 100


class _Step(NamedTuple):
    """The result of one search step."""

    found: dict[int, Remainder]
    """By sequence, the batches to change."""
    below: int | None
    """Continue below this sequence. None: there are no more batches."""


class Erasures:
    """The use cases. For use on one event loop; the store works on the executor's threads.

    The context manager continues interrupted erasures when it starts, and interrupts running ones
    when it ends. Erasures run one after the other.

    Args:
        clock: Unix seconds.
        is_busy: returns whether puts are waiting.
    """

    def __init__(
        self,
        monitors: AppMonitors,
        store: Store,
        executor: Executor,
        *,
        clock: Callable[[], float],
        is_busy: Callable[[], bool],
    ) -> None:
        self._monitors = monitors
        self._log = store.log
        self._store = store.erasures
        self._executor = executor
        self._clock = clock
        self._is_busy = is_busy
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._running: set[int] = set()
        self._below: dict[int, int] = {}
        """The progress of erasures in this process. The store is updated less often."""

    async def __aenter__(self) -> Self:
        self._in_background(self._resume())
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def preview(self, request: pb.PreviewErasureRequest) -> pb.PreviewErasureResponse:
        """Count what an erasure would erase in the next batches.

        Raises ValidationException or ResourceNotFoundException.
        """
        subject = subject_of(request.subject)
        record = await self._monitors.by_name(request.app_monitor_name)
        through, below = await self._position(request.page_token)
        amount = pb.ErasedAmount()
        end_s = perf_counter() + _PAGE_S
        following: int | None = below
        while following is not None:
            step = await self._step(record.key, subject, following)
            for remainder in step.found.values():
                amount.events += remainder.erased_events
                amount.rewritten_batches += bool(remainder.event_count)
                amount.deleted_batches += not remainder.event_count
            following = step.below
            if perf_counter() >= end_s:
                break
        progress = await self._progress(record.key, through, following or 0)
        response = pb.PreviewErasureResponse(amount=amount, progress=progress)
        if following is not None:
            response.next_page_token = encode_token(through, following)
        return response

    async def start(self, request: pb.StartErasureRequest, *, erased_by: str) -> pb.Erasure:
        """Begin an erasure. Raises ValidationException or ResourceNotFoundException.

        Args:
            erased_by: the name of the caller, for the proof.
        """
        subject = subject_of(request.subject)
        monitor = await self._monitors.by_name(request.app_monitor_name)
        record = await on_thread(
            self._executor,
            self._store.begin,
            monitor.key,
            monitor.name,
            kind=subject.kind,
            subject=subject.id,
            digest=hashlib.sha256(subject.id.encode()).digest(),
            erased_by=erased_by,
            now_ms=self._now_ms(),
        )
        self._ensure_running(record)
        return erasure_message(record)

    async def get(self, request: pb.GetErasureRequest) -> pb.Erasure:
        """Return an erasure. Raises ResourceNotFoundException.

        If it has not finished, it continues here: the service that began it may have stopped.
        """
        key = min(max(request.id, 0), _MAX_SEQUENCE)
        record = await on_thread(self._executor, self._store.by_key, key)
        if record is None:
            raise ResourceNotFoundException(
                "There is no erasure with this ID.", str(request.id), "Erasure"
            )
        self._ensure_running(record)
        erasure = erasure_message(record)
        if record.finished_ms is None:
            below = min(record.below_sequence, self._below.get(key, record.below_sequence))
            progress = await self._progress(record.app_monitor, record.through_sequence, below)
            erasure.progress.CopyFrom(progress)
        return erasure

    async def list(self, request: pb.ListErasuresRequest) -> pb.ListErasuresResponse:
        """Return a page of erasures, newest first. Raises ValidationException."""
        size = request.page_size or _DEFAULT_PAGE
        if not 1 <= size <= _MAX_PAGE:
            raise ValidationException(f"page_size must be 1 to {_MAX_PAGE}.")
        token = request.page_token
        below = decode_position("page_token", token) if token else None
        records = await on_thread(self._executor, self._store.list, below=below, limit=size + 1)
        response = pb.ListErasuresResponse(
            erasures=[erasure_message(record) for record in records[:size]]
        )
        if len(records) > size:
            response.next_page_token = encode_token(records[size - 1].key)
        return response

    async def _resume(self) -> None:
        # A service that was killed may have left erased bytes in the write-ahead log.
        await self._until_done(self._scrub)
        for record in await self._until_done(self._unfinished):
            self._ensure_running(record)

    def _ensure_running(self, record: ErasureRecord) -> None:
        if record.finished_ms is None and record.key not in self._running:
            self._running.add(record.key)
            self._in_background(self._run(record))

    async def _run(self, record: ErasureRecord) -> None:
        async with self._turn:
            record = await self._until_done(lambda: self._erase(record))
            self._running.discard(record.key)
            logger.info(
                "erasure finished",
                erasure=record.key,
                app_monitor=record.app_monitor_name,
                events=record.events,
                deleted_batches=record.deleted_batches,
                rewritten_batches=record.rewritten_batches,
            )

    async def _until_done(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Return the result of `work`. Retry it until it succeeds."""
        while True:
            try:
                return await work()
            except Exception:
                logger.exception("erasure interrupted; it is tried again")
                await asyncio.sleep(_RETRY_S)

    async def _erase(self, record: ErasureRecord) -> ErasureRecord:
        found = await on_thread(self._executor, self._store.by_key, record.key)
        if found is None or found.subject is None:
            return found or record
        subject = Subject(found.kind, found.subject)
        below: int | None = found.below_sequence
        steps = 0
        while below is not None:
            step = await self._step(found.app_monitor, subject, below)
            below = step.below
            self._below[found.key] = below or 0
            steps += 1
            if step.found or steps % _STEPS_PER_NOTE == 0:
                await on_thread(
                    self._executor,
                    self._store.advance,
                    found.key,
                    sequences=list(step.found),
                    below=below or 0,
                    remainder=subject.remainder,
                )
        await self._scrub()
        finished = await on_thread(
            self._executor, self._store.finish, found.key, now_ms=self._now_ms()
        )
        await self._scrub()  # the ID
        self._below.pop(found.key, None)
        return finished

    async def _step(self, app_monitor: int, subject: Subject, below: int) -> _Step:
        """Search the next batches, and pause."""
        began_s = perf_counter()
        step = await on_thread(self._executor, self._search, app_monitor, subject, below)
        took_s = perf_counter() - began_s
        await asyncio.sleep(took_s * (_LONG_PAUSE if self._is_busy() else _SHORT_PAUSE))
        return step

    def _search(self, app_monitor: int, subject: Subject, below: int) -> _Step:
        read = self._log.read(
            app_monitor,
            below=below,
            after_ms=-_ALL_TIME,
            before_ms=_ALL_TIME,
            limit=_BATCHES_PER_STEP,
            max_bytes=_BYTES_PER_STEP,
        )
        found = ((each.sequence, subject.remainder(each.content)) for each in read.batches)
        return _Step({sequence: left for sequence, left in found if left}, read.below)

    async def _scrub(self) -> None:
        for _ in range(_SCRUBS):
            if await on_thread(self._executor, self._store.scrub):
                return
            await asyncio.sleep(_SCRUB_RETRY_S)
        logger.warning("the write-ahead log could not be cut, because it is always read")

    async def _unfinished(self) -> Any:
        return await on_thread(self._executor, self._store.unfinished)

    async def _progress(self, app_monitor: int, through: int, below: int) -> pb.ErasureProgress:
        searched, total = await on_thread(
            self._executor, self._store.progress, app_monitor, through=through, below=below
        )
        return pb.ErasureProgress(searched=searched, total=total)

    async def _position(self, token: str) -> tuple[int, int]:
        """Return the newest sequence to search, and the one below which to continue."""
        if not token:
            newest = await on_thread(self._executor, self._log.newest_sequence)
            return newest, newest + 1
        through, below = (
            min(max(int(part), 0), _MAX_SEQUENCE)
            for part in decode_token("page_token", token, int, int)
        )
        return through, below

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _now_ms(self) -> int:
        return round(self._clock() * 1000)
