"""Tables and a chart of overload."""

from __future__ import annotations

__all__ = ["Part", "Row", "median_run", "overload_page"]

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from bench.arrivals import Outcomes
from bench.line_chart import line_chart

_HEAD = """# Overload

How the server behaves when clients send more than it can store. `python -m bench.overload --page`
measures it and writes this page.

`openrum up` with SQLite has one core, and the load generators have the other one, so that they take
no CPU from it. The capacity is the goodput of 64 clients that wait for each response. The load
generators send puts with ten events at a fixed rate, the load, and do not wait for responses.

With REST, there is a client for each put that is due within 5 s, at most 18,000. Each has its own
connection and waits for its response before it sends again. The server allows 40,000 connections
here, and 4,096 by default. With gRPC, 64 connections carry 24 calls each: the service allows 32,
and client libraries hold further calls back. Puts that are due while all clients wait are "not
sent". "Sent" is the rate that was reached. An overloaded server lets the clients that it rejects
wait for 3 to 9 s, and for 3 to 5 s with gRPC, because rejections take CPU.

Goodput is the number of accepted puts per second during the load. Latencies cover all accepted
puts, and count from the time at which each put was due. Goodput and latencies leave out the first
10 s with REST and 5 s with gRPC: only then are puts rejected as fast as they arrive. Memory is what
the server uses afterwards.
Each load is measured several times, in alternation with the others. A row shows the run with the
median goodput, and "runs" shows the goodput of all.

The virtual machine is up to three times as fast on some days as on others. So compare numbers
within a part, and not across parts.
"""
_CHART = "![Goodput and latency against load](overload.svg)\n"
_FAIRNESS = """## Fairness

One client sends a tenth of the capacity: alone, and while another client tries to send ten times
the capacity to another app monitor, with at most 3,000 requests in progress. With gRPC, the quiet
client has 4 connections and the busy one 32. The load takes 20 s. When it begins, all calls of the
busy client arrive at once. "First second" is the longest wait of a put that was due then. The
other numbers leave it out. A row shows the run in which the 99th percentile of the quiet client is
the median, and "runs" shows the percentile of the row's client in all.
"""
_SLOW_DISK = """## Slow disk

Puts over REST, while each fsync takes 2 s. A commit stores one group of at most 4 MiB, so the disk
stores about 130 puts per second. Goodput and latencies cover the whole load.
"""


@dataclass(frozen=True)
class Row:
    """One load, and what became of it."""

    name: str
    sent: float
    goodput: float
    p50_ms: float
    p99_ms: float
    counts: dict[str, int]
    """Responses by problem; empty for a success."""
    not_sent: int
    memory_mb: float
    runs: Sequence[float] = ()
    """The value by which this run was chosen, of every run."""
    longest_at_start_ms: float = 0.0
    """The longest wait of a put that the latencies leave out."""
    generator: float = 0.0
    """The share of a core that the load generator used."""

    @classmethod
    def of(cls, name: str, outcomes: Outcomes, memory_mb: float) -> Self:
        """Return the numbers of a load."""
        return cls(
            name,
            outcomes.offered,
            outcomes.goodput,
            outcomes.percentile_ms(50),
            outcomes.percentile_ms(99),
            dict(outcomes.counts),
            outcomes.not_sent,
            memory_mb,
            longest_at_start_ms=outcomes.longest_at_start_s * 1000,
            generator=outcomes.cpu_share,
        )

    @property
    def responses(self) -> str:
        """The number of responses of each kind."""
        return ", ".join(
            f"{count:,} {problem.removeprefix('status ') or 'accepted'}"
            for problem, count in sorted(self.counts.items())
        )


@dataclass(frozen=True)
class Part:
    """What was measured with one server."""

    name: str
    capacity: float
    """Puts per second; 0 if it was not measured."""
    curve: Sequence[Row]
    """The name of a row is its load: times the capacity if there is one."""
    fairness: Sequence[Row]
    load_s: float
    """How long each load of the curve took."""
    other_work: bool = False
    """Whether other work ran on the machine."""

    def as_json(self) -> dict[str, Any]:
        """Return the part as JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Return the part that `as_json` returned."""
        rows = {name: [Row(**row) for row in document[name]] for name in ("curve", "fairness")}
        return cls(
            document["name"],
            document["capacity"],
            rows["curve"],
            rows["fairness"],
            document["load_s"],
            document.get("other_work", False),
        )


def median_run(runs: Sequence[Sequence[Row]], value: Callable[[Row], float]) -> list[Row]:
    """Return the rows of the run in which the value of the first row is the median.

    Args:
        runs: an odd number of runs, each with the same rows.
    """
    chosen = sorted(runs, key=lambda rows: value(rows[0]))[len(runs) // 2]
    return [
        replace(row, runs=[value(rows[number]) for rows in runs])
        for number, row in enumerate(chosen)
    ]


def overload_page(parts: Sequence[Part]) -> tuple[str, str | None]:
    """Return the page and its chart, or None without a curve."""
    curves = [part for part in parts if part.capacity]
    texts = [_HEAD]
    if curves:
        texts += [_CHART]
        for part in curves:
            texts += [f"## {part.name}\n\nCapacity: {part.capacity:,.0f} puts a second."]
            texts[-1] += _circumstances(part)
            texts += [_table(part.curve), _shares_of_peak(part.curve)]
        texts += [
            _FAIRNESS,
            *(f"{part.name}:\n\n{_table(part.fairness, first_second=True)}" for part in curves),
        ]
    texts += [
        f"{_SLOW_DISK.rstrip()}{_circumstances(part)}\n{_table(part.curve)}"
        for part in parts
        if not part.capacity
    ]
    return "\n".join(texts), _chart(curves) if curves else None


def _circumstances(part: Part) -> str:
    other_work = " Other work ran on the machine." if part.other_work else ""
    return f" A load takes {part.load_s:g} s.{other_work}\n"


def _chart(curves: Sequence[Part]) -> str:
    goodput = {
        part.name: [(float(row.name), row.goodput / part.capacity) for row in part.curve]
        for part in curves
    }
    latency = {
        part.name: [(float(row.name), row.p99_ms / 1000) for row in part.curve] for part in curves
    }
    return line_chart(
        [("Goodput / capacity", goodput), ("99th percentile, seconds", latency)],
        x_label="load / capacity",
    )


def _shares_of_peak(rows: Sequence[Row]) -> str:
    """Return what share of the highest goodput the overloaded server reached."""
    peak = max(row.goodput for row in rows)
    over = [row for row in rows if float(row.name) > 1]
    if not over:
        return ""
    shares = ", ".join(f"{row.goodput / peak * 100:.0f} % at {row.name}" for row in over)
    busiest = max(row.generator for row in rows) * 100
    return (
        f"Shares of the highest goodput: {shares}. The load generator used at most {busiest:.0f} %"
        " of its core.\n"
    )


def _table(rows: Sequence[Row], *, first_second: bool = False) -> str:
    columns = ["load", "sent/s", "goodput/s", "p50 ms", "p99 ms"]
    columns += ["first second ms"] if first_second else []
    columns += ["responses", "not sent", "memory MB", "runs"]
    lines = [columns]
    for row in rows:
        numbers = [row.sent, row.goodput, row.p50_ms, row.p99_ms]
        numbers += [row.longest_at_start_ms] if first_second else []
        lines.append(
            [
                row.name,
                *(f"{number:,.0f}" for number in numbers),
                row.responses,
                f"{row.not_sent:,}",
                f"{row.memory_mb:,.0f}",
                ", ".join(f"{value:,.0f}" for value in row.runs),
            ]
        )
    texts = [f"| {' | '.join(line)} |" for line in lines]
    texts.insert(1, f"|{'---|' * len(columns)}")
    return "\n".join(texts) + "\n"
