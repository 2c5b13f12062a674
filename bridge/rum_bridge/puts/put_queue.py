"""The puts that wait for a call of the service.

App monitors get equal shares of each call. The queue is short, because a put waits as bytes until
the queue has room: docs/decisions/0017-queues-are-bounded-in-time.md.
"""

from __future__ import annotations

__all__ = ["ENTRY_COST", "SLOW_S", "PutQueue", "WaitingPut"]

import asyncio
from typing import TypeAlias

from google.rpc.status_pb2 import Status

from rum_bridge.http.disconnects import IsGone, disconnected
from rum_bridge.limits.budget import ByteBudget
from rum_bridge.limits.fair_queue import FairQueue
from rum_bridge.limits.throttled import too_many_waiting

# A put waits for the calls in progress, so these are short.
_MAX_ENTRIES = 32
# Where a commit takes long, many puts have to share it: as many as the service commits at once.
_MAX_ENTRIES_IF_SLOW = 512
SLOW_S = 0.25
"""A call that takes longer is slow."""
_SLOW_IF_LONG_S = 0.5
_MAX_CALL_BYTES = 4 << 20
ENTRY_COST = 16 << 10
"""The cost of a put is its length and this.

A put of one event takes a quarter of the CPU of a put of 50 events, with 60 KB (2026-11).
"""
_MAX_KNOWN = 10_000


WaitingPut: TypeAlias = tuple[bytes, "asyncio.Future[Status]", IsGone]
"""A serialized BatchPutRumEventsRequest of one entry, its outcome, and whether its client is gone.

A plain tuple: a named one costs 0.2 µs.
"""


class PutQueue:
    """The queue. Use it from one event loop only.

    Args:
        budget: of the bytes that wait. An entry uses it until its call has ended.
    """

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self._queue: FairQueue[WaitingPut] = FairQueue()
        self._known: set[str] = set()
        self._size = 0
        self.is_slow = False
        """Whether calls take so long that each has to have many puts."""

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def has_room(self) -> bool:
        """Whether less than one call waits."""
        return len(self._queue) < self._max_entries and self._size < _MAX_CALL_BYTES

    def check(self, app_monitor_id: str) -> None:
        """Return if a put may be added that has not waited until there was room.

        Raises:
            HttpError: its app monitor has two calls or more that wait (429).
        """
        if self.has_room:
            return
        line = self.line_of(app_monitor_id)
        count = self._queue.count_of(line)
        size = self._queue.cost_of(line) - count * ENTRY_COST
        if count >= 2 * self._max_entries or size >= 2 * _MAX_CALL_BYTES:
            raise too_many_waiting()

    def add(self, app_monitor_id: str, put: WaitingPut) -> None:
        """Add a put."""
        size = len(put[0])
        self._size += size
        self._queue.add(self.line_of(app_monitor_id), put, size + ENTRY_COST)

    def take(self) -> list[WaitingPut]:
        """Remove and return the puts for the next call. Drop those that nobody waits for."""
        puts: list[WaitingPut] = []
        size = 0
        while len(puts) < self._max_entries and (put := self._queue.first()):
            entry, outcome, is_gone = put
            if puts and size + len(entry) > _MAX_CALL_BYTES:
                break
            self._queue.remove_first()
            self._size -= len(entry)
            if not outcome.done() and is_gone():
                outcome.set_exception(disconnected())
            if outcome.done():  # or timed out
                self._budget.release(len(entry))
                continue
            size += len(entry)
            puts.append(put)
        return puts

    def observe(self, call_s: float, entries: int) -> None:
        """Choose how many puts the next calls have, after one that took some seconds."""
        self.is_slow = call_s > (SLOW_S if entries <= _MAX_ENTRIES else _SLOW_IF_LONG_S)

    @property
    def _max_entries(self) -> int:
        return _MAX_ENTRIES_IF_SLOW if self.is_slow else _MAX_ENTRIES

    def know(self, app_monitor_id: str) -> None:
        """Give an app monitor its own share from now on, because it exists."""
        if app_monitor_id not in self._known and len(self._known) < _MAX_KNOWN:
            self._known.add(app_monitor_id.lower())

    def line_of(self, app_monitor_id: str) -> str:
        """Return the name of the line for an app monitor.

        Unknown ids share one line. Otherwise a client could get many shares with made-up ids.
        """
        if app_monitor_id in self._known:  # as nearly always
            return app_monitor_id
        app_monitor_id = app_monitor_id.lower()
        return app_monitor_id if app_monitor_id in self._known else ""
