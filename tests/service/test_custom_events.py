"""Custom events are stored if the app monitor enabled them, otherwise dropped and counted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from rum.v1 import control_plane_service_pb2 as pb
from rum.v1.app_monitor_pb2 import CustomEvents
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum_service.composition.service import Service
from rum_service.control.app_monitors import AppMonitors
from rum_service.errors import ValidationException
from rum_service.events.custom import custom_events_enabled, has_custom_events
from rum_service.ingest.put import Ingest
from rum_service.storage.base import Store
from rum_service.storage.records import Appended, AppMonitorRecord
from tests.support.batches import message, new_id, put_of
from tests.support.logged import contents
from tests.support.memory_store import MemoryMonitors, memory_store
from tests.support.memory_tables import MemoryTables
from tests.support.services import settings_in, started

BUILT_IN = "com.amazon.rum.page_view_event"


def events(*types: str) -> list[RumEvent]:
    return [
        RumEvent(id=new_id(), timestamp=1000.0 + n, type=kind, details="{}")
        for n, kind in enumerate(types)
    ]


def batch(monitor_id: str, *types: str) -> PutRumEventsRequest:
    request = message(monitor_id, events=0)
    request.rum_events.extend(events(*types))
    return request


class CountingMonitors(MemoryMonitors):
    """Counts lookups of an app monitor by ID."""

    lookups = 0

    def by_ids(self, monitor_ids: Collection[str]) -> Sequence[AppMonitorRecord]:
        self.lookups += 1
        return super().by_ids(monitor_ids)


@pytest.fixture
def counting() -> CountingMonitors:
    return CountingMonitors(MemoryTables())


@pytest.fixture
def store(counting: CountingMonitors) -> Store:
    return replace(memory_store(counting.tables), monitors=counting)


@pytest.fixture
async def service(store: Store, tmp_path: Path) -> AsyncIterator[Service]:
    async with started(store, settings_in(tmp_path, max_app_monitors=3)) as running:
        yield running


@pytest.fixture
def monitors(service: Service) -> AppMonitors:
    return service.app_monitors


@pytest.fixture
def ingest(service: Service) -> Ingest:
    return service.ingest


async def create(monitors: AppMonitors, status: str | None, name: str = "shop") -> str:
    custom = CustomEvents(status=status) if status else None
    request = pb.CreateAppMonitorRequest(name=name, domain="localhost", custom_events=custom)
    return await monitors.create(request)


def stored(store: Store) -> list[PutRumEventsRequest]:
    return [PutRumEventsRequest.FromString(content) for content in contents(store.log)]


async def dropped(monitors: AppMonitors, name: str = "shop") -> int:
    return (await monitors.get(pb.GetAppMonitorRequest(name=name))).dropped_events


@pytest.mark.parametrize("status", [None, "DISABLED"])
async def test_custom_events_are_dropped_and_counted(
    monitors: AppMonitors, ingest: Ingest, store: Store, status: str | None
) -> None:
    monitor_id = await create(monitors, status)
    request = batch(monitor_id, "my.event", BUILT_IN, "com.amazon.rumba", "com.amazon.rum.")
    with structlog.testing.capture_logs() as logs:
        await ingest.put(put_of(request, "request-1"))

    assert [[event.type for event in kept.rum_events] for kept in stored(store)] == [
        [BUILT_IN, "com.amazon.rum."]
    ]
    assert await dropped(monitors) == 2
    assert [
        (line["request_id"], line["app_monitor"], line["dropped"], line["log_level"])
        for line in logs
    ] == [("request-1", "shop", 2, "info")]
    assert len(request.rum_events) == 4


async def test_enabled_custom_events_are_stored(
    monitors: AppMonitors, ingest: Ingest, store: Store
) -> None:
    monitor_id = await create(monitors, "ENABLED")
    request = batch(monitor_id, "my.event", BUILT_IN)
    await ingest.put(put_of(request))

    assert [request] == stored(store)
    assert await dropped(monitors) == 0


async def test_a_retry_of_a_batch_with_only_dropped_events_stores_nothing_new(
    monitors: AppMonitors, ingest: Ingest, store: Store
) -> None:
    request = batch(await create(monitors, None), "a", "b")
    await ingest.put(put_of(request))
    await ingest.put(put_of(request))

    assert [len(kept.rum_events) for kept in stored(store)] == [0]
    assert await dropped(monitors) == 2


async def test_a_retry_after_custom_events_were_enabled_stores_nothing_new(
    monitors: AppMonitors, ingest: Ingest, store: Store
) -> None:
    request = batch(await create(monitors, None), "a", BUILT_IN)
    await ingest.put(put_of(request))
    custom = CustomEvents(status="ENABLED")
    await monitors.update(pb.UpdateAppMonitorRequest(name="shop", custom_events=custom))
    await ingest.put(put_of(request))
    await ingest.put(put_of(batch(request.id, "a")))

    assert [[e.type for e in kept.rum_events] for kept in stored(store)] == [["a"], [BUILT_IN]]
    assert await dropped(monitors) == 1


async def test_reusing_a_batch_id_with_different_dropped_events_is_rejected(
    monitors: AppMonitors, ingest: Ingest
) -> None:
    first = batch(await create(monitors, None), "a", BUILT_IN)
    second = PutRumEventsRequest()
    second.CopyFrom(first)
    second.rum_events[0].details = '{"other":1}'
    await ingest.put(put_of(first))

    with pytest.raises(ValidationException, match="BatchId"):
        await ingest.put(put_of(second))


async def test_list_app_monitors_returns_the_number_of_dropped_events(
    monitors: AppMonitors, ingest: Ingest
) -> None:
    ids = [await create(monitors, None, name) for name in ("a", "b")]
    await ingest.put(put_of(batch(ids[1], "x", "y")))
    page = await monitors.list(pb.ListAppMonitorsRequest())

    assert [(s.name, s.dropped_events) for s in page.app_monitor_summaries] == [("a", 0), ("b", 2)]


async def test_several_puts_look_up_their_app_monitor_once(
    service: Service, monitors: AppMonitors, ingest: Ingest, counting: CountingMonitors
) -> None:
    monitor_id = await create(monitors, "ENABLED")
    for _ in range(5):
        await ingest.put(put_of(batch(monitor_id, "my.event")))

    assert counting.lookups == 1
    assert (await service.monitors.by_id(monitor_id)).keeps_custom_events is True


async def test_the_app_monitors_of_a_call_are_looked_up_in_one_query(
    monitors: AppMonitors, ingest: Ingest, counting: CountingMonitors
) -> None:
    ids = [await create(monitors, "ENABLED", name) for name in ("a", "b", "c")]
    outcomes = await ingest.put_many([put_of(batch(monitor_id, "my.event")) for monitor_id in ids])

    assert outcomes == [Appended.STORED] * 3
    assert counting.lookups == 1


@pytest.mark.parametrize(
    ("members", "enabled"),
    [
        ({}, False),
        ({"CustomEvents": {}}, False),
        ({"CustomEvents": {"Status": "DISABLED"}}, False),
        ({"CustomEvents": {"Status": "ENABLED"}}, True),
        ({"Tags": {"Status": "ENABLED"}}, False),
    ],
)
def test_custom_events_are_enabled_only_by_their_status(
    members: dict[str, object], enabled: bool
) -> None:
    assert custom_events_enabled(members) is enabled


@pytest.mark.parametrize(
    ("types", "has_custom"),
    [
        ([], False),
        ([BUILT_IN, BUILT_IN], False),
        ([BUILT_IN, "my.event", BUILT_IN], True),
        ([BUILT_IN.upper()], True),
    ],
)
def test_an_event_whose_type_is_not_built_in_is_custom(types: list[str], has_custom: bool) -> None:
    assert has_custom_events(types) is has_custom


async def test_creating_more_app_monitors_than_the_quota_is_rejected(monitors: AppMonitors) -> None:
    from rum_service.errors import ConflictException, ServiceQuotaExceededException

    for name in "abc":
        await create(monitors, None, name)

    with pytest.raises(ServiceQuotaExceededException, match="at most 3"):
        await create(monitors, None, "d")
    with pytest.raises(ConflictException):
        await create(monitors, None, "a")
    await monitors.delete(pb.DeleteAppMonitorRequest(name="a"))
    await create(monitors, None, "d")
