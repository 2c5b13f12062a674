"""What OpenRUM takes when it starts, idles, and serves many clients: on fresh servers."""

from __future__ import annotations

__all__ = ["Footprint", "measure_footprint"]

import http.client
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.checkout import Both, Bridge, Checkout, Service
from bench.corpus import json_batches
from bench.cpu import cpu_seconds, peak_memory_mb
from bench.generator import Generators, Job

_CONNECTIONS = 64
_EVENTS = 100
# The end of starting is not idleness.
_SETTLE_S = 1.0


@dataclass(frozen=True)
class Footprint:
    """One measurement."""

    start_s: float
    """From the start of `openrum up` in an empty folder to the response to the first put."""
    idle_percent: float
    """CPU of service and bridge without requests, in percent of one core."""
    peak_mb: float
    """Peak memory of the larger process while 64 connections put batches of 100 events."""


def measure_footprint(
    checkout: Checkout, generators: Generators, folder: Path, *, requests: int, idle_s: float
) -> Footprint:
    """Start fresh servers, measure and stop them.

    Args:
        requests: puts under which memory is measured.
        idle_s: how long to measure the idle servers, in seconds.
    """
    with tempfile.TemporaryDirectory(dir=folder) as data, ExitStack() as stack:
        start_s, monitor_id = _first_put(checkout, Path(data))
        # The same data, now served by two processes.
        service = stack.enter_context(Service(checkout, Path(data)))
        bridge = stack.enter_context(Bridge(checkout, Path(data), OPENRUM_SERVICE=service.grpc))
        pids = [service.pid, bridge.pid]
        time.sleep(_SETTLE_S)
        before = cpu_seconds(pids)
        time.sleep(idle_s)
        idle = cpu_seconds(pids) - before
        job = Job(
            bridge.url.removeprefix("http://"),
            monitor_id,
            max(requests, _CONNECTIONS),
            events=_EVENTS,
            in_flight=_CONNECTIONS,
        )
        generators.run(job, lambda: None)
        return Footprint(
            start_s=start_s,
            idle_percent=idle / idle_s * 100,
            peak_mb=max(map(peak_memory_mb, pids)),
        )


def _first_put(checkout: Checkout, folder: Path) -> tuple[float, str]:
    body = next(json_batches(1))
    began = time.perf_counter()
    with Both(checkout, folder) as both:
        connection = http.client.HTTPConnection(both.url.removeprefix("http://"), timeout=60)
        headers = {"Content-Type": "application/json"}
        connection.request("POST", f"/appmonitors/{both.monitor_id}", body, headers)
        response = connection.getresponse()
        response.read()
        start_s = time.perf_counter() - began
        connection.close()
        if response.status != 200:
            raise RuntimeError(f"the first put got status {response.status}")
        both.stop()
        return start_s, both.monitor_id
