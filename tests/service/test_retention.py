"""Old batches are removed while the service runs."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pytest

from rum.operator.v1.operator_service_pb2 import SetRetentionRequest
from rum_service.control.retention import Retentions
from rum_service.control.retention_sweep import DAY_MS, RemovedAmount, RetentionSweep
from rum_service.errors import ResourceNotFoundException, ValidationException
from rum_service.storage import open_store
from rum_service.storage.base import Store
from tests.support.databases import migrated_sqlite
from tests.support.logged import contents, logged
from tests.support.memory_store import MemoryRetention, MemoryTables, memory_store
from tests.support.services import settings_in, started

_NOW_MS = 1_795_000_000_000


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with no rows."""
    if request.param == "sqlite":
        return migrated_sqlite(tmp_path / "openrum.sqlite3")
    return str(request.getfixturevalue("migrated_postgres"))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()


def _now_s() -> float:
    return _NOW_MS / 1000


def _monitor(store: Store, name: str, *, days: int) -> int:
    """Create an app monitor with ten batches for each of the last days."""
    key = store.monitors.create(str(uuid.uuid4()), name, "{}").key
    for day in range(days, 0, -1):
        received_ms = _NOW_MS - day * DAY_MS + 1
        numbers = range(day * 10, day * 10 + 10)
        store.log.append(
            [logged(n, app_monitor=key, received_ms=received_ms, first_ms=1) for n in numbers]
        )
    return key


def _sweep(store: Store, executor: Executor, **options: float) -> RetentionSweep:
    return RetentionSweep(
        store.retention,
        executor,
        default_days=30,
        clock=_now_s,
        is_busy=lambda: False,
        **options,
    )


async def test_the_default_and_own_days_apply(store: Store) -> None:
    default, short, forever = (_monitor(store, name, days=40) for name in ("a", "b", "c"))
    store.retention.set_days(short, 7)
    store.retention.set_days(forever, 0)
    with ThreadPoolExecutor(1) as executor:
        sweep = _sweep(store, executor)
        pause_s = await sweep.sweep()
    left = {key: len(contents(store.log, key)) for key in (default, short, forever)}

    assert pause_s == 60
    assert left == {default: 300, short: 70, forever: 400}
    assert sweep.removed == {"a": RemovedAmount(100, 100), "b": RemovedAmount(330, 330)}


async def test_a_running_service_removes_what_is_due(tmp_path: Path, store: Store) -> None:
    shop = _monitor(store, "shop", days=40)
    settings = settings_in(tmp_path, retention_days=10)
    async with started(store, settings, clock=_now_s) as service, asyncio.timeout(30):
        while service.retention.removed.get("shop") != RemovedAmount(300, 300):
            await asyncio.sleep(0.02)
        samples = {
            (sample.metric.name, sample.labels): sample.value
            for sample in service.metrics.samples()
        }
        usage = store.usage.read()[shop].stored_bytes

    name = ("shop",)
    assert len(contents(store.log, shop)) == 100
    assert samples["openrum_service_removed_batches_total", name] == 300
    assert samples["openrum_service_removed_events_total", name] == 300
    assert samples["openrum_service_retention_seconds", name] == 10 * 86_400
    assert usage > 0


async def test_of_two_services_one_removes_at_a_time(store: Store) -> None:
    shop = _monitor(store, "shop", days=40)
    with ThreadPoolExecutor(1) as executor:
        first, second = _sweep(store, executor), _sweep(store, executor)
        await first.sweep()
        store.retention.set_days(shop, 5)
        pause_s = await second.sweep()
        after_second = len(contents(store.log, shop))
        await first.sweep()

    assert after_second == 300
    assert len(contents(store.log, shop)) == 50
    assert second.removed == {}
    assert pause_s == 10


class _Failing(MemoryRetention):
    """Fails in the first two steps."""

    failures = 2

    def remove(self, *arguments: object, **options: object) -> dict[int, object]:  # type: ignore[override]
        if self.failures:
            self.failures -= 1
            raise OSError("the disk is full")
        return super().remove(*arguments, **options)  # type: ignore[arg-type, return-value]


async def test_a_failed_step_is_tried_again(tmp_path: Path) -> None:
    tables = MemoryTables()
    store = memory_store(tables)
    shop = _monitor(store, "shop", days=40)
    settings = settings_in(tmp_path, retention_days=0)
    async with started(store, settings, clock=_now_s) as service, asyncio.timeout(30):
        sweep = RetentionSweep(
            _Failing(tables),
            service.readers,
            default_days=30,
            clock=_now_s,
            is_busy=lambda: True,
            interval_s=0.01,
        )
        async with sweep:
            while len(contents(store.log, shop)) > 300:
                await asyncio.sleep(0.01)

    assert len(contents(store.log, shop)) == 300


async def test_puts_and_retries_go_on_during_a_sweep(store: Store) -> None:
    shop = _monitor(store, "shop", days=60)
    new = [
        logged(n, app_monitor=shop, received_ms=_NOW_MS, first_ms=_NOW_MS)
        for n in range(10_000, 10_200)
    ]
    with ThreadPoolExecutor(1) as executor:
        sweep = asyncio.create_task(_sweep(store, executor).sweep())
        for start in range(0, len(new), 10):
            await asyncio.to_thread(store.log.append, new[start : start + 10])
            await asyncio.to_thread(store.log.append, new[start : start + 10])  # a retry
        await sweep
    left = contents(store.log, shop)

    assert len(left) == 300 + 200
    assert {batch.content for batch in new} <= set(left)


async def test_a_change_says_what_it_removes(tmp_path: Path, store: Store) -> None:
    shop = _monitor(store, "shop", days=40)
    settings = settings_in(tmp_path, retention_days=0)
    async with started(store, settings, clock=_now_s) as service:
        use_cases = Retentions(
            service.app_monitors,
            store.retention,
            service.readers,
            _sweep(store, service.readers),
            clock=_now_s,
        )
        asked = await use_cases.set_days(
            SetRetentionRequest(app_monitor_name="shop", days=7, validate_only=True)
        )
        unchanged = (await use_cases.list()).retention[0]
        done = await use_cases.set_days(SetRetentionRequest(app_monitor_name="shop", days=7))
        own = (await use_cases.list()).retention[0]
        reset = await use_cases.set_days(SetRetentionRequest(app_monitor_name="shop"))
        with pytest.raises(ValidationException, match="days must be from 0 to 36500"):
            await use_cases.set_days(SetRetentionRequest(app_monitor_name="shop", days=-1))
        with pytest.raises(ResourceNotFoundException):
            await use_cases.set_days(SetRetentionRequest(app_monitor_name="blog", days=1))

    assert (asked.days, asked.batches) == (7, 330)
    assert (unchanged.days, unchanged.is_default) == (30, True)
    assert unchanged.oldest_time.ToMilliseconds() == _NOW_MS - 40 * DAY_MS + 1
    assert done == asked
    assert (own.days, own.is_default) == (7, False)
    assert (reset.days, reset.batches) == (30, 100)
    assert len(contents(store.log, shop)) == 400
