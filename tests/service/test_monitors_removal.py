"""Removing an app monitor: what overtakes it, and what cuts it short."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from rum.v1 import control_plane_service_pb2 as pb
from rum_service.errors import ResourceNotFoundException
from rum_service.monitors import Monitors
from rum_service.storage.records import AppMonitorRecord
from tests.support.logged import logged
from tests.support.memory_store import MemoryStore

_TIMEOUT_S = 30.0


class GatedStore(MemoryStore):
    """Finds and purges when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.found, self.go_on, self.purged = (threading.Event() for _ in range(3))

    def app_monitor_by_id(self, monitor_id: str) -> AppMonitorRecord | None:
        record = super().app_monitor_by_id(monitor_id)
        self.found.set()
        assert self.go_on.wait(_TIMEOUT_S)
        return record

    def purge(self, app_monitor: int, *, limit: int) -> int:
        self.found.set()
        assert self.go_on.wait(_TIMEOUT_S)
        removed = super().purge(app_monitor, limit=limit)
        if not removed:
            self.purged.set()
        return removed


@pytest.fixture
async def gated() -> AsyncIterator[tuple[GatedStore, Monitors]]:
    store = GatedStore()
    with ThreadPoolExecutor(2) as threads:
        yield store, Monitors(store, threads, clock=lambda: datetime.now(UTC))
        store.go_on.set()


async def test_a_find_that_a_deletion_overtakes_is_not_remembered(
    gated: tuple[GatedStore, Monitors],
) -> None:
    store, monitors = gated
    monitor_id = await monitors.create(pb.CreateAppMonitorRequest(name="shop", platform="iOS"))
    finding = asyncio.create_task(monitors.resolve(monitor_id))
    await asyncio.to_thread(store.found.wait, _TIMEOUT_S)
    deleting = asyncio.create_task(monitors.delete(pb.DeleteAppMonitorRequest(name="shop")))
    while store.app_monitor_by_name("shop"):
        await asyncio.sleep(0)
    store.go_on.set()
    await asyncio.gather(finding, deleting)

    with pytest.raises(ResourceNotFoundException):
        await monitors.resolve(monitor_id)


async def test_a_deletion_goes_on_when_its_caller_has_gone(
    gated: tuple[GatedStore, Monitors],
) -> None:
    store, monitors = gated
    await monitors.create(pb.CreateAppMonitorRequest(name="shop", platform="iOS"))
    store.append([logged(n) for n in range(1500)])
    deleting = asyncio.create_task(monitors.delete(pb.DeleteAppMonitorRequest(name="shop")))
    await asyncio.to_thread(store.found.wait, _TIMEOUT_S)
    deleting.cancel()
    await asyncio.gather(deleting, return_exceptions=True)
    store.go_on.set()

    assert await asyncio.to_thread(store.purged.wait, _TIMEOUT_S)
    assert store.deleted_app_monitors() == []


async def test_the_next_start_takes_up_a_removal_that_was_cut_short(
    gated: tuple[GatedStore, Monitors],
) -> None:
    store, monitors = gated
    await monitors.create(pb.CreateAppMonitorRequest(name="shop", platform="iOS"))
    store.append([logged(n) for n in range(1500)])
    deleting = asyncio.create_task(monitors.delete(pb.DeleteAppMonitorRequest(name="shop")))
    await asyncio.to_thread(store.found.wait, _TIMEOUT_S)
    stopping = asyncio.create_task(monitors.stop())
    await asyncio.sleep(0)
    store.go_on.set()
    await stopping
    left = store.deleted_app_monitors()
    await monitors.purge_deleted()

    assert deleting.done()
    assert left == [1]
    assert store.deleted_app_monitors() == []
