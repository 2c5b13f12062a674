"""The puts that wait for a call of the service.

App monitors get equal shares of each call, and a put that would wait too long is rejected before
its body is read: docs/decisions/0017-queues-are-bounded-in-time.md.
"""

from __future__ import annotations

__all__ = ["PutQueue", "WaitingPut"]

import asyncio
import math
from typing import TypeAlias

from google.rpc.status_pb2 import Status

from rum_bridge.budget import ByteBudget
from rum_bridge.disconnects import IsGone
from rum_bridge.drain_rate import DrainRate
from rum_bridge.errors import HttpError
from rum_bridge.fair_queue import FairQueue

_MAX_ENTRIES = 256
_MAX_CALL_BYTES = 4 << 20
# The cost of a put is its length and this: a put of one event takes a quarter of the CPU of a put
# of 50 events, with 60 KB (2026-11).
_ENTRY_COST = 16 << 10
_MAX_WAIT_S = 1.5
# One app monitor leaves a ninth of the budget to the others.
_MAX_SHARE_OF_FREE = 8
_MAX_KNOWN = 10_000


WaitingPut: TypeAlias = tuple[bytes, "asyncio.Future[Status]", IsGone]
"""A serialized BatchPutRumEventsRequest of one entry, its outcome, and whether its client is gone.

A plain tuple: a named one costs 0.2 µs.
"""


class PutQueue:
    """The queue. Use it from one event loop only.

    Args:
        budget: of the bytes that wait. An entry uses it until its call has ended.
        calls: how many calls are in progress at the same time.
    """

    def __init__(self, budget: ByteBudget, *, calls: int) -> None:
        self._budget = budget
        self._queue: FairQueue[WaitingPut] = FairQueue()
        self._known: set[str] = set()
        self.drain_rate = DrainRate(calls)

    def __len__(self) -> int:
        return len(self._queue)

    def check(self, app_monitor_id: str) -> None:
        """Return if a new put for an app monitor would not wait too long.

        Raises:
            HttpError: it would (429).
        """
        if self._queue.cost > _MAX_CALL_BYTES:
            self._check(self._line_of(app_monitor_id))

    def add(self, app_monitor_id: str, put: WaitingPut) -> None:
        """Add a put."""
        self._queue.add(self._line_of(app_monitor_id), put, len(put[0]) + _ENTRY_COST)

    def take(self) -> list[WaitingPut]:
        """Remove and return the puts for the next call. Drop those that nobody waits for."""
        puts: list[WaitingPut] = []
        size = 0
        while len(puts) < _MAX_ENTRIES and (put := self._queue.first()):
            entry, outcome, is_gone = put
            if puts and size + len(entry) > _MAX_CALL_BYTES:
                break
            self._queue.remove_first()
            if not outcome.done() and is_gone():
                outcome.set_exception(_disconnected())
            if outcome.done():  # or timed out
                self._budget.release(len(entry))
                continue
            size += len(entry)
            puts.append(put)
        return puts

    def know(self, app_monitor_id: str) -> None:
        """Give an app monitor its own share from now on, because it exists."""
        if app_monitor_id not in self._known and len(self._known) < _MAX_KNOWN:
            self._known.add(app_monitor_id.lower())

    def _line_of(self, app_monitor_id: str) -> str:
        """Return the line of the queue for an app monitor.

        Unknown ids share one line. Otherwise a client could get many shares with made-up ids.
        """
        if app_monitor_id in self._known:  # as nearly always
            return app_monitor_id
        app_monitor_id = app_monitor_id.lower()
        return app_monitor_id if app_monitor_id in self._known else ""

    def _check(self, line: str) -> None:
        wait_s = self.drain_rate.wait_s(self._calls_before(line))
        too_much = self._queue.cost_of(line) > _MAX_SHARE_OF_FREE * self._budget.free
        if wait_s > _MAX_WAIT_S or too_much:
            raise HttpError(
                429,
                "ThrottlingException",
                "Too many requests are waiting for the service.",
                {"serviceCode": "rum", "quotaCode": "waiting-requests"},
                max(1, math.ceil(wait_s)),
            )

    def _calls_before(self, line: str) -> float:
        """Return how many full calls are sent before a new put."""
        count = len(self._queue)
        size = self._queue.cost - count * _ENTRY_COST
        calls = max(count / _MAX_ENTRIES, size / _MAX_CALL_BYTES)
        return calls * self._queue.share_before(line, _ENTRY_COST)


def _disconnected() -> HttpError:
    # The client does not see this error.
    return HttpError(408, "RequestTimeoutException", "The client has disconnected.")
