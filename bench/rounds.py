"""Measures cases in rounds. Each round measures every variant, so noise reaches all of them."""

from __future__ import annotations

__all__ = ["Measured", "measure_case"]

from dataclasses import dataclass

from bench.cases import Case, Variant
from bench.cpu import cpu_seconds
from bench.generator import Generators, Job
from bench.servers import Server, Servers

_IN_FLIGHT = 32
# An open loop never waits for a connection below this.
_IN_FLIGHT_AT_RATE = 128
_PUT = "/rum.v1.DataPlaneService/PutRumEvents"


@dataclass(frozen=True)
class Measured:
    """One variant in one round."""

    cpu_ms: float
    """CPU of the server for each put, in milliseconds."""
    per_second: float
    """Puts."""
    p50_ms: float
    """Latency of requests."""
    p99_ms: float
    generator: float
    """CPU of the load generator while it ran, as a share of one core."""


def measure_case(
    servers: Servers, generators: Generators, case: Case, variant: Variant, scale: float
) -> Measured:
    """Send a case's requests to one variant.

    Args:
        scale: the share of the case's requests to send.
    """
    server = servers[variant.server]
    count = max(_IN_FLIGHT, round(case.requests * variant.share * scale))
    pids = [server.pids[name] for name in variant.processes or server.pids]
    load, before, after = generators.run(
        _job(server, case, variant, count), lambda: cpu_seconds(pids)
    )
    puts = count * (case.entries or 1)
    if server.ledger:
        server.ledger.acknowledged += puts
    return Measured(
        cpu_ms=(after - before) / puts * 1000,
        per_second=puts / load.seconds,
        p50_ms=load.percentile_ms(50),
        p99_ms=load.percentile_ms(99),
        generator=load.cpu_s / load.seconds,
    )


def _job(server: Server, case: Case, variant: Variant, count: int) -> Job:
    method = "" if case.rest else server.batch_method if case.entries else _PUT
    return Job(
        address=server.http if case.rest else server.grpc,
        monitor_id=server.closed_monitor if variant.signed else server.open_monitor,
        count=count,
        events=case.events,
        method=method,
        entries=case.entries,
        in_flight=_IN_FLIGHT_AT_RATE if case.rate else _IN_FLIGHT,
        rate=case.rate,
        key=server.key if variant.signed else None,
    )
