"""Puts over gRPC that wait before they are decoded, while others are in progress.

gRPC hands over a call as soon as the event loop takes it, in the order of arrival. Under overload
the calls would wait inside gRPC, where a busy app monitor delays all others. With few puts in
progress, which begin at a pace that lets the event loop take all calls, they wait here: app
monitors get turns.
"""

from __future__ import annotations

__all__ = ["MAX_IN_PROGRESS", "MAX_WAITING", "UNKNOWN", "PutQueue"]

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from rum_service.ingest.overload import too_many_waiting
from rum_service.ingest.pace import ALL, Pace
from rum_service.ingest.turns import Turns

UNKNOWN = -1
"""The app monitor of puts whose own is not known: made-up IDs must not get more turns."""
MAX_WAITING = 8192
"""How many puts wait at most. With 10 events each takes 20 kB, mostly in gRPC (2026-11)."""

MAX_IN_PROGRESS = 48
"""How many puts are in progress while others wait. Fewer make the transactions smaller. With more,
the puts of a quiet app monitor wait longer."""
# If more wait, the next ones begin at a pace. So few delay no other call inside gRPC.
_UNPACED = MAX_IN_PROGRESS
# At least so many are in progress while others wait, whatever the pace: the store has work.
_STEADY = 16
# The pace costs a tenth of the goodput (2026-11), so it needs puts for two app monitors since then.
_SHARED_S = 60.0
# So many more may be in progress for app monitors that have less than their share in progress.
_EARLY = 16
# With a slow disk, only the transaction time counts. The next one should take all waiting puts.
_SLOW_STORE_S = 0.25
# A new put that would wait longer is not stored, and neither is one that has waited for so long.
_MAX_EXPECTED_S = 1.2
_MAX_WAIT_S = 1.5
# Puts that are not stored are rejected after this time. For gRPC in Python, to reject a call takes
# as much CPU as to store 10 events: 270 µs of the process (2026-11). A client whose calls are
# rejected at once would leave no time for the others.
_REJECTED_AFTER_S = 3.0
# For the same reason, so few are rejected in a tick until they have waited longer: 7 % of a core.
_MOST_REJECTED = 25
_REJECTED_LATEST_S = 5.0
# One app monitor leaves a ninth of the room to the others.
_MAX_SHARE_OF_FREE = 8
_TICK_S = 0.1
_FIRST_RATE = 4000.0


class _Waiting(NamedTuple):
    turn: asyncio.Future[None]
    app_monitor: int
    since_s: float


class PutQueue:
    """The queue. Use it from one event loop only.

    Args:
        oldest_s: for how long the oldest put in progress has been waiting for the store.
        clock: monotonic, in seconds.
        tick_s: how often the rate is measured.
    """

    def __init__(
        self,
        oldest_s: Callable[[], float],
        *,
        clock: Callable[[], float],
        tick_s: float = _TICK_S,
    ) -> None:
        self._oldest_s = oldest_s
        self._clock = clock
        self._tick_s = tick_s
        self._turns: Turns[_Waiting] = Turns()
        self._queued: Counter[int] = Counter()
        """The number of puts that wait for their turn, by app monitor."""
        self._begun: Counter[int] = Counter()
        """The number of puts in progress that have waited for their turn, by app monitor."""
        self._count = 0
        self._waiting: dict[asyncio.Future[None], float] = {}
        """All puts that wait, with the time of their arrival, oldest first."""
        self._in_progress = 0
        self._rate = _FIRST_RATE
        """How many turns there are in a second."""
        self._turns_taken = 0
        self._ticked_s = 0.0
        self._ticking = False
        self._pace = Pace(self._begin_next)
        self._last: int | None = None
        self._shared_until_s = float("-inf")
        """Until when puts for several app monitors count as present."""

    def __len__(self) -> int:
        return len(self._waiting)

    def begin_at_once(self) -> bool:
        """Begin a put if no other one waits. If this returns True, call `end` afterwards."""
        if self._waiting or self._in_progress >= MAX_IN_PROGRESS:
            return False
        self._in_progress += 1
        return True

    async def begin(self, app_monitor: int) -> None:
        """Begin a put when it is its turn. Call `end` with its app monitor afterwards.

        Raises:
            ThrottlingException: too many puts wait, or this one would have to wait too long.
        """
        if app_monitor != self._last:
            if self._last is not None:
                self._shared_until_s = self._clock() + _SHARED_S
            self._last = app_monitor
        if self._may_begin_early(app_monitor):
            self._in_progress += 1
            self._begun[app_monitor] += 1
            return
        free = MAX_WAITING - len(self._waiting)
        if self._queued[app_monitor] >= _MAX_SHARE_OF_FREE * free:
            raise too_many_waiting()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        now_s = self._clock()
        self._waiting[turn] = now_s
        queued = self._expected_s(app_monitor) <= _MAX_EXPECTED_S
        if queued:
            self._queued[app_monitor] += 1
            self._count += 1
            self._turns.add(app_monitor, _Waiting(turn, app_monitor, now_s))
        self._start_ticking()
        if queued:
            self._pace.arrive()
            self._begin_some()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.end(app_monitor)  # its turn came at the same moment
            raise
        finally:
            self._waiting.pop(turn, None)
            if queued:
                self._count -= 1
                self._queued[app_monitor] -= 1
                if not self._queued[app_monitor]:
                    del self._queued[app_monitor]

    def end(self, app_monitor: int | None = None) -> None:
        """End a put that has begun, and begin the next ones.

        Args:
            app_monitor: None if the put has begun at once.
        """
        self._in_progress -= 1
        if app_monitor is not None:
            self._begun[app_monitor] -= 1
            if not self._begun[app_monitor]:
                del self._begun[app_monitor]
        if self._turns:
            self._begin_some()

    def _may_begin_early(self, app_monitor: int) -> bool:
        """Return whether a put may begin although others wait: few of its app monitor have."""
        share = MAX_IN_PROGRESS // (max(len(self._begun), len(self._queued)) + 1)
        return (
            bool(self._queued)
            and app_monitor not in self._queued
            and app_monitor != UNKNOWN
            and self._begun[app_monitor] < share
            and self._in_progress < MAX_IN_PROGRESS + _EARLY
        )

    def _expected_s(self, app_monitor: int) -> float:
        """Return how long a new put would wait."""
        others = len(self._queued) - (app_monitor in self._queued)
        before = min(self._count, (self._queued[app_monitor] + 1) * (others + 1))
        return before / self._rate

    def _begin_some(self) -> None:
        """Begin puts, and let the others begin at the pace."""
        if self._count <= _UNPACED or self._clock() > self._shared_until_s:
            self._begin_next()
        else:
            if self._in_progress < _STEADY:
                self._begin_next(_STEADY - self._in_progress)
            self._pace.resume()

    def _begin_next(self, most: int = ALL) -> bool:
        """Begin puts, at most this number. Return whether more waiting puts may begin."""
        limit = MAX_IN_PROGRESS
        if self._in_progress >= limit:
            if self._oldest_s() < _SLOW_STORE_S:
                return False
            limit = MAX_WAITING
        latest_s = self._clock() - _MAX_WAIT_S
        while most and self._turns and self._in_progress < limit:
            turn, app_monitor, since_s = self._turns.take()
            if since_s >= latest_s and not turn.done():
                most -= 1
                self._in_progress += 1
                self._begun[app_monitor] += 1
                self._turns_taken += 1
                turn.set_result(None)
        return bool(self._turns) and self._in_progress < limit

    def _start_ticking(self) -> None:
        if not self._ticking:
            self._ticking = True
            self._turns_taken = 0
            self._ticked_s = self._clock()
            asyncio.get_running_loop().call_later(self._tick_s, self._tick)

    def _tick(self) -> None:
        """Measure the rate, and reject puts that have waited too long."""
        now_s = self._clock()
        if self._turns and now_s > self._ticked_s:
            rate = self._turns_taken / (now_s - self._ticked_s)
            self._rate = max(1.0, self._rate + (rate - self._rate) / 4)
        self._turns_taken = 0
        self._ticked_s = now_s
        self._reject_oldest(now_s)
        self._begin_next()  # the store may have become slow
        self._ticking = bool(self._waiting)
        if self._ticking:
            asyncio.get_running_loop().call_later(self._tick_s, self._tick)

    def _reject_oldest(self, now_s: float) -> None:
        left = _MOST_REJECTED
        for turn, since_s in self._waiting.items():
            waited_s = now_s - since_s
            if waited_s < _REJECTED_AFTER_S or (left <= 0 and waited_s < _REJECTED_LATEST_S):
                break
            if not turn.done():
                turn.set_exception(too_many_waiting())
                left -= 1
