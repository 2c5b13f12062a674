"""Removing an app monitor: what overtakes it, and what cuts it short."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rum.v1 import control_plane_service_pb2 as pb
from rum_service.errors import ResourceNotFoundException
from rum_service.monitors import Monitors
from rum_service.storage.base import Store
from rum_service.storage.records import AppMonitorRecord
from tests.support.logged import logged
from tests.support.memory_store import MemoryLog, MemoryMonitors, memory_store
from tests.support.memory_tables import MemoryTables

_TIMEOUT_S = 30.0


class Gate:
    """Look-ups by ID and purges wait here until the test opens it."""

    def __init__(self) -> None:
        self.reached, self.opened, self.purged = (threading.Event() for _ in range(3))

    def wait(self) -> None:
        self.reached.set()
        assert self.opened.wait(_TIMEOUT_S)


class GatedMonitors(MemoryMonitors):
    def __init__(self, tables: MemoryTables, gate: Gate) -> None:
        super().__init__(tables)
        self._gate = gate

    def by_id(self, monitor_id: str) -> AppMonitorRecord | None:
        record = super().by_id(monitor_id)
        self._gate.wait()
        return record


class GatedLog(MemoryLog):
    def __init__(self, tables: MemoryTables, gate: Gate) -> None:
        super().__init__(tables)
        self._gate = gate

    def purge(self, app_monitor: int, *, limit: int) -> int:
        self._gate.wait()
        removed = super().purge(app_monitor, limit=limit)
        if not removed:
            self._gate.purged.set()
        return removed


Gated = tuple[Store, Gate, Monitors]


@pytest.fixture
async def gated() -> AsyncIterator[Gated]:
    tables, gate = MemoryTables(), Gate()
    store = replace(
        memory_store(tables), log=GatedLog(tables, gate), monitors=GatedMonitors(tables, gate)
    )
    with ThreadPoolExecutor(2) as threads:
        yield store, gate, Monitors(store, threads, clock=lambda: datetime.now(UTC))
        gate.opened.set()


async def test_a_find_that_a_deletion_overtakes_is_not_remembered(
    gated: Gated,
) -> None:
    store, gate, monitors = gated
    monitor_id = await monitors.create(pb.CreateAppMonitorRequest(name="shop", platform="iOS"))
    finding = asyncio.create_task(monitors.resolve(monitor_id))
    await asyncio.to_thread(gate.reached.wait, _TIMEOUT_S)
    deleting = asyncio.create_task(monitors.delete(pb.DeleteAppMonitorRequest(name="shop")))
    while store.monitors.by_name("shop"):
        await asyncio.sleep(0)
    gate.opened.set()
    await asyncio.gather(finding, deleting)

    with pytest.raises(ResourceNotFoundException):
        await monitors.resolve(monitor_id)


async def test_a_deletion_goes_on_when_its_caller_has_gone(
    gated: Gated,
) -> None:
    store, gate, monitors = gated
    await monitors.create(pb.CreateAppMonitorRequest(name="shop", platform="iOS"))
    store.log.append([logged(n) for n in range(1500)])
    deleting = asyncio.create_task(monitors.delete(pb.DeleteAppMonitorRequest(name="shop")))
    await asyncio.to_thread(gate.reached.wait, _TIMEOUT_S)
    deleting.cancel()
    await asyncio.gather(deleting, return_exceptions=True)
    gate.opened.set()

    assert await asyncio.to_thread(gate.purged.wait, _TIMEOUT_S)
    assert store.log.deleted_app_monitors() == []


async def test_the_next_start_takes_up_a_removal_that_was_cut_short(
    gated: Gated,
) -> None:
    store, gate, monitors = gated
    await monitors.create(pb.CreateAppMonitorRequest(name="shop", platform="iOS"))
    store.log.append([logged(n) for n in range(1500)])
    deleting = asyncio.create_task(monitors.delete(pb.DeleteAppMonitorRequest(name="shop")))
    await asyncio.to_thread(gate.reached.wait, _TIMEOUT_S)
    stopping = asyncio.create_task(monitors.stop())
    await asyncio.sleep(0)
    gate.opened.set()
    await stopping
    left = store.log.deleted_app_monitors()
    await monitors.purge_deleted()

    assert deleting.done()
    assert left == [1]
    assert store.log.deleted_app_monitors() == []
