"""What happens when clients send more than a server can do, and who suffers.

Usage: python -m bench.overload [--part REST] [--page]

The server has one core, and the load generators have the others. Everything takes about half an
hour. The numbers of a part replace those in bench/results/overload.json, and the page has the
numbers of all parts. With REST the server and the load generator need 20,000 open files each.
"""

from __future__ import annotations

__all__ = ["main"]

import json
import math
import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from bench.arrivals import Arrivals, run_together
from bench.cpu import busy_share, current_memory_mb
from bench.overload_page import Part, Row, median_run, overload_page
from bench.servers import Server, Servers
from rum_endpoint.descriptors import descriptor_limit
from tests.support.slow_disk import SlowDisk

_LOADS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
_METHODS = {"REST": "", "gRPC": "/rum.v1.DataPlaneService/PutRumEvents"}
_SLOW_DISK = "slow disk"
_OTHER_WORK_SHARE = 0.1
# How long a load takes, and how long until rejections follow: 3 to 9 s with REST, 3 to 5 with gRPC.
_LOADS_S = {"REST": (20.0, 10.0), "gRPC": (15.0, 5.0)}
_CAPACITY_S = 4.0
_FAIRNESS_S, _FAIRNESS_SETTLE_S = 20.0, 1.0
_ALONE_S = 8.0
# With REST, each client has a connection. aws-rum-web sends a put every 5 s.
_CLIENT_SENDS_EVERY_S = 5.0
_MAX_CLIENTS = 18_000
# The server has some files beside connections, and the same limit.
_OTHER_FILES = 1024
_QUIET_SLOTS, _BUSY_SLOTS = 200, 3000
# With gRPC. The server limits the calls on each.
_CONNECTIONS, _QUIET_CONNECTIONS, _BUSY_CONNECTIONS = 64, 4, 32
_CALLS = 6000
_FSYNC_S = 2.0
_SLOW_RATES = (100, 500, 2000)
_SLOW_LOAD_S = 14.0
_ROOT = Path(__file__).parents[1]
_RESULTS = _ROOT / "bench" / "results" / "overload.json"


class _Measurement:
    """Loads for one server, through one face."""

    def __init__(self, server: Server, method: str, events: int) -> None:
        self._server = server
        self._method = method
        self._events = events

    def capacity(self) -> float:
        """Return the puts per second of clients that wait for each response, when it is warm."""
        job = self._job(self._server.open_monitor, _CAPACITY_S)
        return max(run_together([job])[0].goodput for _ in range(2))

    def rounds(
        self, rates: dict[str, float], seconds: float, settle_s: float, rounds: int
    ) -> list[Row]:
        """Send at each rate once in each round. A drift of the machine affects all rates."""
        runs: dict[str, list[list[Row]]] = {name: [] for name in rates}
        for number in range(rounds):
            for name in rates if number % 2 else reversed(rates):
                rate = rates[name]
                slots = _CALLS if self._method else _clients(rate)
                job = self._job(self._server.open_monitor, seconds, rate, slots, settle_s=settle_s)
                runs[name].append(self._rows([name], [job]))
        return [median_run(each, lambda row: row.goodput)[0] for each in runs.values()]

    def fairness(self, capacity: float, rounds: int) -> list[Row]:
        """Send a tenth of the capacity alone and beside ten times the capacity, in each round."""
        monitors = self._server.history_monitor, self._server.open_monitor
        quiet = (monitors[0], capacity / 10, _QUIET_SLOTS, _QUIET_CONNECTIONS)
        busy = (monitors[1], capacity * 10, _BUSY_SLOTS, _BUSY_CONNECTIONS)

        def job(client: tuple[str, float, int, int], seconds: float) -> Arrivals:
            monitor_id, rate, slots, connections = client
            settle_s = _FAIRNESS_SETTLE_S
            return self._job(monitor_id, seconds, rate, slots, connections, settle_s=settle_s)

        alone, beside = [], []
        for _ in range(rounds):
            alone.append(self._rows(["quiet, alone"], [job(quiet, _ALONE_S)]))
            jobs = [job(client, _FAIRNESS_S) for client in (quiet, busy)]
            beside.append(self._rows(["quiet", "busy"], jobs))
        return [row for runs in (alone, beside) for row in median_run(runs, lambda row: row.p99_ms)]

    def _rows(self, names: list[str], jobs: list[Arrivals]) -> list[Row]:
        found = run_together(jobs)
        memory = sum(map(current_memory_mb, self._server.pids.values()))
        rows = [Row.of(name, each, memory) for name, each in zip(names, found, strict=True)]
        for row in rows:
            click.echo(
                f"{row.name}: {row.sent:,.0f} sent, {row.goodput:,.0f} accepted a second,"
                f" 99 % within {row.p99_ms:,.0f} ms, {row.memory_mb:,.0f} MB,"
                f" generator {row.generator:.0%}",
                err=True,
            )
        return rows

    def _job(
        self,
        monitor_id: str,
        seconds: float,
        rate: float = 0.0,
        slots: int = 64,
        connections: int = _CONNECTIONS,
        *,
        settle_s: float = 0.0,
    ) -> Arrivals:
        return Arrivals(
            self._server.grpc if self._method else self._server.http,
            monitor_id,
            self._events,
            seconds,
            rate,
            self._method,
            slots,
            connections,
            settle_s,
        )


def _clients(rate: float) -> int:
    """Return how many clients send so many puts a second, as far as the process may open files."""
    files = descriptor_limit(_MAX_CLIENTS + _OTHER_FILES)
    return min(math.ceil(rate * _CLIENT_SENDS_EVERY_S), _MAX_CLIENTS, files - _OTHER_FILES)


def _measure(
    name: str, *, events: int, loads: Sequence[float], rounds: int, fairness: bool = True
) -> Part:
    other_work = busy_share() > _OTHER_WORK_SHARE
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = stack.enter_context(Servers(folder))
        if name == _SLOW_DISK:
            disk = SlowDisk(folder)
            measurement = _Measurement(servers.overloaded(disk.environment), "", events)
            stack.enter_context(disk.taking(_FSYNC_S))
            rates = {f"{rate}/s": float(rate) for rate in _SLOW_RATES}
            curve = measurement.rounds(rates, _SLOW_LOAD_S, 0.0, rounds)
            return Part(name, 0.0, curve, [], _SLOW_LOAD_S, other_work)
        measurement = _Measurement(servers["overloaded"], _METHODS[name], events)
        capacity = measurement.capacity()
        rates = {f"{load:g}": capacity * load for load in loads}
        load_s, settle_s = _LOADS_S[name]
        curve = measurement.rounds(rates, load_s, settle_s, rounds)
        rows = measurement.fairness(capacity, rounds) if fairness else []
        return Part(name, capacity, curve, rows, load_s, other_work)


@click.command()
@click.option(
    "--part",
    "names",
    multiple=True,
    default=[*_METHODS, _SLOW_DISK],
    type=click.Choice([*_METHODS, _SLOW_DISK]),
    help="What to measure. By default everything.",
)
@click.option("--events", default=10, show_default=True, help="Events in each batch.")
@click.option("--rounds", default=3, show_default=True, help="How often each load is measured.")
@click.option(
    "--load",
    "loads",
    multiple=True,
    type=float,
    help="Measure this load only, times the capacity, and keep no results.",
)
@click.option("--page", is_flag=True, help="Write docs/reference/overload.md and .svg.")
def main(
    names: list[str], events: int, rounds: int, loads: tuple[float, ...], *, page: bool
) -> None:
    """Measure the curve from a quarter of the capacity to four times, fairness, a slow disk."""
    if len(os.sched_getaffinity(0)) < 2:
        raise click.UsageError("The server and the load generators need a core each.")
    if loads:
        for name in names:
            _measure(name, events=events, loads=loads, rounds=rounds, fairness=False)
        return
    kept = json.loads(_RESULTS.read_text()) if _RESULTS.exists() else {}
    for name in names:
        kept[name] = _measure(name, events=events, loads=_LOADS, rounds=rounds).as_json()
        _RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
    parts = [Part.from_json(kept[name]) for name in [*_METHODS, _SLOW_DISK] if name in kept]
    if page:
        text, svg = overload_page(parts)
        reference = _ROOT / "docs" / "reference"
        (reference / "overload.md").write_text(text)
        if svg:
            (reference / "overload.svg").write_text(svg)


if __name__ == "__main__":
    main()
