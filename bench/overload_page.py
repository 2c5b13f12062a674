"""Tables and a chart of overload."""

from __future__ import annotations

__all__ = ["overload_page"]

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bench.arrivals import Outcomes
from bench.line_chart import line_chart

if TYPE_CHECKING:
    from bench.overload import Point

_HEAD = """# Overload

What the server does when clients send more than it can store. `python -m bench.overload --page`
measures this and writes the page.

![Goodput and latency against load](overload.svg)

An open loop sends puts of {events} events for {seconds:g} s at each load, whatever the server
answers. The capacity is the goodput of 64 clients that wait for each response. `openrum up` with
SQLite and the load generators share two cores, so at a high load the generators take CPU from the
server and cannot send as much as intended. "Sent" is what they sent.

Goodput is the number of puts that were accepted in a second while the load lasted. Latencies are
those of all accepted puts, counted from the moment at which a put was due.
"""


def overload_page(
    curves: Mapping[str, tuple[float, Sequence[Point]]],
    shares: Mapping[str, tuple[Outcomes, Outcomes, Outcomes]],
    *,
    events: int,
    seconds: float,
) -> tuple[str, str]:
    """Return the page and its chart."""
    parts = [_HEAD.format(events=events, seconds=seconds)]
    for face, (capacity, points) in curves.items():
        parts += [f"## {face}\n\nCapacity: {capacity:,.0f} puts a second.\n", _curve(points)]
    parts += [
        "## Fairness\n\nA client at a tenth of the capacity, alone and beside another one that is"
        " to send ten times the capacity to another app monitor.\n",
        _fairness(shares),
    ]
    goodput = {
        face: [(point.factor, point.outcomes.goodput / capacity) for point in points]
        for face, (capacity, points) in curves.items()
    }
    latency = {
        face: [(point.factor, point.outcomes.percentile_ms(99) / 1000) for point in points]
        for face, (_, points) in curves.items()
    }
    svg = line_chart(
        [("Goodput / capacity", goodput), ("99th percentile, seconds", latency)],
        x_label="load / capacity",
    )
    return "\n".join(parts), svg


def _curve(points: Sequence[Point]) -> str:
    rows = [
        "| load | sent/s | goodput/s | p50 ms | p99 ms | responses | not sent | memory MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for point in points:
        outcomes = point.outcomes
        rows.append(
            f"| {point.factor:g} | {outcomes.offered:,.0f} | {outcomes.goodput:,.0f}"
            f" | {outcomes.percentile_ms(50):,.0f} | {outcomes.percentile_ms(99):,.0f}"
            f" | {_responses(outcomes)} | {outcomes.not_sent:,} | {point.memory_mb:,.0f} |"
        )
    return "\n".join(rows) + "\n"


def _responses(outcomes: Outcomes) -> str:
    return ", ".join(
        f"{count:,} {problem or 'accepted'}" for problem, count in sorted(outcomes.counts.items())
    )


def _fairness(shares: Mapping[str, tuple[Outcomes, Outcomes, Outcomes]]) -> str:
    rows = [
        "| | client | sent/s | goodput/s | accepted | p50 ms | p99 ms |",
        "|---|---|---|---|---|---|---|",
    ]
    for face, outcomes in shares.items():
        for name, each in zip(("quiet, alone", "quiet", "busy"), outcomes, strict=True):
            share = each.counts[""] / max(1, each.counts.total())
            rows.append(
                f"| {face} | {name} | {each.offered:,.0f} | {each.goodput:,.0f} | {share:.1%}"
                f" | {each.percentile_ms(50):,.0f} | {each.percentile_ms(99):,.0f} |"
            )
    return "\n".join(rows) + "\n"
