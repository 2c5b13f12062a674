"""Measures the projector: `python -m bench.projection`.

catch-up       the CPU and the time to project a month of a shop's traffic, on one thread
interference   the latency of REST puts at a fixed rate, with and without a projector that catches
               up beside the server, in turn
"""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from statistics import median

from bench.checkout import Projector
from bench.demo.shop import SHOP
from bench.http1 import http_connections
from bench.load import Load, send_at_rate
from bench.log_options import large_log, options_of
from bench.requests import http_requests
from rum_cli.projector_process import read_state
from rum_projector.runner import collect_rarely
from rum_projector.server import open_projection
from rum_projector.settings import ProjectorSettings
from tests.support.running import OpenRum

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
        }


def interference(folder: Path, url: str, *, rate: float, seconds: float, turns: int) -> None:
    """Print the latency of puts with and without a projector that catches up."""
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
    for name, loads in found.items():
        for percent in (50, 99):
            values = [load.percentile_ms(percent) for load in loads]
            print(f"{name}: p{percent} {median(values):.2f} ms ({[round(v, 2) for v in values]})")


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


def main() -> None:
    """Measure, and print."""
    options = options_of(__doc__)
    with large_log(options) as (folder, url):
        print(json.dumps(catch_up(url, str(folder / "catch-up.duckdb"))))
        if options.turns:
            interference(
                folder, url, rate=options.rate, seconds=options.seconds, turns=options.turns
            )


if __name__ == "__main__":
    main()
