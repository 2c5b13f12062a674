"""Each batch that arrives is counted once, however it ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from rum.v1.app_monitor_pb2 import CustomEvents
from rum.v1.control_plane_service_pb2 import CreateAppMonitorRequest
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_endpoint.ledger import DROPPED, DUPLICATE, REJECTED, STORED, Amount, Ledger
from rum_service.auth.callers import Call
from rum_service.auth.policy import Policy
from rum_service.composition.base import LOOKUP_THREADS
from rum_service.composition.service import Service
from rum_service.errors import RumError
from rum_service.ingest.accounting import CANCELLED, MAX_NAMES, Accounting
from rum_service.ingest.drops import CUSTOM_EVENTS_DISABLED
from rum_service.ingest.preparation import Put
from rum_service.monitors import Monitor, MonitorCache
from rum_service.storage import open_store
from rum_service.storage.records import Appended
from tests.service.conftest import UseCases
from tests.service.served import BlockableLog
from tests.support.batches import message, new_id, put_of
from tests.support.logged import logged
from tests.support.services import settings_in, started


def _events(ledger: Ledger) -> dict[tuple[str, str, str], int]:
    """Return the number of events by their end, without ends that no event had."""
    return {end: amount.events for end, amount in ledger.ended.items() if amount.events}


def _size(*requests: PutRumEventsRequest) -> int:
    return sum(request.ByteSize() for request in requests)


async def test_a_stored_batch_and_its_retry_are_counted(use_cases: UseCases) -> None:
    request = message(await use_cases.create("shop"), events=3)
    await use_cases.put(request, request)
    ledger = use_cases.service.accounting.ledger

    assert ledger.received == Amount(2, 6, 2 * _size(request))
    assert ledger.in_progress() == Amount()
    assert ledger.total(STORED) == Amount(1, 3, _size(request))
    assert _events(ledger) == {("shop", STORED, ""): 3, ("shop", DUPLICATE, ""): 3}


async def test_dropped_events_are_counted_beside_the_stored_ones(use_cases: UseCases) -> None:
    shop = await use_cases.create("shop", custom_events=CustomEvents(status="DISABLED"))
    request = message(shop, events=3)
    request.rum_events[0].type = "com.amazon.rum.page_view_event"
    await use_cases.put(request, request)
    ledger = use_cases.service.accounting.ledger

    assert ledger.received == Amount(2, 6, 2 * _size(request))
    assert ledger.in_progress() == Amount()
    assert _events(ledger) == {
        ("shop", STORED, ""): 1,
        ("shop", DROPPED, CUSTOM_EVENTS_DISABLED): 2,
        ("shop", DUPLICATE, ""): 3,
    }


async def test_a_rejected_batch_is_counted_with_its_reason(use_cases: UseCases) -> None:
    shop = await use_cases.create("shop")
    stored = message(shop)
    requests = [
        stored,
        message(shop, events=2, batch_id=stored.batch_id),
        message(shop, events=3, batch_id="x"),
        message(new_id(), events=4),
    ]
    results = await use_cases.service.ingest.put_many([*map(put_of, requests), _unreadable()])
    ledger = use_cases.service.accounting.ledger

    assert [isinstance(result, RumError) for result in results] == [False, *[True] * 4]
    assert ledger.received == Amount(5, 10, _size(*requests) + len(_unreadable().content))
    assert ledger.in_progress() == Amount()
    assert ledger.ended["", REJECTED, "ValidationException"] == Amount(1, 0, 2)
    assert _events(ledger) == {
        ("shop", STORED, ""): 1,
        ("shop", REJECTED, "ValidationException"): 5,
        ("", REJECTED, "ResourceNotFoundException"): 4,
    }


def _unreadable() -> Put:
    return Put(b"\xff\xff", Call(), lambda: "a-request")


@asynccontextmanager
async def _blockable(folder: Path) -> AsyncIterator[tuple[Service, BlockableLog, str]]:
    """Run a service whose log the test can block or break, with the app monitor `shop`."""
    settings = settings_in(folder, max_waiting_bytes=1 << 20)
    store = open_store(settings.database_url)
    log = BlockableLog(store.log)
    async with started(replace(store, log=log), settings) as service:
        request = CreateAppMonitorRequest(
            name="shop", domain="localhost", custom_events=CustomEvents(status="ENABLED")
        )
        yield service, log, await service.app_monitors.create(request)
        log.may_append.set()
    store.close()


async def test_a_throttled_batch_is_counted(tmp_path: Path) -> None:
    async with _blockable(tmp_path) as (service, log, shop):
        log.may_append.clear()
        long = message(shop, events=2)
        long.rum_events[0].details = "x" * (1 << 20)
        first = asyncio.create_task(service.ingest.put(put_of(long)))
        assert await asyncio.to_thread(log.appending.wait, 30)
        with pytest.raises(RumError, match="Too many batches"):
            await service.ingest.put(put_of(message(shop, events=3)))
        ledger = service.accounting.ledger
        waiting = ledger.in_progress()
        log.may_append.set()
        await first

    assert waiting == Amount(1, 2, _size(long))
    assert ledger.in_progress() == Amount()
    assert _events(ledger) == {
        ("shop", STORED, ""): 2,
        ("shop", REJECTED, "ThrottlingException"): 3,
    }


async def test_a_batch_that_cannot_be_committed_is_counted(tmp_path: Path) -> None:
    async with _blockable(tmp_path) as (service, log, shop):
        log.broken = True
        with pytest.raises(RumError):
            await service.ingest.put(put_of(message(shop, events=2)))
        ledger = service.accounting.ledger

    assert ledger.in_progress() == Amount()
    assert _events(ledger) == {("shop", REJECTED, "InternalServerException"): 2}


async def test_a_queued_batch_is_counted_although_its_caller_is_gone(tmp_path: Path) -> None:
    async with _blockable(tmp_path) as (service, log, shop):
        log.may_append.clear()
        call = asyncio.create_task(service.ingest.put(put_of(message(shop, events=2))))
        assert await asyncio.to_thread(log.appending.wait, 30)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        ledger = service.accounting.ledger
        waiting = ledger.in_progress()

    assert waiting.events == 2
    assert ledger.in_progress() == Amount()
    assert _events(ledger) == {("shop", STORED, ""): 2}


async def test_a_batch_that_is_dropped_because_its_caller_is_gone_is_counted(
    tmp_path: Path,
) -> None:
    async with _blockable(tmp_path) as (service, log, shop):
        log.may_append.clear()
        first = asyncio.create_task(service.ingest.put(put_of(message(shop, events=1))))
        assert await asyncio.to_thread(log.appending.wait, 30)
        second = asyncio.create_task(service.ingest.put(put_of(message(shop, events=2))))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        log.may_append.set()
        await first
        ledger = service.accounting.ledger

    assert ledger.received.events == 3
    assert ledger.in_progress() == Amount()
    assert _events(ledger) == {("shop", STORED, ""): 1, ("shop", REJECTED, CANCELLED): 2}


async def test_all_batches_of_a_call_that_is_cancelled_early_are_counted(tmp_path: Path) -> None:
    """Without their events: none of them has been parsed."""
    async with _blockable(tmp_path) as (service, _, shop):
        other = await service.app_monitors.create(
            CreateAppMonitorRequest(name="other", domain="localhost")
        )
        first = message(shop)
        await service.ingest.put(put_of(first))
        blocked = threading.Event()
        # The lookup of the other app monitor waits for a thread, and all of them are busy.
        for _ in range(LOOKUP_THREADS):
            service.lookups.submit(blocked.wait, 30)
        requests = [
            message(shop, events=1),
            message(shop, events=2, batch_id="x"),
            message(other, events=4),
            message(shop, events=8),
        ]
        call = asyncio.create_task(service.ingest.put_many([*map(put_of, requests)]))
        await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        blocked.set()
        ledger = service.accounting.ledger

    assert call.cancelled()
    assert ledger.received == Amount(5, 1, _size(first, *requests))
    assert ledger.in_progress() == Amount()
    assert _events(ledger) == {("shop", STORED, ""): 1}
    assert ledger.ended["", REJECTED, CANCELLED] == Amount(4, 0, _size(*requests))


class _Monitors:
    """Has no app monitor in its cache."""

    def cached(self, _: str) -> None:
        return None


def test_app_monitors_beyond_a_bound_share_a_name() -> None:
    accounting = Accounting(cast("MonitorCache[Policy]", _Monitors()))
    for key in range(MAX_NAMES + 2):
        accounting.know(Monitor(key, f"shop-{key}", None, (), keeps_custom_events=True))
        batch = logged(key, app_monitor=key)
        accounting.receive(batch)
        accounting.end([batch], [Appended.STORED])

    assert accounting.ledger.ended["(others)", STORED, ""].batches == 2
    assert accounting.ledger.in_progress() == Amount()
