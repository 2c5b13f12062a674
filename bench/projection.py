"""Measures the projector: `python -m bench.projection`.

catch-up       the CPU and the time to project a month of a shop's traffic, on one thread
interference   the latency of REST puts at a fixed rate, with and without a projector that catches
               up beside the server, in turn
"""

from __future__ import annotations

import asyncio
import json
import resource
import time
from pathlib import Path
from statistics import median

from bench.checkout import Projector
from bench.demo.shop import SHOP
from bench.http1 import http_connections
from bench.load import Load, send_at_rate
from bench.log_options import large_log, options_of
from bench.page import write_part
from bench.requests import http_requests
from rum_cli.projector_process import read_state
from rum_projector.runner import collect_rarely
from rum_projector.server import open_projection
from rum_projector.settings import ProjectorSettings
from tests.support.running import OpenRum

_PAGE = Path(__file__).parents[1] / "docs" / "reference" / "projector.md"
_SLOTS = 32
_EVENTS_PER_PUT = 10


def catch_up(url: str, projection: str) -> dict[str, float]:
    """Project the whole log. Return events per second of CPU and of time, and bytes per event."""
    collect_rarely()
    settings = ProjectorSettings(database_url=url, projection=projection)
    with open_projection(settings) as (_, engine, running, _):
        running.start()
        running.step()  # without the imports that the first events cause
        before = running.freshness().events
        cpu_s, began_s = time.process_time(), time.perf_counter()
        while running.step():
            pass
        cpu_s, took_s = time.process_time() - cpu_s, time.perf_counter() - began_s
        events = running.freshness().events
        return {
            "events": events,
            "events per CPU second": (events - before) / cpu_s,
            "events per second": (events - before) / took_s,
            "bytes per event": engine.size_bytes() / events,
            "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def interference(
    folder: Path, url: str, *, rate: float, seconds: float, turns: int
) -> dict[str, list[Load]]:
    """Return how long puts take without and with a projector that catches up, in turns."""
    projection = folder / "insight.duckdb"
    settings = {"OPENRUM_DATABASE_URL": url, "OPENRUM_PROJECTION": str(projection)}
    found: dict[str, list[Load]] = {"without": [], "with": []}
    with OpenRum(folder, **settings) as server:
        address = server.url.removeprefix("http://")
        put_at_rate(address, rate, 1.0)  # warm
        for _ in range(turns):
            found["without"].append(put_at_rate(address, rate, seconds))
            for file in folder.glob(f"{projection.name}*"):
                file.unlink()
            with Projector(folder, **settings):
                found["with"].append(put_at_rate(address, rate, seconds))
                print(progress(folder))
    return found


def put_at_rate(address: str, rate: float, seconds: float) -> Load:
    """Put batches of ten events to the shop, and return how long the responses took."""
    requests = http_requests(address, SHOP.id, _EVENTS_PER_PUT, round(rate * seconds))

    async def send() -> Load:
        slots = await http_connections(address, _SLOTS)
        try:
            return await send_at_rate(slots, requests, rate)
        finally:
            for slot in slots:
                slot.close()

    return asyncio.run(send())


def progress(folder: Path) -> str:
    """Return how far the projector in a folder is: it must not catch up during a turn."""
    found = read_state(folder / ProjectorSettings().projector_socket)
    if found is None:
        raise SystemExit("The projector does not answer.")
    lag_s = found.freshness.lag_ms / 1000
    return f"{found.events:,.0f} events are projected, the next is {lag_s:,.0f} s old"


def figures(caught_up: dict[str, float], loads: dict[str, list[Load]], *, rate: float) -> str:
    """Return a table of both measurements."""
    per_cpu, per_s = caught_up["events per CPU second"], caught_up["events per second"]
    lines = [
        "| what | figure |",
        "|---|---|",
        f"| catch-up on one thread, {caught_up['events']:,.0f} events | {per_s:,.0f} events per"
        f" second, {per_cpu:,.0f} per second of CPU |",
        f"| memory of this process at its peak | {caught_up['peak MB']:,.0f} MB |",
        f"| disk | {caught_up['bytes per event']:.0f} bytes per event |",
    ]
    for percent in (99, 50) if loads["with"] else ():
        of_turns = {
            name: [load.percentile_ms(percent) for load in found] for name, found in loads.items()
        }
        without, beside = (median(of_turns[name]) for name in ("without", "with"))
        ranges = ", ".join(
            f"{min(values):.1f} to {max(values):.1f} ms {name}" for name, values in of_turns.items()
        )
        lines.append(
            f"| p{percent} of a REST put of {_EVENTS_PER_PUT} events, {rate:g} puts per second |"
            f" {without:.1f} ms without a projector, {beside:.1f} ms beside one that catches up:"
            f" {beside / without:.2f} times. Medians of {len(of_turns['with'])} turns ({ranges}). |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, and print."""
    options = options_of(__doc__, page=_PAGE)
    with large_log(options) as (folder, url):
        caught_up = catch_up(url, str(folder / "catch-up.duckdb"))
        print(json.dumps(caught_up))
        loads: dict[str, list[Load]] = {"without": [], "with": []}
        if options.turns:
            loads = interference(
                folder, url, rate=options.rate, seconds=options.seconds, turns=options.turns
            )
    table = figures(caught_up, loads, rate=options.rate)
    print(table)
    if options.page:
        write_part(_PAGE, "projection", table)


if __name__ == "__main__":
    main()
