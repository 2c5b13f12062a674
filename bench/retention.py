"""Measures how many puts fewer are stored while batches are removed.

Usage: python -m bench.retention [--case NAME] [--page]

    removal       SQLite: batches are removed, and the file shrinks
    partitions    PostgreSQL: a day's partition is created, and an old one is dropped
    single rows   PostgreSQL: batches are removed from partitions that others keep, then vacuumed

Each round appends groups of batches for some seconds, as fast as they are stored, once without and
once with the work. Their order changes, and noise that lasts longer than a round cancels in the
ratio of a round.
"""

from __future__ import annotations

__all__ = ["Round", "main", "retention_table"]

import asyncio
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import click

from bench.log_batches import LogBatches
from bench.log_databases import LogDatabase, opened
from bench.page import write_part
from rum_service.control.removal_pace import busy_share
from rum_service.control.retention_sweep import DAY_MS, RetentionSweep
from rum_service.storage.postgres_partitions import Partition

_REMOVAL, _PARTITIONS, _SINGLE_ROWS = "removal", "partitions", "single rows"
_CASES = {_REMOVAL: "SQLite", _PARTITIONS: "PostgreSQL", _SINGLE_ROWS: "PostgreSQL"}
_TITLES = {
    _REMOVAL: "batches are removed, the file shrinks",
    _PARTITIONS: "a partition is created, one is dropped",
    _SINGLE_ROWS: "single batches are removed, their partition is vacuumed",
}
_GROUP = 16
_FILL_GROUP = 500
_DAYS_KEPT = 7
_LATE_MS = 600_000
_ROOT = Path(__file__).parents[1]
_RESULTS = _ROOT / "bench" / "results" / "retention.json"
_PAGE = _ROOT / "docs" / "reference" / "durability.md"


@dataclass
class Round:
    """One round: batches stored per second, without and with the work, and the work."""

    without: float
    with_work: float
    removed: int
    longest_ms: float
    """The longest time of a group with the work."""


def retention_table(kept: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the table of what was kept for each case."""
    lines = [
        "| database | work | rounds | batches/s without | with | with / without, median |"
        " of the rounds | removed in a round | longest group |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for case, found in kept.items():
        rounds = [Round(**each) for each in found["rounds"]]
        ratios = sorted(each.with_work / each.without for each in rounds)
        lines.append(
            f"| {_CASES[case]} | {_TITLES[case]} | {len(rounds)} of {found['seconds']:g} s"
            f" | {median(each.without for each in rounds):,.0f}"
            f" | {median(each.with_work for each in rounds):,.0f}"
            f" | {median(ratios):.2f} | {ratios[0]:.2f} to {ratios[-1]:.2f}"
            f" | {median(each.removed for each in rounds):,.0f}"
            f" | {max(each.longest_ms for each in rounds):.0f} ms |"
        )
    first = next(iter(kept.values()))
    return (
        "\n".join(lines) + f"\n\nGroups of {_GROUP} batches of {first['batch_events']} events,"
        f" {first['date']}."
    )


class _Log:
    """A log with old days, one of which becomes old in each round."""

    def __init__(
        self, case: str, database: LogDatabase, rounds: int, batch_events: int, share: float | None
    ) -> None:
        self._case = case
        self._share = share
        self._database = database
        self._store = database.store
        self._made = database.batches(batch_events)
        today_ms = int(time.time() * 1000) // DAY_MS * DAY_MS
        self._first_ms = today_ms - (rounds + _DAYS_KEPT) * DAY_MS
        self._days = [self._first_ms + day * DAY_MS for day in range(rounds)]
        self._now_ms = today_ms + DAY_MS
        """The time of new batches."""

    def fill(self, batches_a_day: int) -> None:
        """Append the batches of the old days, and begin today."""
        other = self._database.create_monitor("other")
        of_other = LogBatches(str(uuid.uuid4()), other, events=1)
        for day_ms in self._days:
            self._store.log.maintain(day_ms)
            noon_ms = day_ms + DAY_MS // 2
            for _ in range(batches_a_day // _FILL_GROUP):
                self._store.log.append(self._made.group(_FILL_GROUP, noon_ms))
            if self._case == _SINGLE_ROWS:  # keeps the partition
                self._store.log.append(of_other.group(1, noon_ms))
        self._store.log.maintain(self._now_ms)
        self._store.retention.set_days(self._database.app_monitor, _DAYS_KEPT)
        while self._store.usage.count():
            pass

    async def turn(self, seconds: float, *, old_day: int | None) -> tuple[list[float], int]:
        """Append for some seconds, and remove an old day if there is one.

        Return how long each group took, in seconds, and how many batches were removed.
        """
        self._database.checkpoint()
        walls: list[float] = []
        removed = 0
        with ThreadPoolExecutor(4) as threads:
            loop = asyncio.get_running_loop()
            appends = loop.run_in_executor(threads, self._append, seconds, walls)
            if old_day is not None:
                other = loop.run_in_executor(threads, self._maintain, old_day, seconds)
                removed = await self._sweep(old_day, threads, appends)
                await other
            await appends
        return walls, removed

    def _append(self, seconds: float, walls: list[float]) -> None:
        end_s = time.perf_counter() + seconds
        while time.perf_counter() < end_s:
            batches = self._made.group(_GROUP, self._now_ms)
            began_s = time.perf_counter()
            self._store.log.append(batches)
            walls.append(time.perf_counter() - began_s)

    async def _sweep(
        self, old_day: int, threads: ThreadPoolExecutor, appends: asyncio.Future[None]
    ) -> int:
        # A partition is dropped five minutes after the day has become old.
        now_ms = self._days[old_day] + (1 + _DAYS_KEPT) * DAY_MS + _LATE_MS
        sweep = RetentionSweep(
            self._store.retention,
            threads,
            default_days=0,
            clock=lambda: now_ms / 1000,
            is_busy=lambda: True,
            busy_share=busy_share if self._share is None else self._share_of,
        )
        async with sweep:
            await asyncio.wait([appends])
        return sum(amount.batches for amount in sweep.removed.values())

    def _share_of(self, _: float) -> float:
        assert self._share is not None
        return self._share

    def _maintain(self, old_day: int, seconds: float) -> None:
        """Do once what the database needs beside the removal."""
        time.sleep(seconds / 2)
        if self._case == _PARTITIONS:
            self._store.log.maintain(self._now_ms + (old_day + 1) * DAY_MS)
        elif self._case == _SINGLE_ROWS:
            table = Partition.of_day(self._days[old_day] // DAY_MS).table
            # Autovacuum sleeps as often.
            self._database.query("SET vacuum_cost_delay = 2", f"VACUUM {table}")


async def _measure(log: _Log, rounds: int, seconds: float) -> list[Round]:
    await log.turn(1.0, old_day=None)  # warm
    found = []
    for number in range(rounds):
        walls: dict[bool, list[float]] = {}
        removed = 0
        for has_work in (True, False) if number % 2 else (False, True):
            walls[has_work], count = await log.turn(seconds, old_day=number if has_work else None)
            removed += count
        per_s = {key: len(each) * _GROUP / sum(each) for key, each in walls.items()}
        found.append(Round(per_s[False], per_s[True], removed, max(walls[True]) * 1000))
        click.echo(f"{number + 1}: {found[-1]}", err=True)
    return found


@click.command()
@click.option(
    "--case",
    "cases",
    multiple=True,
    default=_CASES,
    type=click.Choice([*_CASES]),
    help="What to measure. By default everything.",
)
@click.option("--rounds", default=7, show_default=True, help="How often to measure each case.")
@click.option("--seconds", default=6.0, show_default=True, help="Length of each turn.")
@click.option("--batches", default=5_000, show_default=True, help="Batches of each old day.")
@click.option("--batch-events", default=20, show_default=True, help="Events in each batch.")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the file of SQLite is created.",
)
@click.option(
    "--share",
    type=click.FloatRange(0.01, 0.99),
    help="Share of the time for removal. By default that of batches that have not waited long.",
)
@click.option("--page", is_flag=True, help="Write the table into docs/reference/durability.md.")
def main(
    cases: Sequence[str],
    rounds: int,
    seconds: float,
    batches: int,
    batch_events: int,
    folder: Path | None,
    share: float | None,
    *,
    page: bool,
) -> None:
    """Append with and without retention, in turn, and print the ratio."""
    kept = json.loads(_RESULTS.read_text()) if _RESULTS.exists() else {}
    for case in cases:
        with opened(_CASES[case], folder) as database:
            log = _Log(case, database, rounds, batch_events, share)
            log.fill(batches)
            measured = asyncio.run(_measure(log, rounds, seconds))
        found = {
            "date": time.strftime("%Y-%m"),
            "seconds": seconds,
            "batch_events": batch_events,
            "rounds": [asdict(each) for each in measured],
        }
        click.echo(retention_table({case: found}))
        if page:
            kept[case] = found
    if page:
        kept = {case: kept[case] for case in _CASES if case in kept}
        _RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
        write_part(_PAGE, "retention", retention_table(kept))


if __name__ == "__main__":
    main()
