"""Run cases in rounds. A round measures every variant of a case, so noise affects all of them."""

from __future__ import annotations

__all__ = ["Measured", "Results", "run_rounds"]

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bench.cases import Case, Variant
from bench.cpu import TICK_S, cpu_seconds
from bench.load import Load, grpc_load, http_load
from bench.requests import grpc_calls, http_requests
from bench.servers import Server, Servers

_IN_FLIGHT = 32
_WARM_UP = 0.2
"""Fraction of a round's requests that is sent before the first round."""


@dataclass(frozen=True)
class Measured:
    """One variant in one round."""

    cpu_ms: float
    """CPU time of the whole server per request."""
    per_second: float
    p50_ms: float
    p99_ms: float


Results = dict[Case, dict[Variant, list[Measured]]]


def run_rounds(servers: Servers, cases: Sequence[Case], rounds: int, scale: float) -> Results:
    """Return the measurements of each variant in the order of the rounds.

    Args:
        scale: Fraction of each case's requests to send.
    """
    results: Results = {case: {variant: [] for variant in case.variants} for case in cases}
    for number in range(rounds + 1):
        for case, variants in results.items():
            for variant, measurements in variants.items():
                share = variant.share * scale * (1 if number else _WARM_UP)
                measured = _measure(servers[variant.server], case, variant, share)
                if number:
                    measurements.append(measured)
    return results


def _measure(server: Server, case: Case, variant: Variant, share: float) -> Measured:
    count = max(_IN_FLIGHT, round(case.requests * share))
    monitor = server.closed_monitor if variant.signed else server.open_monitor
    if case.rest:
        key = server.key if variant.signed else None
        requests = http_requests(server.http, monitor, case.events, count, key)
    else:
        requests = grpc_calls(monitor, case.events, case.entries, count)
    before = cpu_seconds(server.pids)
    load = asyncio.run(_send(server, case, requests))
    used = max(cpu_seconds(server.pids) - before, TICK_S)
    if load.failures:
        raise RuntimeError(f"{case.name}, {variant.name}: {load.failures} requests failed")
    server.stored += count * (case.entries or 1)
    return Measured(
        cpu_ms=used / count * 1000,
        per_second=count / load.seconds,
        p50_ms=load.percentile_ms(50),
        p99_ms=load.percentile_ms(99),
    )


async def _send(server: Server, case: Case, requests: list[bytes]) -> Load:
    if case.rest:
        return await http_load(server.http, requests, _IN_FLIGHT)
    return await grpc_load(server.grpc, case.method, requests, _IN_FLIGHT)
