"""Load generators: processes of their own, which prepare requests before the clock starts."""

from __future__ import annotations

__all__ = ["Generators", "Job"]

import asyncio
import gc
import multiprocessing
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import cycle, islice
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self, TypeVar

import uvloop

from bench.http1 import http_connections
from bench.http2 import grpc_channels
from bench.load import Load, Slot, send_all, send_at_rate
from bench.requests import AccessKey, grpc_calls, http_requests

T = TypeVar("T")

_CHANNELS = 2
_CALLS_PER_CHANNEL = 16  # the service allows 32
_TIMEOUT_S = 300.0


@dataclass(frozen=True)
class Job:
    """Puts to send to one server."""

    address: str
    monitor_id: str
    count: int
    events: int
    """In each batch."""
    method: str = ""
    """The gRPC method; empty for REST."""
    entries: int = 0
    """Batches in each call. 0: the method takes one batch without an envelope."""
    in_flight: int = 32
    rate: float = 0.0
    """Requests per second in an open loop. 0: a closed loop."""
    key: AccessKey | None = None
    """Signs REST requests."""
    start_s: float | None = None
    """Unix time of the first batch; the others follow at one second each. None: as captured."""


class Generators:
    """Load generators that share each job."""

    def __init__(self, count: int) -> None:
        # Spawned: a fork would copy the threads of gRPC.
        context = multiprocessing.get_context("spawn")
        pipes = [context.Pipe() for _ in range(count)]
        self._pipes = [ours for ours, _ in pipes]
        self._processes = [
            context.Process(target=_serve, args=(theirs,), daemon=True) for _, theirs in pipes
        ]

    def __enter__(self) -> Self:
        for process in self._processes:
            process.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        for process in self._processes:
            process.kill()
            process.join()

    def run(self, job: Job, read: Callable[[], T]) -> tuple[Load, T, T]:
        """Send a job's requests; return the load and `read()` directly before and after.

        Raises:
            RuntimeError: a request failed.
        """
        share = len(self._pipes)
        parts = [
            replace(
                job,
                count=_part(job.count, number, share),
                in_flight=max(1, _part(job.in_flight, number, share)),
                rate=job.rate / share,
            )
            for number in range(share)
        ]
        for pipe, part in zip(self._pipes, parts, strict=True):
            pipe.send(part)
        for pipe in self._pipes:
            self._receive(pipe)
        before = read()
        for pipe in self._pipes:
            pipe.send(None)
        load = Load()
        for pipe in self._pipes:
            load.add(self._receive(pipe))
        return load, before, read()

    def _receive(self, pipe: Connection[object, object]) -> Load:
        if not pipe.poll(_TIMEOUT_S):
            raise RuntimeError(f"a load generator did not answer within {_TIMEOUT_S:g} s")
        answer = pipe.recv()
        if not isinstance(answer, Load):
            raise RuntimeError(f"a load generator failed:\n{answer}")
        return answer


def _part(total: int, number: int, share: int) -> int:
    return total // share + (number < total % share)


def _serve(pipe: Connection[object, object]) -> None:
    gc.disable()  # a run allocates no cycles; between runs, garbage is collected
    while isinstance(job := pipe.recv(), Job):
        try:
            pipe.send(uvloop.run(_run(job, pipe)))
        except Exception:
            pipe.send(f"{job}\n{traceback.format_exc()}")
        gc.collect()


async def _run(job: Job, pipe: Connection[object, object]) -> Load:
    requests = _requests(job)
    slots = await _slots(job)
    pipe.send(Load())
    pipe.recv()
    try:
        if job.rate:
            return await send_at_rate(slots, requests, job.rate)
        return await send_all(slots, requests)
    finally:
        for slot in set(slots):
            slot.close()
        await asyncio.sleep(0)


def _requests(job: Job) -> list[bytes]:
    if job.method:
        return grpc_calls(job.monitor_id, job.events, job.entries, job.count, job.start_s)
    return http_requests(job.address, job.monitor_id, job.events, job.count, job.key)


async def _slots(job: Job) -> list[Slot]:
    if not job.method:
        return [*await http_connections(job.address, job.in_flight)]
    enough = max(_CHANNELS, -(-job.in_flight // _CALLS_PER_CHANNEL))
    channels = await grpc_channels(job.address, job.method, min(enough, job.in_flight))
    return list(islice(cycle(channels), job.in_flight))
