"""The removal of old batches takes more of the time the longer they have waited."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pytest

from rum_service.control.removal_pace import Backlog, busy_share
from rum_service.control.retention_sweep import DAY_MS, RetentionSweep
from rum_service.storage import open_store
from rum_service.storage.base import Store
from tests.support.databases import migrated_sqlite
from tests.support.logged import logged

_START_MS = 20_000 * DAY_MS
_DAY_S = DAY_MS / 1000


@pytest.mark.parametrize(
    ("delay_s", "share"),
    [(0, 0.03), (600, 0.03), (2_100, 0.04), (3_600, 0.05), (12_600, 0.425), (21_600, 0.8)],
)
def test_the_share_grows_with_the_delay(delay_s: float, share: float) -> None:
    assert busy_share(delay_s) == pytest.approx(share)


def test_puts_always_get_a_fifth_of_the_time() -> None:
    assert busy_share(1e9) == 0.8


def test_a_shortened_retention_delays_no_batch_at_once() -> None:
    backlog = Backlog()
    delays = []
    for now_s in (1_000.0, 1_500.0, 2_000.0):
        backlog.update({1: 23 * 86_400.0, 2: 70.0}, now_s)
        delays.append(backlog.delay_s)

    assert delays == [0.0, 500.0, 1_000.0]


def test_the_delay_is_that_of_the_batches_that_are_left() -> None:
    backlog = Backlog()
    backlog.update({1: 0.0, 2: 0.0}, 0.0)
    backlog.update({1: 300.0, 2: 900.0}, 1_000.0)
    of_both = backlog.delay_s
    backlog.update({1: 400.0}, 1_100.0)

    assert (of_both, backlog.delay_s) == (900.0, 400.0)


def test_the_delay_begins_anew_after_everything_old_was_removed() -> None:
    backlog = Backlog()
    backlog.update({1: 900.0}, 0.0)
    backlog.end(1)
    backlog.update({1: 900.0}, 5_000.0)

    assert backlog.delay_s == 0.0


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    if request.param == "sqlite":
        opened = open_store(migrated_sqlite(tmp_path / "openrum.sqlite3"))
    else:
        opened = open_store(request.getfixturevalue("migrated_postgres"))
    yield opened
    opened.close()


class _Load:
    """Appends batches without a pause. By its clock, each day has the same number of them."""

    def __init__(self, store: Store, *, a_day: int) -> None:
        self._store = store
        self._a_day = a_day
        self._day = -1
        self._shop, self._other = (
            store.monitors.create(str(uuid.uuid4()), name, "{}").key for name in ("shop", "other")
        )
        store.retention.set_days(self._shop, 1)
        self.appended = 0

    def now_s(self) -> float:
        return _START_MS / 1000 + self.appended * _DAY_S / self._a_day

    def append(self, count: int, *, group: int = 20) -> None:
        for first in range(self.appended, self.appended + count, group):
            now_ms = round(self.now_s() * 1000)
            batches = [
                logged(number, app_monitor=self._shop, received_ms=now_ms, first_ms=now_ms)
                for number in range(first, first + group)
            ]
            if now_ms // DAY_MS != self._day:
                self._day = now_ms // DAY_MS
                self._store.log.maintain(now_ms)
                # It is kept, so PostgreSQL cannot drop the partition of the day.
                batches.append(logged(self._day, app_monitor=self._other, received_ms=now_ms))
            self._store.log.append(batches)
            self.appended += group


def _sweep(
    store: Store, threads: Executor, load: _Load, share: Callable[[float], float], turn_s: float
) -> RetentionSweep:
    return RetentionSweep(
        store.retention,
        threads,
        default_days=0,
        clock=load.now_s,
        is_busy=lambda: True,
        interval_s=0.01,
        turn_s=turn_s,
        busy_share=share,
    )


def _removed(sweep: RetentionSweep) -> int:
    return sum(amount.batches for amount in sweep.removed.values())


async def test_the_largest_share_removes_more_than_is_stored(store: Store) -> None:
    load = _Load(store, a_day=3_000)
    load.append(12_000, group=500)  # four days, two or three of which are old
    before = load.appended
    with ThreadPoolExecutor(4) as threads:
        sweep = _sweep(store, threads, load, lambda _: busy_share(1e9), turn_s=8.0)
        async with sweep:
            while load.appended < before + 6_000 and _removed(sweep) < 6_000:
                await asyncio.get_running_loop().run_in_executor(threads, load.append, 20)
    appended = load.appended - before

    assert _removed(sweep) > appended


@pytest.mark.slow
async def test_a_log_stops_growing_under_constant_load(store: Store) -> None:
    """Puts wait all the time, and a twentieth of it is not enough for the removal."""
    a_day = 10_000
    load = _Load(store, a_day=a_day)
    most = 0
    with ThreadPoolExecutor(4) as threads:
        sweep = _sweep(store, threads, load, busy_share, turn_s=0.2)
        async with sweep:
            for _ in range(80):
                await asyncio.get_running_loop().run_in_executor(threads, load.append, a_day // 10)
                most = max(most, load.appended - _removed(sweep))

    # With PostgreSQL a day's batches become old together.
    assert most < 3.5 * a_day
