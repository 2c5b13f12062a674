"""Replay events are dropped if replays are off or over their quota. The rest is stored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from rum.v1.app_monitor_pb2 import CustomEvents
from rum.v1.control_plane_service_pb2 import CreateAppMonitorRequest
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_endpoint.ledger import DROPPED, DUPLICATE, STORED, Amount
from rum_service.auth.policy import Policy
from rum_service.composition.service import Service
from rum_service.errors import RumError
from rum_service.ingest.drops import CUSTOM_EVENTS_DISABLED
from rum_service.ingest.replays import OFF, OVER_QUOTA, REPLAY_EVENT, Replays
from rum_service.monitors import Monitor
from rum_service.storage import open_store
from rum_service.storage.base import Store
from rum_service.storage.records import Appended
from tests.support.batches import message, put_of
from tests.support.logged import contents
from tests.support.services import settings_in, started

PAGE_VIEW = "com.amazon.rum.page_view_event"
_DAY_S = 86_400


@asynccontextmanager
async def _running(folder: Path, **members: object) -> AsyncIterator[tuple[Service, Store]]:
    settings = settings_in(folder, **members)
    store = open_store(settings.database_url)
    try:
        async with started(store, settings) as service:
            yield service, store
    finally:
        store.close()


async def _created(service: Service, name: str = "shop", custom: str = "ENABLED") -> str:
    request = CreateAppMonitorRequest(
        name=name, domain="localhost", custom_events=CustomEvents(status=custom)
    )
    return await service.app_monitors.create(request)


def _batch(monitor_id: str, *types: str, details: str = "{}") -> PutRumEventsRequest:
    request = message(monitor_id, events=len(types))
    for event, kind in zip(request.rum_events, types, strict=True):
        event.type, event.details = kind, details
    return request


async def _put(service: Service, *requests: PutRumEventsRequest) -> Sequence[Appended | RumError]:
    return await service.ingest.put_many([put_of(request) for request in requests])


def _stored_types(store: Store) -> list[list[str]]:
    """Return the types of the events in each batch, newest first."""
    batches = [PutRumEventsRequest.FromString(content) for content in contents(store.log)]
    return [[event.type for event in batch.rum_events] for batch in batches]


async def test_replays_are_stored_by_default(tmp_path: Path) -> None:
    async with _running(tmp_path) as (service, store):
        request = _batch(await _created(service), PAGE_VIEW, REPLAY_EVENT)
        await _put(service, request)

        assert [PutRumEventsRequest.FromString(stored) for stored in contents(store.log)] == [
            request
        ]


async def test_replays_that_are_off_are_dropped_and_counted(tmp_path: Path) -> None:
    async with _running(tmp_path, replays=False) as (service, store):
        request = _batch(await _created(service), REPLAY_EVENT, PAGE_VIEW, REPLAY_EVENT, "custom")
        before = request.SerializeToString()
        results = await _put(service, request)
        ledger, stored = service.accounting.ledger, contents(store.log)

        assert results == [Appended.STORED]
        assert _stored_types(store) == [[PAGE_VIEW, "custom"]]
        assert ledger.received == Amount(1, 4, len(before))
        assert ledger.in_progress() == Amount()
        assert ledger.total(STORED) == Amount(1, 2, len(stored[0]))
        assert ledger.ended["shop", DROPPED, OFF] == Amount(0, 2, len(before) - len(stored[0]))
        assert sum(store.log.dropped_events([1]).values()) == 2
        assert request.SerializeToString() == before


async def test_a_batch_of_replay_events_alone_is_accepted_without_them(tmp_path: Path) -> None:
    async with _running(tmp_path, replays=False) as (service, store):
        request = _batch(await _created(service), REPLAY_EVENT, REPLAY_EVENT)
        results = await _put(service, request, request)

        assert results == [Appended.STORED, Appended.DUPLICATE]
        assert _stored_types(store) == [[]]
        assert service.accounting.ledger.ended["shop", DUPLICATE, ""].events == 2
        assert service.accounting.ledger.in_progress() == Amount()


async def test_events_dropped_for_two_reasons_are_counted_by_reason(tmp_path: Path) -> None:
    async with _running(tmp_path, replays=False) as (service, store):
        shop = await _created(service, custom="DISABLED")
        request = _batch(shop, "custom", REPLAY_EVENT, PAGE_VIEW, "custom", REPLAY_EVENT, "custom")
        await _put(service, request, request)
        ledger = service.accounting.ledger

        assert _stored_types(store) == [[PAGE_VIEW]]
        assert ledger.ended["shop", DROPPED, CUSTOM_EVENTS_DISABLED].events == 3
        assert ledger.ended["shop", DROPPED, OFF].events == 2
        assert ledger.ended["shop", DUPLICATE, ""] == Amount(1, 6, request.ByteSize())
        assert ledger.in_progress() == Amount()


async def test_a_retry_after_replays_were_switched_off_or_on_stores_nothing_new(
    tmp_path: Path,
) -> None:
    async with _running(tmp_path) as (service, _):
        shop = await _created(service)
        first, second = (_batch(shop, PAGE_VIEW, REPLAY_EVENT) for _ in range(2))
        assert await _put(service, first) == [Appended.STORED]
    async with _running(tmp_path, replays=False) as (service, _):
        results = await _put(service, first, second)
        assert results == [Appended.DUPLICATE, Appended.STORED]
    async with _running(tmp_path) as (service, store):
        results = await _put(service, first, second)

        assert results == [Appended.DUPLICATE, Appended.DUPLICATE]
        assert _stored_types(store) == [[PAGE_VIEW], [PAGE_VIEW, REPLAY_EVENT]]


async def test_an_app_monitor_over_its_quota_loses_replays_alone_and_others_do_not(
    tmp_path: Path,
) -> None:
    async with _running(tmp_path, replay_bytes_per_day=1000) as (service, store):
        shop, blog = await _created(service), await _created(service, "blog")
        long = _batch(shop, PAGE_VIEW, REPLAY_EVENT, details="x" * 2000)
        over, other = (_batch(monitor, REPLAY_EVENT, PAGE_VIEW) for monitor in (shop, blog))
        results = [*await _put(service, long, over), *await _put(service, other, over, long)]
        ledger = service.accounting.ledger

        assert results == [Appended.STORED] * 3 + [Appended.DUPLICATE] * 2
        assert _stored_types(store) == [[PAGE_VIEW], [PAGE_VIEW, REPLAY_EVENT]]
        assert ledger.ended["blog", STORED, ""].events == 2
        assert ledger.ended["shop", DROPPED, OVER_QUOTA].events == 1
        assert ("blog", DROPPED, OVER_QUOTA) not in ledger.ended
        assert ledger.in_progress() == Amount()


@dataclass
class _Seconds:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def monitor(tmp_path: Path) -> AsyncIterator[Monitor[Policy]]:
    async with _running(tmp_path) as (service, _):
        yield await service.monitors.by_id(await _created(service))


def _taken(replays: Replays, monitor: Monitor[Policy], size: int, puts: int) -> int:
    """Return how many of several puts keep their replay events."""
    return sum(not replays.take(monitor, size) for _ in range(puts))


async def test_an_empty_quota_pauses_replays_until_an_hours_share_is_there(
    monitor: Monitor[Policy],
) -> None:
    clock = _Seconds()
    replays = Replays(stored=True, bytes_per_day=24_000, clock=clock)
    at_first = _taken(replays, monitor, 100, 1000)
    clock.now += 3599
    in_the_pause = _taken(replays, monitor, 100, 10)
    clock.now += 1
    after_it = _taken(replays, monitor, 100, 1000)
    clock.now += 2 * _DAY_S
    two_days_later = _taken(replays, monitor, 100, 1000)

    assert (at_first, in_the_pause, after_it, two_days_later) == (240, 0, 10, 240)


async def test_traffic_below_the_quota_keeps_all_replays(monitor: Monitor[Policy]) -> None:
    clock = _Seconds()
    replays = Replays(stored=True, bytes_per_day=24_000, clock=clock)
    kept = 0
    for _ in range(240 * 3):
        kept += _taken(replays, monitor, 99, 1)
        clock.now += _DAY_S / 240

    assert kept == 240 * 3
