"""Deleting an app monitor during lookups, after the caller has gone, and across restarts."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from rum.v1 import control_plane_service_pb2 as pb
from rum_service.composition.service import Service
from rum_service.control.app_monitor_deletion import AppMonitorDeletion
from rum_service.control.source_map_purge import SourceMapPurge
from rum_service.errors import ResourceNotFoundException
from rum_service.monitors import MonitorCache
from rum_service.storage.base import Store
from rum_service.storage.records import AppMonitorRecord
from tests.support.logged import logged
from tests.support.memory_store import MemoryLog, MemoryMonitors, memory_store
from tests.support.memory_tables import MemoryTables
from tests.support.services import settings_in, started

_TIMEOUT_S = 30.0


class Gate:
    """Blocks lookups by ID and purges until the test opens it."""

    def __init__(self) -> None:
        self.reached, self.opened, self.purged = (threading.Event() for _ in range(3))

    def wait(self) -> None:
        self.reached.set()
        assert self.opened.wait(_TIMEOUT_S)


class GatedMonitors(MemoryMonitors):
    def __init__(self, tables: MemoryTables, gate: Gate) -> None:
        super().__init__(tables)
        self._gate = gate

    def by_ids(self, monitor_ids: Collection[str]) -> Sequence[AppMonitorRecord]:
        records = super().by_ids(monitor_ids)
        self._gate.wait()
        return records


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


Gated = tuple[Store, Gate, Service]


@pytest.fixture
async def gated(tmp_path: Path) -> AsyncIterator[Gated]:
    tables, gate = MemoryTables(), Gate()
    store = replace(
        memory_store(tables), log=GatedLog(tables, gate), monitors=GatedMonitors(tables, gate)
    )
    async with started(store, settings_in(tmp_path)) as service:
        yield store, gate, service
        gate.opened.set()


SHOP = pb.CreateAppMonitorRequest(name="shop", platform="iOS")


async def test_a_lookup_during_a_deletion_is_not_cached(gated: Gated) -> None:
    store, gate, service = gated
    monitor_id = await service.app_monitors.create(SHOP)
    lookup = asyncio.create_task(service.monitors.by_id(monitor_id))
    await asyncio.to_thread(gate.reached.wait, _TIMEOUT_S)
    delete = service.app_monitors.delete(pb.DeleteAppMonitorRequest(name="shop"))
    deletion = asyncio.create_task(delete)
    while store.monitors.by_name("shop"):
        await asyncio.sleep(0)
    gate.opened.set()
    await asyncio.gather(lookup, deletion)

    with pytest.raises(ResourceNotFoundException):
        await service.monitors.by_id(monitor_id)


async def _deleting(gated: Gated) -> asyncio.Task[None]:
    """Start to delete an app monitor with 1,500 batches, and return when the gate blocks it."""
    store, gate, service = gated
    await service.app_monitors.create(SHOP)
    store.log.append([logged(n) for n in range(1500)])
    delete = service.app_monitors.delete(pb.DeleteAppMonitorRequest(name="shop"))
    deletion = asyncio.create_task(delete)
    await asyncio.to_thread(gate.reached.wait, _TIMEOUT_S)
    return deletion


async def test_a_deletion_continues_when_its_caller_disconnects(gated: Gated) -> None:
    store, gate, _ = gated
    deletion = await _deleting(gated)
    deletion.cancel()
    await asyncio.gather(deletion, return_exceptions=True)
    gate.opened.set()

    assert await asyncio.to_thread(gate.purged.wait, _TIMEOUT_S)
    assert store.log.deleted_app_monitors() == []


async def test_the_next_start_resumes_a_deletion_that_a_stop_interrupted(
    gated: Gated, tmp_path: Path
) -> None:
    store, gate, service = gated
    deletion = await _deleting(gated)
    stopping = asyncio.create_task(service.deletion.__aexit__(None, None, None))
    await asyncio.sleep(0)
    gate.opened.set()
    await stopping
    left = store.log.deleted_app_monitors()
    async with started(store, settings_in(tmp_path)):
        assert await asyncio.to_thread(gate.purged.wait, _TIMEOUT_S)

    assert deletion.done()
    assert left == [1]
    assert store.log.deleted_app_monitors() == []


@pytest.mark.parametrize("failure", ["of the events", "of the answer to the commit"])
async def test_a_deletion_that_failed_is_resumed(
    failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = MemoryTables()
    store = memory_store(tables)
    key = store.monitors.create("7f6bd4b0-5c3e-4a53-9c7e-3a1d2b0c9e11", "shop", "{}").key
    store.log.append([logged(1, app_monitor=key)])
    failures = iter([OSError("no space left on device")])
    delete, purge_log = store.monitors.delete, store.log.purge

    def failing_delete(key: int) -> None:
        delete(key)
        if failure == "of the answer to the commit":
            for error in failures:
                raise error

    def failing_purge(app_monitor: int, *, limit: int) -> int:
        for error in failures:
            raise error
        return purge_log(app_monitor, limit=limit)

    monkeypatch.setattr(store.monitors, "delete", failing_delete)
    monkeypatch.setattr(store.log, "purge", failing_purge)
    # One thread: the deletions that an earlier process left are looked up before this one begins.
    with ThreadPoolExecutor(1) as thread:
        monitors = MonitorCache(store.monitors, thread, compile_policy=len, clock=time.monotonic)
        purge = SourceMapPurge(store.source_maps, thread, clock=time.time)
        parts = AppMonitorDeletion(store, thread, monitors, purge, retry_s=0.0)
        async with asyncio.timeout(_TIMEOUT_S), parts as deletion:
            with pytest.raises(OSError, match="no space"):
                await deletion.delete(key)
            while store.log.deleted_app_monitors():
                await asyncio.sleep(0)

    assert store.log.newest_sequence() == 1
    assert store.log.after(0, limit=1, max_bytes=1) == []
