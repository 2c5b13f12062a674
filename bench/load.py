"""Sends prepared requests and times the responses, in a closed or an open loop.

closed loop    each of N slots sends its next request when the response has arrived: how much a
               server can do
open loop      requests are due at a fixed rate, whatever the server does: how long clients wait.
               A late request counts from the moment when it was due.
"""

from __future__ import annotations

__all__ = ["Load", "RequestFailedError", "Slot", "percentile_ms", "send_all", "send_at_rate"]

import asyncio
import time
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

_TIMEOUT_S = 120.0


class RequestFailedError(Exception):
    """A request was not answered as it should be, so the measurement is void."""


class Slot(Protocol):
    """Room for one request on a connection."""

    def send(self, request: bytes, done: Callable[[str], None], /) -> None:
        """Send a request. `done` is called once: with "" if it succeeded, else the problem."""

    def close(self) -> None:
        """Close the connection."""


@dataclass
class Load:
    """What the responses showed."""

    seconds: float = 0.0
    latencies_s: array[float] = field(default_factory=lambda: array("d"))
    """One for each response, in no order."""
    cpu_s: float = 0.0
    """Used by the load generator."""

    def percentile_ms(self, percent: float) -> float:
        """Return the latency that so many percent of the requests did not exceed."""
        return percentile_ms(self.latencies_s, percent)

    def add(self, other: Load) -> None:
        """Add what another load generator saw at the same time."""
        self.seconds = max(self.seconds, other.seconds)
        self.latencies_s += other.latencies_s
        self.cpu_s += other.cpu_s


def percentile_ms(latencies_s: Iterable[float], percent: float) -> float:
    """Return the latency that so many percent of the latencies do not exceed. 0 without any."""
    ordered = sorted(latencies_s)
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000


class _Loop:
    """The part that both loops share: the clock, the failures and the end."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self._load = Load()
        self._requests = requests
        self._finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> Load:
        began, cpu = time.perf_counter(), time.process_time()
        self._begin()
        await asyncio.wait_for(self._finished, _TIMEOUT_S)
        self._load.seconds = time.perf_counter() - began
        self._load.cpu_s = time.process_time() - cpu
        return self._load

    def _begin(self) -> None:
        raise NotImplementedError

    def _answered(self, since: float, problem: str) -> bool:
        """Record a response. Return False after the first failure, which ends the loop."""
        if self._finished.done():
            return False
        if problem:
            self._finished.set_exception(RequestFailedError(problem))
            return False
        self._load.latencies_s.append(time.perf_counter() - since)
        if len(self._load.latencies_s) == len(self._requests):
            self._finished.set_result(None)
        return True


class _Closed(_Loop):
    def __init__(self, slots: Sequence[Slot], requests: Sequence[bytes]) -> None:
        super().__init__(requests)
        self._slots = slots
        self._left = iter(requests)

    def _begin(self) -> None:
        for slot in self._slots:
            self._next(slot)

    def _next(self, slot: Slot) -> None:
        request = next(self._left, None)
        if request is None:
            return
        sent_at = time.perf_counter()

        def done(problem: str) -> None:
            if self._answered(sent_at, problem):
                self._next(slot)

        slot.send(request, done)


class _Open(_Loop):
    def __init__(self, slots: Sequence[Slot], requests: Sequence[bytes], rate: float) -> None:
        super().__init__(requests)
        self._free = deque(slots)
        self._rate = rate
        self._sent = 0

    def _begin(self) -> None:
        self._began = time.perf_counter()
        self._send_due()

    def _send_due(self) -> None:
        due = min(len(self._requests), int((time.perf_counter() - self._began) * self._rate) + 1)
        while self._sent < due and self._free:
            self._send(self._free.popleft())
        if due < len(self._requests):
            next_at = self._began + due / self._rate
            delay = max(0.0, next_at - time.perf_counter())
            asyncio.get_running_loop().call_later(delay, self._send_due)

    def _send(self, slot: Slot) -> None:
        request = self._requests[self._sent]
        due_at = self._began + self._sent / self._rate
        self._sent += 1

        def done(problem: str) -> None:
            if not self._answered(due_at, problem):
                return
            overdue = self._began + self._sent / self._rate <= time.perf_counter()
            if self._sent < len(self._requests) and overdue:
                self._send(slot)
            else:
                self._free.append(slot)

        slot.send(request, done)


async def send_all(slots: Sequence[Slot], requests: Sequence[bytes]) -> Load:
    """Send requests in a closed loop, each slot one at a time."""
    return await _Closed(slots, requests).run()


async def send_at_rate(slots: Sequence[Slot], requests: Sequence[bytes], rate: float) -> Load:
    """Send requests in an open loop. A request that finds no free slot waits and counts as late.

    Args:
        rate: requests per second.
    """
    return await _Open(slots, requests, rate).run()
