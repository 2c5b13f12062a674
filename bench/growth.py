"""Measures what puts and pages cost in a log of ten million events beside a new log.

Usage: python -m bench.growth [--database PostgreSQL] [--page]

A million events are appended to a log and copied to eight other days: on PostgreSQL, partitions.
Then its last million and the first million of a new log are appended in turn, in groups as the
service appends them under load. So the machine, which may become faster or slower, is the same for
both.
With PostgreSQL each turn ends with a checkpoint, whose time counts: otherwise turns would leave
their writes to each other. Afterwards both logs are read in turn.
"""

from __future__ import annotations

__all__ = ["Costs", "growth_table", "main"]

import asyncio
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean, median
from typing import Any, NamedTuple

import click
from sqlalchemy import create_engine, text

from bench.log_databases import DATABASES, LogDatabase, opened
from bench.page import write_part
from rum.v1.control_plane_service_pb2 import GetAppMonitorDataRequest, TimeRange
from rum_service.control.readback import Readback
from rum_service.control.retention_sweep import DAY_MS
from tests.support.services import settings_in, started

_PARTS = 10
_TURNS = 20
_GROUP = 16
_FILL_GROUP = 200
_EVENTS_A_PAGE = 100
_COPY = """
INSERT INTO batches (app_monitor, batch_id, digest, received_ms, first_ms, last_ms, event_count,
                     payload, dropped_events, country, checksum)
SELECT app_monitor, {random_id}, digest, received_ms + :shift, first_ms + :shift, last_ms + :shift,
       event_count, payload, dropped_events, country, checksum
FROM batches WHERE received_ms < :before ORDER BY sequence
"""
_SPANS = """
INSERT INTO batch_spans (app_monitor, block, first_ms, last_ms)
SELECT app_monitor, sequence >> 10, min(first_ms) & ~1023, max(last_ms) | 1023
FROM batches WHERE sequence > :newest GROUP BY 1, 2
ON CONFLICT (app_monitor, block) DO UPDATE SET last_ms = excluded.last_ms
"""
_ROOT = Path(__file__).parents[1]
_RESULTS = _ROOT / "bench" / "results" / "growth.json"
_PAGE = _ROOT / "docs" / "reference" / "durability.md"


class Plan(NamedTuple):
    """What to measure."""

    events: int
    batch_events: int
    pages: int
    """How often each page is read."""


@dataclass
class Costs:
    """What one log costs. Times are for each batch or page."""

    means_us: list[float] = field(default_factory=list)
    """Of each turn, with the checkpoint at its end."""
    medians_us: list[float] = field(default_factory=list)
    service_cpu_us: list[float] = field(default_factory=list)
    server_cpu_us: list[float] = field(default_factory=list)
    newest_page_ms: list[float] = field(default_factory=list)
    oldest_page_ms: list[float] = field(default_factory=list)
    size_mb: float = 0.0


_ROWS = (
    ("time for each batch, with the checkpoints", "means_us", "µs"),
    ("time for each batch, medians of the turns", "medians_us", "µs"),
    ("CPU of the service for each batch", "service_cpu_us", "µs"),
    ("CPU of the server for each batch", "server_cpu_us", "µs"),
    ("page of the newest events", "newest_page_ms", "ms"),
    ("page of the oldest events", "oldest_page_ms", "ms"),
)


def growth_table(kept: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the table of what was kept for each database."""
    return "\n\n".join(_table(name, found) for name, found in kept.items())


def _table(name: str, found: Mapping[str, Any]) -> str:
    first, last = found["first"], found["last"]
    lines = [
        f"{name}, {found['events']:,} events in batches of {found['batch_events']},"
        f" {last['size_mb']:,.0f} MB, {found['date']}:",
        "",
        "| | first million | last million | last / first |",
        "|---|---|---|---|",
    ]
    for title, key, unit in _ROWS:
        if not any(first[key]):
            continue  # SQLite has no server
        # The mean has all the time. Medians leave out what happens seldom.
        value = mean if key == "means_us" else median
        before, after = value(first[key]), value(last[key])
        digits = 0 if unit == "µs" else 2
        # A short run can be below the resolution of CPU times.
        ratio = f"{after / before:.2f}" if before else ""
        lines.append(
            f"| {title} | {before:.{digits}f} {unit} | {after:.{digits}f} {unit} | {ratio} |"
        )
    return "\n".join(lines)


def _measure(log: LogDatabase, new: LogDatabase, plan: Plan) -> dict[str, Any]:
    today_ms = int(time.time() * 1000) // DAY_MS * DAY_MS
    million = plan.events // _PARTS
    for part in range(_PARTS - 1):
        if part:
            _repeat(log, today_ms, today_ms + part * DAY_MS)
        else:
            _fill(log, today_ms, million, plan.batch_events)
        click.echo(f"{log.name}: {(part + 1) * million:,} events", err=True)
    if log.name == "PostgreSQL":
        # Otherwise autovacuum does nine days' work while the last million is measured, and the
        # checkpoints write the pages that it changes.
        log.query("VACUUM ANALYZE")
    last_ms = today_ms + (_PARTS - 1) * DAY_MS
    groups = max(1, million // _TURNS // plan.batch_events // _GROUP)
    first, last = Costs(), Costs()
    places = [(new, today_ms, first), (log, last_ms, last)]
    for place, day_ms, _ in places:
        place.store.log.maintain(day_ms)
        _append(place, day_ms, groups, plan.batch_events, Costs())  # warm
    for turn in range(_TURNS):
        for place, day_ms, costs in places:
            _append(place, day_ms + turn * DAY_MS // _TURNS, groups, plan.batch_events, costs)
        places.reverse()
    for place, _, costs in places:
        costs.size_mb = place.size_bytes / 1e6
    asyncio.run(_read(places, plan.pages, before_ms=today_ms + 3_600_000))
    return {
        "date": time.strftime("%Y-%m"),
        "events": plan.events,
        "batch_events": plan.batch_events,
        "first": asdict(first),
        "last": asdict(last),
    }


def _fill(log: LogDatabase, day_ms: int, events: int, batch_events: int) -> None:
    """Append the batches of a day."""
    log.store.log.maintain(day_ms)
    made = log.batches(batch_events)
    groups = max(1, events // batch_events // _FILL_GROUP)
    for number in range(groups):
        log.store.log.append(made.group(_FILL_GROUP, day_ms + number * DAY_MS // groups))


def _repeat(log: LogDatabase, first_day_ms: int, day_ms: int) -> None:
    """Copy the batches of the first day to another day, with new IDs, in the database."""
    log.store.log.maintain(day_ms)
    newest = log.store.log.newest_sequence()
    values = {"shift": day_ms - first_day_ms, "before": first_day_ms + DAY_MS, "newest": newest}
    engine = create_engine(log.url)
    random_id = "randomblob(16)" if log.name == "SQLite" else "uuid_send(gen_random_uuid())"
    with engine.begin() as connection:
        connection.execute(text(_COPY.format(random_id=random_id)), values)
        connection.execute(text(_SPANS), values)
    engine.dispose()


def _append(place: LogDatabase, from_ms: int, groups: int, batch_events: int, costs: Costs) -> None:
    """Append batches, one group after the other."""
    made = place.batches(batch_events)
    walls, cpu_s = [], 0.0
    place.checkpoint()
    place.server_cpu_s()
    for number in range(groups):
        batches = made.group(_GROUP, from_ms + number)
        cpu_began_s, began_s = time.thread_time(), time.perf_counter()
        place.store.log.append(batches)
        walls.append(time.perf_counter() - began_s)
        cpu_s += time.thread_time() - cpu_began_s
    began_s = time.perf_counter()
    place.checkpoint()
    checkpoint_s = time.perf_counter() - began_s
    count = groups * _GROUP
    costs.means_us.append((sum(walls) + checkpoint_s) / count * 1e6)
    costs.medians_us.append(median(walls) / _GROUP * 1e6)
    costs.service_cpu_us.append(cpu_s / count * 1e6)
    costs.server_cpu_us.append(place.server_cpu_s() / count * 1e6)


async def _read(
    places: Sequence[tuple[LogDatabase, int, Costs]], pages: int, *, before_ms: int
) -> None:
    """Read the newest page, and the newest page of the first hour, again and again."""
    newest = GetAppMonitorDataRequest(name="shop", time_range=TimeRange(after=0))
    oldest = GetAppMonitorDataRequest(name="shop", time_range=TimeRange(after=0, before=before_ms))
    async with AsyncExitStack() as stack:
        services = []
        for place, _, costs in places:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            service = await stack.enter_async_context(started(place.store, settings_in(folder)))
            services.append((service.readback, costs))
        # The first page of a process takes longer, and can end early.
        for readback, _ in services:
            await readback.get(newest)
        for _ in range(pages):
            for readback, costs in services:
                costs.newest_page_ms.append(await _page_ms(readback, newest))
                costs.oldest_page_ms.append(await _page_ms(readback, oldest))


async def _page_ms(readback: Readback, request: GetAppMonitorDataRequest) -> float:
    began_s = time.perf_counter()
    response = await readback.get(request)
    took_s = time.perf_counter() - began_s
    if len(response.events) != _EVENTS_A_PAGE:
        raise RuntimeError(f"a page has {len(response.events)} events")
    return took_s * 1000


@click.command()
@click.option(
    "--database",
    "names",
    multiple=True,
    default=DATABASES,
    type=click.Choice(DATABASES),
    help="What to measure. By default both.",
)
@click.option("--events", default=10_000_000, show_default=True, help="Events to append.")
@click.option("--batch-events", default=50, show_default=True, help="Events in each batch.")
@click.option("--pages", default=200, show_default=True, help="How often to read each page.")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the file of SQLite is created.",
)
@click.option("--page", is_flag=True, help="Write the table into docs/reference/durability.md.")
def main(
    names: tuple[str, ...],
    events: int,
    batch_events: int,
    pages: int,
    folder: Path | None,
    *,
    page: bool,
) -> None:
    """Fill a log, and compare its last tenth with the first of a new log."""
    kept = json.loads(_RESULTS.read_text()) if _RESULTS.exists() else {}
    for name in names:
        with opened(name, folder) as log, opened(name, folder) as new:
            found = _measure(log, new, Plan(events, batch_events, pages))
        click.echo(growth_table({name: found}))
        if page:
            kept[name] = found
    if page:
        kept = {name: kept[name] for name in DATABASES if name in kept}
        _RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
        write_part(_PAGE, "growth", growth_table(kept))


if __name__ == "__main__":
    main()
