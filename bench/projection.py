"""Measures the projector: `python -m bench.projection`.

catch-up       the CPU and the time to project a month of a shop's traffic, on one thread
interference   the latency of REST puts at a fixed rate, with and without a projector that catches
               up beside the server, in turn
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from bench.checkout import Projector
from bench.demo.shop import SHOP
from bench.http1 import http_connections
from bench.load import Load, send_at_rate
from bench.log_options import large_log, options_of
from bench.requests import http_requests
from rum_projector.runner import collect_rarely
from rum_projector.server import open_projection
from rum_projector.settings import ProjectorSettings
from tests.support.running import OpenRum, environment

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
                _print_state(folder, settings)
    for name, loads in found.items():
        for percent in (50, 99):
            values = [load.percentile_ms(percent) for load in loads]
            print(f"{name}: p{percent} {median(values):.2f} ms ({[round(v, 2) for v in values]})")


def put_at_rate(address: str, rate: float, seconds: float) -> Load:
    """Put batches of ten events to the shop, and return how long the responses took."""
    requests = http_requests(address, SHOP.id, _EVENTS_PER_PUT, round(rate * seconds))

    async def send() -> Load:
        slots = await http_connections(address, _SLOTS)
        return await send_at_rate(slots, requests, rate)

    return asyncio.run(send())


def _print_state(folder: Path, settings: dict[str, str]) -> None:
    """Print how far the projector is: it must not have caught up during the turn."""
    command = [sys.executable, "-m", "rum_cli", "projector", "state"]
    done = subprocess.run(
        command, cwd=folder, env=environment(**settings), capture_output=True, text=True, check=True
    )
    print(next(line for line in done.stdout.splitlines() if line.startswith("position")))


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
