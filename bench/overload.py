"""What happens when clients send more than a server can do, and who suffers.

Usage: python -m bench.overload [--page]
"""

from __future__ import annotations

__all__ = ["Point", "measure"]

import tempfile
from dataclasses import dataclass
from pathlib import Path

import click

from bench.arrivals import Arrivals, Outcomes, run_together
from bench.cpu import current_memory_mb
from bench.overload_page import overload_page
from bench.servers import Server, Servers

_FACTORS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
_METHOD = "/rum.v1.DataPlaneService/PutRumEvents"
_QUIET_SLOTS, _BUSY_SLOTS = 200, 800
_FACES = {"REST": "", "gRPC": _METHOD}


@dataclass(frozen=True)
class Point:
    """One load, and what became of it."""

    face: str
    factor: float
    """Times the capacity."""
    outcomes: Outcomes
    memory_mb: float
    """Of the server, afterwards."""


def measure(
    server: Server, face: str, *, events: int, seconds: float, slots: int
) -> tuple[float, list[Point]]:
    """Return the capacity in puts per second, and the points of the curve."""
    job = _job(server, face, server.open_monitor, events, seconds)
    (warm,) = run_together([job])
    (closed,) = run_together([job])
    capacity = max(warm.goodput, closed.goodput)
    points = []
    for factor in _FACTORS:
        due = _job(server, face, server.open_monitor, events, seconds, capacity * factor, slots)
        (outcomes,) = run_together([due])
        memory = sum(map(current_memory_mb, server.pids.values()))
        points.append(Point(face, factor, outcomes, memory))
        click.echo(f"{face} {factor:g}: {outcomes.goodput:,.0f} puts a second", err=True)
    return capacity, points


def fairness(
    server: Server, face: str, capacity: float, *, events: int, seconds: float
) -> tuple[Outcomes, Outcomes, Outcomes]:
    """Return a quiet client alone, then the same one beside a busy client, and the busy one.

    Both have as many connections as one address may have, by default.
    """
    quiet = _job(server, face, server.history_monitor, events, seconds, capacity / 10, _QUIET_SLOTS)
    busy = _job(server, face, server.open_monitor, events, seconds, capacity * 10, _BUSY_SLOTS)
    (alone,) = run_together([quiet])
    beside, other = run_together([quiet, busy])
    return alone, beside, other


def _job(
    server: Server,
    face: str,
    monitor_id: str,
    events: int,
    seconds: float,
    rate: float = 0.0,
    slots: int = 64,
) -> Arrivals:
    method = _FACES[face]
    address = server.grpc if method else server.http
    return Arrivals(address, monitor_id, events, seconds, rate, method, slots)


@click.command()
@click.option("--face", "faces", multiple=True, default=list(_FACES), help="REST or gRPC.")
@click.option("--events", default=10, show_default=True, help="Events in each batch.")
@click.option("--seconds", default=4.0, show_default=True, help="Length of each load.")
@click.option("--slots", default=6000, show_default=True, help="Requests in progress at most.")
@click.option("--page", is_flag=True, help="Write docs/reference/overload.md and .svg.")
def main(faces: list[str], events: int, seconds: float, slots: int, *, page: bool) -> None:
    """Measure the curve from a quarter of the capacity to four times, and fairness."""
    curves, shares = {}, {}
    for face in faces:
        # A server of its own for each curve, so that memory can be compared.
        with tempfile.TemporaryDirectory() as folder, Servers(Path(folder)) as servers:
            server = servers["overloaded"]
            curves[face] = measure(server, face, events=events, seconds=seconds, slots=slots)
            capacity = curves[face][0]
            shares[face] = fairness(server, face, capacity, events=events, seconds=seconds)
    text, svg = overload_page(curves, shares, events=events, seconds=seconds)
    if page:
        reference = Path(__file__).parents[1] / "docs" / "reference"
        (reference / "overload.md").write_text(text)
        (reference / "overload.svg").write_text(svg)
    click.echo(text)


if __name__ == "__main__":
    main()
