"""How much is stored for one app monitor in a second."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rum.v1.control_plane_service_pb2 import CreateAppMonitorRequest
from rum_service.composition.service import Service
from rum_service.errors import RumError, ThrottlingException, ValidationException
from rum_service.storage import open_store
from rum_service.storage.records import Appended
from tests.support.batches import message, put_of
from tests.support.services import settings_in, started


@asynccontextmanager
async def _running(folder: Path, **members: int) -> AsyncIterator[Service]:
    settings = settings_in(folder, **members)
    store = open_store(settings.database_url)
    try:
        async with started(store, settings) as service:
            yield service
    finally:
        store.close()


async def _created(service: Service, name: str) -> str:
    request = CreateAppMonitorRequest(name=name, domain="localhost")
    return await service.app_monitors.create(request)


async def _put(service: Service, monitor_id: str, **members: object) -> Appended | RumError:
    (result,) = await service.ingest.put_many([put_of(message(monitor_id, **members))])
    return result


@pytest.mark.parametrize("what", ["requests", "events", "bytes"])
async def test_an_app_monitor_over_its_limit_is_throttled_and_others_are_not(
    tmp_path: Path, what: str
) -> None:
    async with _running(tmp_path, **{f"monitor_{what}_per_s": 1}) as service:
        shop, blog = await _created(service, "shop"), await _created(service, "blog")
        results = [await _put(service, shop) for _ in range(8)]
        other = await _put(service, blog)

    rejected = results[-1]
    assert (results[0], other) == (Appended.STORED, Appended.STORED)
    assert isinstance(rejected, ThrottlingException)
    assert rejected.quota_code == f"{what}-per-app-monitor"
    assert rejected.retry_after_seconds and rejected.retry_after_seconds >= 1


async def test_an_invalid_batch_does_not_count(tmp_path: Path) -> None:
    async with _running(tmp_path, monitor_requests_per_s=1) as service:
        shop = await _created(service, "shop")
        invalid = [await _put(service, shop, batch_id="no UUID") for _ in range(20)]
        valid = await _put(service, shop)

    assert {type(result) for result in invalid} == {ValidationException}
    assert valid is Appended.STORED
