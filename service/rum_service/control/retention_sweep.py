"""Removes batches whose retention has ended, while puts continue.

docs/decisions/0029-batches-are-kept-for-days.md gives the reasons.
"""

from __future__ import annotations

__all__ = ["DAY_MS", "RemovedAmount", "RetentionSweep", "cutoff_ms"]

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter

import structlog

from rum_service.background import Background
from rum_service.control.removal_pace import Backlog, busy_share
from rum_service.storage.base import RetentionStore
from rum_service.storage.records import Retention
from rum_service.storage.threads import on_thread

logger = structlog.get_logger()

DAY_MS = 86_400_000
_INTERVAL_S = 60.0
# A claim by a service lasts this long, and is renewed after each turn. If the service is killed,
# another one continues after this time.
_CLAIM_S = 10.0
_TURN_S = 8.0
# Puts wait for one step: 16 ms for 256 batches of 19 events, more than half of it the disk. Fewer
# batches at once take twice the time for each (SQLite, 2026-11).
_BATCHES_AT_ONCE = 256
_BYTES_AT_ONCE = 4 << 20
# The share of the time that steps take while no batches wait to be committed.
_SHARE = 0.5
# Logged, since it is more than most servers receive in a turn: a retention was shortened.
_MANY = 1000


@dataclass(slots=True)
class RemovedAmount:
    """The number of batches and events that were removed from one app monitor."""

    batches: int = 0
    events: int = 0


class RetentionSweep(Background):
    """Removes old batches. For use on one event loop.

    The context manager removes old batches repeatedly until it ends. If several services use one
    database, only one of them removes batches at a time.

    Args:
        default_days: how long the batches of app monitors without their own retention are kept. 0:
            forever.
        clock: Unix seconds.
        is_busy: returns whether batches wait to be committed.
        interval_s: how long to wait before looking again.
        turn_s: how long to remove batches before looking again which ones are old.
        busy_share: returns the share of the time that steps take while batches wait, from the
            seconds that old batches have waited for their removal.
    """

    def __init__(
        self,
        store: RetentionStore,
        executor: Executor,
        *,
        default_days: int,
        clock: Callable[[], float],
        is_busy: Callable[[], bool],
        interval_s: float = _INTERVAL_S,
        turn_s: float = _TURN_S,
        busy_share: Callable[[float], float] = busy_share,
    ) -> None:
        super().__init__()
        self._store = store
        self._executor = executor
        self._default_days = default_days
        self._clock = clock
        self._is_busy = is_busy
        self._interval_s = interval_s
        self._turn_s = turn_s
        self._busy_share = busy_share
        self._backlog = Backlog()
        self._claimed_until_ms: int | None = None
        self._changed = asyncio.Event()
        self.removed: dict[str, RemovedAmount] = {}
        """The batches and events that this service has removed, by app monitor name."""
        self.retention: Mapping[int, Retention] = {}
        """The retention of each app monitor by its key, as last read."""

    @property
    def delay_s(self) -> float:
        """How long old batches have waited for their removal, as last read."""
        return self._backlog.delay_s

    def days_of(self, own: int | None) -> int:
        """Return the number of days that applies to an app monitor. 0: forever."""
        return self._default_days if own is None else own

    def look(self) -> None:
        """Begin the next turn immediately, because a retention has changed."""
        self._changed.set()

    async def sweep(self) -> float:
        """Remove old batches for at most one turn. Return the seconds to wait before the next."""
        self.retention = await on_thread(self._executor, self._store.read)
        due = self._due(self.retention)
        if due and not await self._claim():
            return min(_CLAIM_S, self._interval_s)
        ends_s = perf_counter() + self._turn_s
        removed = 0
        while due and perf_counter() < ends_s:
            removed += await self._step(due)
        if removed >= _MANY:
            logger.info("old batches removed", batches=removed, more=bool(due))
        more = due or await self._give_back_space(ends_s)
        return 0.0 if more else self._interval_s

    async def _run(self) -> None:
        while True:
            try:
                pause_s = await self.sweep()
            except Exception as error:
                # If the store fails, so do the puts, which say more.
                logger.warning("old batches not removed", error=type(error).__name__)
                pause_s = self._interval_s
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), pause_s)
            self._changed.clear()

    def _due(self, retention: Mapping[int, Retention]) -> dict[int, int]:
        """Return the time before which batches are removed, for app monitors with such batches.

        The app monitor whose oldest batch is the most late is first.
        """
        due: dict[int, int] = {}
        late_s: dict[int, float] = {}
        now_s = self._clock()
        for key, found in retention.items():
            before_ms = cutoff_ms(self.days_of(found.days), now_s)
            if before_ms is None or found.oldest_ms is None:
                continue
            before_ms = self._store.removal_ms(before_ms)
            if found.oldest_ms < before_ms:
                due[key] = before_ms
                late_s[key] = (before_ms - found.oldest_ms) / 1000
        self._backlog.update(late_s, now_s)
        return {key: due[key] for key in sorted(due, key=late_s.__getitem__, reverse=True)}

    async def _claim(self) -> bool:
        now_ms = round(self._clock() * 1000)
        until_ms = now_ms + round(_CLAIM_S * 1000)
        claimed = await on_thread(
            self._executor,
            self._store.claim,
            now_ms=now_ms,
            until_ms=until_ms,
            held_ms=self._claimed_until_ms,
        )
        self._claimed_until_ms = until_ms if claimed else None
        return claimed

    async def _step(self, due: dict[int, int]) -> int:
        """Remove some batches and return their number.

        Remove app monitors from `due` when they have no more old batches.
        """
        held_s = self._store.held_s
        found = await on_thread(
            self._executor,
            self._store.remove,
            due,
            limit=_BATCHES_AT_ONCE,
            max_bytes=_BYTES_AT_ONCE,
        )
        for key, removed in found.items():
            name = self.retention[key].name
            if removed.batches:
                amount = self.removed.setdefault(name, RemovedAmount())
                amount.batches += removed.batches
                amount.events += removed.events
            before_ms = due.pop(key)
            if removed.is_done:
                self._backlog.end(key)
            else:
                due[key] = before_ms  # behind the others
        await self._pause(held_s)
        return sum(removed.batches for removed in found.values())

    async def _give_back_space(self, ends_s: float) -> bool:
        more = True
        while more and perf_counter() < ends_s:
            held_s = self._store.held_s
            more = await on_thread(self._executor, self._store.give_back_space)
            if more:
                await self._pause(held_s)
        return more

    async def _pause(self, held_s: float) -> None:
        """Pause after a step, so that puts get the rest of the time.

        Args:
            held_s: `RetentionStore.held_s` before the step.
        """
        used_s = self._store.held_s - held_s
        share = self._busy_share(self.delay_s) if self._is_busy() else _SHARE
        await asyncio.sleep(used_s / share - used_s)


def cutoff_ms(days: int, now_s: float) -> int | None:
    """Return the time before which batches are removed. None: never."""
    return round(now_s * 1000) - days * DAY_MS if days else None
