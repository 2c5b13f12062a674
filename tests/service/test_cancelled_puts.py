"""A call that is cancelled while it is prepared leaves nothing behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from rum.v1.app_monitor_pb2 import CustomEvents
from rum.v1.control_plane_service_pb2 import CreateAppMonitorRequest
from rum_service.storage.records import AppMonitorRecord
from tests.support.batches import message, new_id, put_of
from tests.support.memory_store import MemoryMonitors, memory_store
from tests.support.memory_tables import MemoryTables
from tests.support.services import settings_in, started


class _Blocked(MemoryMonitors):
    """Looks up one id only when the test allows it."""

    def __init__(self, tables: MemoryTables) -> None:
        super().__init__(tables)
        self.blocked_id = new_id()
        self.loop = asyncio.get_running_loop()
        self.reached = asyncio.Event()
        # Not asyncio's: a service that stops blocks the event loop until its threads have ended.
        self.allowed = threading.Event()

    def by_ids(self, monitor_ids: Collection[str]) -> Sequence[AppMonitorRecord]:
        if self.blocked_id in monitor_ids:
            self.loop.call_soon_threadsafe(self.reached.set)
            assert self.allowed.wait(30)
        return super().by_ids(monitor_ids)


async def test_a_call_cancelled_during_a_lookup_leaves_no_room_reserved(tmp_path: Path) -> None:
    tables = MemoryTables()
    monitors = _Blocked(tables)
    store = replace(memory_store(tables), monitors=monitors)
    async with started(store, settings_in(tmp_path)) as service:
        shop, _ = [
            await service.app_monitors.create(
                CreateAppMonitorRequest(
                    name=monitor_id,
                    id=monitor_id,
                    domain="localhost",
                    custom_events=CustomEvents(status="ENABLED"),
                )
            )
            for monitor_id in (new_id(), monitors.blocked_id)
        ]
        puts = [put_of(message(shop)), put_of(message(monitors.blocked_id))]
        call = asyncio.create_task(service.ingest.put_many(puts))
        await asyncio.wait_for(monitors.reached.wait(), 30)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        monitors.allowed.set()

        assert call.cancelled()
        assert not service.group_commit.is_busy
