"""Long requests are parsed and validated in a thread, with the same results as short ones."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from rum.v1.app_monitor_pb2 import CustomEvents
from rum.v1.control_plane_service_pb2 import CreateAppMonitorRequest
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum_service.errors import ValidationException
from rum_service.ingest import preparation
from rum_service.ingest.long_requests import LONG_BYTES
from rum_service.ingest.validation import Events
from rum_service.storage.records import Appended
from tests.support.batches import event, message, put_of
from tests.support.memory_store import memory_store
from tests.support.memory_tables import MemoryTables
from tests.support.services import settings_in, started

_LONG_DETAILS = '{"x": "' + "a" * LONG_BYTES + '"}'


async def test_only_long_requests_are_validated_in_a_thread_and_the_event_loop_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    validate = preparation.validate
    threads: list[str] = []
    may_validate = threading.Event()

    def recorded(request: Any, *, max_events: int) -> Events:
        threads.append(threading.current_thread().name)
        if threading.current_thread() is not threading.main_thread():
            assert may_validate.wait(30)
        return validate(request, max_events=max_events)

    monkeypatch.setattr(preparation, "validate", recorded)
    async with started(memory_store(MemoryTables()), settings_in(tmp_path)) as service:
        shop = await service.app_monitors.create(_request("shop"))
        long = asyncio.create_task(service.ingest.put(put_of(_message(shop, _LONG_DETAILS))))
        short = await service.ingest.put(put_of(_message(shop, "{}")))
        may_validate.set()
        outcomes = [short, await asyncio.wait_for(long, 30)]

    assert outcomes == [Appended.STORED] * 2
    assert sorted(threads) == ["MainThread", "long-requests_0"]


@pytest.mark.parametrize("details", ["{}", _LONG_DETAILS], ids=["short", "long"])
async def test_an_invalid_request_has_the_same_error_whatever_its_length(
    tmp_path: Path, details: str
) -> None:
    async with started(memory_store(MemoryTables()), settings_in(tmp_path)) as service:
        shop = await service.app_monitors.create(_request("shop"))
        with pytest.raises(ValidationException) as rejected:
            await service.ingest.put(put_of(_message(shop, details, id="x")))

    assert str(rejected.value).startswith("RumEvents[0].id must match")


async def test_a_long_put_that_is_cancelled_while_it_is_parsed_is_counted_with_its_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    validate = preparation.validate
    reached, may_validate = threading.Event(), threading.Event()

    def blocked(request: Any, *, max_events: int) -> Events:
        reached.set()
        assert may_validate.wait(30)
        return validate(request, max_events=max_events)

    monkeypatch.setattr(preparation, "validate", blocked)
    async with started(memory_store(MemoryTables()), settings_in(tmp_path)) as service:
        shop = await service.app_monitors.create(_request("shop"))
        put = asyncio.create_task(service.ingest.put(put_of(_message(shop, _LONG_DETAILS))))
        assert await asyncio.to_thread(reached.wait, 30)
        put.cancel()
        await asyncio.gather(put, return_exceptions=True)
        may_validate.set()
        received = service.accounting.ledger.received

    assert received.events == 1


def _request(name: str) -> CreateAppMonitorRequest:
    return CreateAppMonitorRequest(
        name=name, domain="localhost", custom_events=CustomEvents(status="ENABLED")
    )


def _message(monitor: str, details: str, **members: Any) -> PutRumEventsRequest:
    request = message(monitor, events=0)
    request.rum_events.append(RumEvent(**event(details=details, **members)))
    return request
