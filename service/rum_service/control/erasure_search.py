"""Searches the log for what an erasure changes, in small steps with pauses for puts."""

from __future__ import annotations

__all__ = ["ErasureSearch", "Step"]

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from time import perf_counter
from typing import NamedTuple

from google.protobuf.message import DecodeError

from rum_service.events.subjects import Subject
from rum_service.storage.base import LogStore
from rum_service.storage.records import Remainder
from rum_service.storage.threads import on_thread

# One step: a thread needs the interpreter for a millisecond. Puts wait as long for the write lock
# if all batches of the step are rewritten.
_BATCHES_PER_STEP = 64
_BYTES_PER_STEP = 1 << 20
# A search works half of the time, and a tenth of it while puts wait.
_SHORT_PAUSE, _LONG_PAUSE = 1, 9
_ALL_TIME = 2**62


class Step(NamedTuple):
    """The result of one search step."""

    found: dict[int, Remainder]
    """By sequence, the batches to change."""
    damaged: Sequence[int]
    """Batches that may have more to erase, because their bytes are damaged. Newest first."""
    below: int | None
    """Continue below this sequence. None: there are no more batches."""


class ErasureSearch:
    """Reads batches on the executor's threads.

    Args:
        is_busy: returns whether puts are waiting.
    """

    def __init__(self, log: LogStore, executor: Executor, *, is_busy: Callable[[], bool]) -> None:
        self._log = log
        self._executor = executor
        self._is_busy = is_busy

    async def step(self, app_monitor: int, subject: Subject, below: int) -> Step:
        """Search the next batches, and pause."""
        began_s = perf_counter()
        step = await on_thread(self._executor, self._search, app_monitor, subject, below)
        took_s = perf_counter() - began_s
        await asyncio.sleep(took_s * (_LONG_PAUSE if self._is_busy() else _SHORT_PAUSE))
        return step

    def _search(self, app_monitor: int, subject: Subject, below: int) -> Step:
        read = self._log.read(
            app_monitor,
            below=below,
            after_ms=-_ALL_TIME,
            before_ms=_ALL_TIME,
            limit=_BATCHES_PER_STEP,
            max_bytes=_BYTES_PER_STEP,
            accept_damaged=True,
        )
        found: dict[int, Remainder] = {}
        damaged = set(read.damaged)
        for each in read.batches:
            try:
                remainder = subject.remainder(each.content)
            except DecodeError:
                damaged.add(each.sequence)
                continue
            if remainder is not None:
                found[each.sequence] = remainder
        return Step(found, sorted(damaged, reverse=True), read.below)
