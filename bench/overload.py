"""What happens when clients send more than a server can do, and who suffers.

Usage: python -m bench.overload [--part REST] [--page]

Each part takes about two and a half minutes. Its numbers replace those in
bench/results/overload.json, and the page has the numbers of all parts.
"""

from __future__ import annotations

__all__ = ["main"]

import json
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from bench.arrivals import Arrivals, run_together
from bench.cpu import busy_share, current_memory_mb
from bench.overload_page import Part, Row, median_run, overload_page
from bench.servers import Server, Servers
from tests.support.slow_disk import SlowDisk

_FACTORS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
_METHODS = {"REST": "", "gRPC": "/rum.v1.DataPlaneService/PutRumEvents"}
_SLOW_DISK = "slow disk"
_OTHER_WORK_SHARE = 0.1
_QUIET_SLOTS, _BUSY_SLOTS = 200, 3000
# With gRPC. The server limits the calls on each.
_CONNECTIONS, _QUIET_CONNECTIONS, _BUSY_CONNECTIONS = 64, 4, 32
_FSYNC_S = 2.0
_SLOW_RATES = (100, 500, 2000)
_ROOT = Path(__file__).parents[1]
_RESULTS = _ROOT / "bench" / "results" / "overload.json"


class _Measurement:
    """Loads for one server, through one face."""

    def __init__(self, server: Server, method: str, events: int, slots: int) -> None:
        self._server = server
        self._method = method
        self._events = events
        self._slots = slots

    def capacity(self, seconds: float) -> float:
        """Return the puts per second of clients that wait for each response, when it is warm."""
        job = self._job(self._server.open_monitor, seconds)
        return max(run_together([job])[0].goodput for _ in range(2))

    def curve(self, capacity: float, seconds: float, rounds: int) -> list[Row]:
        """Send at each rate once in each round. A drift of the machine affects all rates."""
        runs: dict[float, list[list[Row]]] = {factor: [] for factor in _FACTORS}
        for number in range(rounds):
            for factor in _FACTORS if number % 2 else reversed(_FACTORS):
                runs[factor].append([self.row(f"{factor:g}", capacity * factor, seconds)])
        return [median_run(each, lambda row: row.goodput)[0] for each in runs.values()]

    def row(self, name: str, rate: float, seconds: float) -> Row:
        """Send at a rate."""
        job = self._job(self._server.open_monitor, seconds, rate, self._slots)
        return self._rows([name], [job])[0]

    def fairness(self, capacity: float, seconds: float, rounds: int) -> list[Row]:
        """Send a tenth of the capacity alone and beside ten times the capacity, in each round."""
        quiet = self._job(
            self._server.history_monitor, seconds, capacity / 10, _QUIET_SLOTS, _QUIET_CONNECTIONS
        )
        busy = self._job(
            self._server.open_monitor, seconds, capacity * 10, _BUSY_SLOTS, _BUSY_CONNECTIONS
        )
        alone, beside = [], []
        for _ in range(rounds):
            alone.append(self._rows(["quiet, alone"], [quiet]))
            beside.append(self._rows(["quiet", "busy"], [quiet, busy]))
        return [row for runs in (alone, beside) for row in median_run(runs, lambda row: row.p99_ms)]

    def _rows(self, names: list[str], jobs: list[Arrivals]) -> list[Row]:
        found = run_together(jobs)
        memory = sum(map(current_memory_mb, self._server.pids.values()))
        rows = [Row.of(name, each, memory) for name, each in zip(names, found, strict=True)]
        for row in rows:
            click.echo(f"{row.name}: {row.goodput:,.0f} a second, {row.p99_ms:,.0f} ms", err=True)
        return rows

    def _job(
        self,
        monitor_id: str,
        seconds: float,
        rate: float = 0.0,
        slots: int = 64,
        connections: int = _CONNECTIONS,
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
        )


def _measure(name: str, *, events: int, seconds: float, rounds: int, slots: int) -> Part:
    other_work = busy_share() > _OTHER_WORK_SHARE
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = stack.enter_context(Servers(folder))
        if name == _SLOW_DISK:
            disk = SlowDisk(folder)
            measurement = _Measurement(servers.overloaded(disk.environment), "", events, slots)
            capacity = 0.0
            stack.enter_context(disk.taking(_FSYNC_S))
            curve = [measurement.row(f"{rate}/s", rate, 10 * seconds) for rate in _SLOW_RATES]
            fairness = []
        else:
            measurement = _Measurement(servers["overloaded"], _METHODS[name], events, slots)
            capacity = measurement.capacity(2 * seconds)
            curve = measurement.curve(capacity, seconds, rounds)
            fairness = measurement.fairness(capacity, 4 * seconds, rounds)
        return Part(name, capacity, curve, fairness, other_work)


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
@click.option("--seconds", default=2.0, show_default=True, help="Length of each load.")
@click.option("--rounds", default=3, show_default=True, help="How often each load is measured.")
@click.option("--slots", default=6000, show_default=True, help="Requests in progress at most.")
@click.option("--page", is_flag=True, help="Write docs/reference/overload.md and .svg.")
def main(
    names: list[str], events: int, seconds: float, rounds: int, slots: int, *, page: bool
) -> None:
    """Measure the curve from a quarter of the capacity to four times, fairness, a slow disk."""
    kept = json.loads(_RESULTS.read_text()) if _RESULTS.exists() else {}
    for name in names:
        part = _measure(name, events=events, seconds=seconds, rounds=rounds, slots=slots)
        kept[name] = part.as_json()
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
