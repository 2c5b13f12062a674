"""Clients that send at a rate, whatever the server answers: a process of their own.

Unlike `load.py`, an error is an outcome to count, and a request that finds no free connection is
not sent. If there are several cores, the clients leave the first one to the server.
"""

from __future__ import annotations

__all__ = ["Arrivals", "Outcomes", "run_together"]

import asyncio
import gc
import multiprocessing
import multiprocessing.synchronize
import re
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat

import uvloop

from bench.cores import generator_cores, on_cores
from bench.corpus import message_batches
from bench.http1 import http_connections
from bench.http2 import grpc_channels
from bench.load import Slot, percentile_ms
from bench.requests import endless_http_requests

_GRPC_STATUS = re.compile(r"grpc-status\\x01(\d)")
# For the server, a call ends a moment after its client has the response.
_SHARE_OF_CALLS = 0.75
_TICK_S = 0.002
_LAST_S = 15.0
"""How long the last responses may take."""


@dataclass(frozen=True)
class Arrivals:
    """Puts to send to one server."""

    address: str
    monitor_id: str
    events: int
    """In each batch."""
    seconds: float
    rate: float = 0.0
    """Requests per second. 0: each slot sends its next request after a response."""
    method: str = ""
    """The gRPC method; empty for REST."""
    slots: int = 64
    """How many requests can be in progress at most."""
    connections: int = 64
    """How many connections calls over gRPC share. The server limits the calls on each."""
    settle_s: float = 0.0
    """The goodput and the latencies do not include this time at the start."""


@dataclass
class Outcomes:
    """What became of the requests."""

    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    """By outcome: empty for a success, else the problem."""
    latencies_s: array[float] = field(default_factory=lambda: array("d"))
    """Of the puts that succeeded, in no order, without the time at the start."""
    settle_s: float = 0.0
    """How long the time at the start is."""
    longest_at_start_s: float = 0.0
    """The longest wait of a put that was due in that time."""
    in_time: int = 0
    """Puts that succeeded before the load ended, without the time at the start."""
    not_sent: int = 0
    cpu_s: float = 0.0
    """Used by the generator while the load lasted."""

    @property
    def goodput(self) -> float:
        """Puts that succeeded in a second, while the load lasted."""
        return self.in_time / (self.seconds - self.settle_s)

    @property
    def cpu_share(self) -> float:
        """The share of a core that the generator used."""
        return self.cpu_s / self.seconds

    @property
    def offered(self) -> float:
        """Requests sent in a second."""
        return self.counts.total() / self.seconds

    def percentile_ms(self, percent: float) -> float:
        """Return the latency that so many percent of the accepted puts did not exceed."""
        return percentile_ms(self.latencies_s, percent)


def run_together(jobs: Sequence[Arrivals]) -> list[Outcomes]:
    """Run jobs at the same time, each in a process."""
    # Spawned: a fork would copy the threads of gRPC.
    context = multiprocessing.get_context("spawn")
    with on_cores(generator_cores()), context.Pool(len(jobs)) as pool:
        ready = context.Manager().Barrier(len(jobs))
        return pool.starmap(_serve, zip(jobs, repeat(ready), strict=False))


def _serve(job: Arrivals, ready: multiprocessing.synchronize.Barrier) -> Outcomes:
    gc.disable()
    return uvloop.run(_run(job, ready.wait))


async def _run(job: Arrivals, wait: Callable[[], object]) -> Outcomes:
    slots = await _slots(job)
    requests = _requests(job)
    next(requests)
    wait()
    sender = _Sender(job, slots, requests)
    try:
        return await sender.run()
    finally:
        for slot in set(slots):
            slot.close()


async def _slots(job: Arrivals) -> list[Slot]:
    if not job.method:
        return [*await http_connections(job.address, job.slots)]
    channels = await grpc_channels(job.address, job.method, job.connections)
    slots: list[Slot] = [
        channel
        for number in range(job.slots)
        for channel in channels
        if number < channel.max_calls * _SHARE_OF_CALLS
    ]
    return slots[: job.slots]


def _requests(job: Arrivals) -> Iterator[bytes]:
    if job.method:
        return message_batches(job.events, job.monitor_id)
    return endless_http_requests(job.address, job.monitor_id, job.events)


class _Sender:
    def __init__(self, job: Arrivals, slots: list[Slot], requests: Iterator[bytes]) -> None:
        self._job = job
        # In turns: a client that has its response is silent for a while.
        self._free = deque(slots)
        self._requests = requests
        self._in_progress = 0
        self._sent = 0
        self._outcomes = Outcomes(job.seconds, settle_s=job.settle_s)
        self._idle = asyncio.Event()

    async def run(self) -> Outcomes:
        cpu_s = time.process_time()
        self._began = time.perf_counter()
        self._settled = self._began + self._job.settle_s
        self._end = self._began + self._job.seconds
        if self._job.rate:
            while (now := time.perf_counter()) < self._end:
                self._send_due(now)
                await asyncio.sleep(_TICK_S)
        else:
            for slot in self._free:
                self._send(slot, self._began)
            await asyncio.sleep(self._job.seconds)
        self._outcomes.cpu_s = time.process_time() - cpu_s
        if self._in_progress:
            await asyncio.wait_for(self._idle.wait(), self._job.seconds + _LAST_S)
        return self._outcomes

    def _send_due(self, now: float) -> None:
        due = int((now - self._began) * self._job.rate) + 1
        while self._sent < due:
            due_at = self._began + self._sent / self._job.rate
            self._sent += 1
            if self._free:
                self._send(self._free.popleft(), due_at)
            else:
                self._outcomes.not_sent += 1

    def _send(self, slot: Slot, since: float) -> None:
        self._in_progress += 1

        def done(problem: str) -> None:
            now = time.perf_counter()
            self._in_progress -= 1
            self._outcomes.counts[_outcome(problem)] += 1
            if not problem:
                self._accept(since, now)
            if "closed" not in problem:
                self._reuse(slot, now)
            if now >= self._end and not self._in_progress:
                self._idle.set()

        slot.send(next(self._requests), done)

    def _accept(self, since: float, now: float) -> None:
        outcomes = self._outcomes
        if since < self._settled:
            outcomes.longest_at_start_s = max(outcomes.longest_at_start_s, now - since)
        else:
            outcomes.latencies_s.append(now - since)
        outcomes.in_time += self._settled <= now < self._end

    def _reuse(self, slot: Slot, now: float) -> None:
        if self._job.rate:
            self._free.append(slot)
        elif now < self._end:
            self._send(slot, now)


def _outcome(problem: str) -> str:
    """Return a short name of an outcome."""
    status = _GRPC_STATUS.search(problem)
    return f"gRPC status {status[1]}" if status else problem
