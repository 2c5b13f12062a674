"""How many bytes are stored for an app monitor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rum.operator.v1.operator_service_pb2 import SetStoredBytesQuotaRequest
from rum.v1.control_plane_service_pb2 import CreateAppMonitorRequest, DeleteAppMonitorRequest
from rum_endpoint.ledger import REJECTED, Amount
from rum_service.composition.service import Service
from rum_service.control.storage_usage import StorageUsage
from rum_service.errors import (
    ResourceNotFoundException,
    RumError,
    ThrottlingException,
    ValidationException,
)
from rum_service.ingest.accounting import QUOTA
from rum_service.storage import open_store
from rum_service.storage.base import Store
from rum_service.storage.records import Appended, Usage
from tests.support.batches import message, put_of
from tests.support.databases import migrated_sqlite
from tests.support.services import settings_in, started

_QUOTA = 2000
"""Some batches of one event."""


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


@asynccontextmanager
async def _running(folder: Path, store: Store, quota: int = _QUOTA) -> AsyncIterator[Service]:
    settings = settings_in(folder, stored_bytes_quota=quota)
    async with started(store, settings) as service:
        yield service


def _use_cases(service: Service, store: Store) -> StorageUsage:
    return StorageUsage(
        service.app_monitors,
        store.usage,
        service.readers,
        usage=lambda: service.quotas.usage,
        refresh=service.quotas.refresh,
    )


async def _created(service: Service, name: str) -> str:
    request = CreateAppMonitorRequest(name=name, domain="localhost")
    return await service.app_monitors.create(request)


async def _put(service: Service, monitor_id: str, **members: Any) -> Appended | RumError:
    (result,) = await service.ingest.put_many([put_of(message(monitor_id, **members))])
    return result


async def _fill(service: Service, monitor_id: str) -> ThrottlingException:
    """Put batches until one is rejected."""
    for _ in range(100):
        result = await _put(service, monitor_id)
        if isinstance(result, ThrottlingException):
            return result
        assert result is Appended.STORED
        await service.quotas.refresh()
    raise AssertionError("no batch was rejected")


async def test_puts_beyond_the_quota_are_throttled_and_those_of_others_are_not(
    tmp_path: Path, store: Store
) -> None:
    async with _running(tmp_path, store) as service:
        shop, blog = await _created(service, "shop"), await _created(service, "blog")
        rejected = await _fill(service, shop)
        other = await _put(service, blog)
        await service.quotas.refresh()
        usage = {found.name: found for found in service.quotas.usage.values()}

    assert other is Appended.STORED
    assert rejected.quota_code == "stored-bytes"
    assert rejected.retry_after_seconds == 300
    assert "shop" in rejected.message
    assert "2000 stored bytes" in rejected.message
    assert _QUOTA <= usage["shop"].stored_bytes < _QUOTA + 500
    assert 0 < usage["blog"].stored_bytes < 500


async def test_a_caller_that_is_not_authorized_learns_no_name(tmp_path: Path, store: Store) -> None:
    async with _running(tmp_path, store) as service:
        shop = await _created(service, "shop")
        await _fill(service, shop)
        with pytest.raises(ThrottlingException) as raised:
            service.quotas.check((await service.monitors.by_id(shop)).key, authorized=False)

    assert raised.value.message == "The app monitor has reached its quota of stored bytes."


async def test_a_rejected_batch_is_counted_with_its_own_reason(
    tmp_path: Path, store: Store
) -> None:
    async with _running(tmp_path, store) as service:
        shop = await _created(service, "shop")
        await _fill(service, shop)
        await _put(service, shop, events=3)
        ended = service.accounting.ledger.ended
        in_progress = service.accounting.ledger.in_progress()
        rejected = ended["shop", REJECTED, QUOTA]

    assert (rejected.batches, rejected.events) == (2, 4)
    assert in_progress == Amount()


async def test_the_usage_of_an_earlier_run_counts(tmp_path: Path, store: Store) -> None:
    async with _running(tmp_path, store) as service:
        shop = await _created(service, "shop")
        await _fill(service, shop)
    async with _running(tmp_path, store) as service:
        result = await _put(service, shop)

    assert isinstance(result, ThrottlingException)


async def test_a_service_learns_what_another_one_has_stored(tmp_path: Path, url: str) -> None:
    first, second = open_store(url), open_store(url)
    try:
        async with _running(tmp_path, first) as one, _running(tmp_path, second) as other:
            shop = await _created(one, "shop")
            await _fill(one, shop)
            await other.quotas.refresh()
            result = await _put(other, shop)
    finally:
        first.close()
        second.close()

    assert isinstance(result, ThrottlingException)


async def test_the_usage_is_read_again_without_being_asked(tmp_path: Path, store: Store) -> None:
    async with _running(tmp_path, store) as service:
        shop = await _created(service, "shop")
        await _put(service, shop)
        while not any(found.stored_bytes for found in service.quotas.usage.values()):
            await _put(service, shop)


async def test_a_raised_quota_applies_at_once_and_its_removal_too(
    tmp_path: Path, store: Store
) -> None:
    async with _running(tmp_path, store) as service:
        usage = _use_cases(service, store)
        shop = await _created(service, "shop")
        await _fill(service, shop)
        results = []
        for quota in (10 * _QUOTA, 0, 1, None):
            request = SetStoredBytesQuotaRequest(app_monitor_name="shop", quota=quota)
            await usage.set_quota(request)
            results.append(type(await _put(service, shop)))
        (listed,) = usage.list().usage

    assert results == [Appended, Appended, ThrottlingException, ThrottlingException]
    assert (listed.app_monitor_name, listed.quota) == ("shop", _QUOTA)
    assert listed.stored_bytes > _QUOTA


async def test_without_a_quota_there_is_no_limit(tmp_path: Path, store: Store) -> None:
    async with _running(tmp_path, store, 0) as service:
        await _created(service, "shop")
        await service.quotas.refresh()
        (listed,) = _use_cases(service, store).list().usage

    assert not listed.HasField("quota")


async def test_an_app_monitor_with_the_name_of_a_deleted_one_starts_empty(
    tmp_path: Path, store: Store
) -> None:
    async with _running(tmp_path, store) as service:
        shop = await _created(service, "shop")
        await _fill(service, shop)
        await service.app_monitors.delete(DeleteAppMonitorRequest(name="shop"))
        again = await _created(service, "shop")
        result = await _put(service, again)

    assert result is Appended.STORED


async def test_an_invalid_quota_is_rejected(tmp_path: Path, store: Store) -> None:
    async with _running(tmp_path, store) as service:
        await _created(service, "shop")
        usage = _use_cases(service, store)
        with pytest.raises(ValidationException):
            await usage.set_quota(SetStoredBytesQuotaRequest(app_monitor_name="shop", quota=-1))
        with pytest.raises(ResourceNotFoundException):
            await usage.set_quota(SetStoredBytesQuotaRequest(app_monitor_name="blog", quota=1))


class _Failing:
    """A store whose usage cannot be read for a while."""

    def __init__(self, store: Store) -> None:
        self._usage = store.usage
        self.failures = 0
        self.set_quota = store.usage.set_quota
        self.read = store.usage.read

    def count(self) -> bool:
        if self.failures:
            self.failures -= 1
            raise OSError("no answer")
        return self._usage.count()


async def test_the_last_usage_applies_while_it_cannot_be_read(tmp_path: Path, store: Store) -> None:
    failing = _Failing(store)
    async with _running(tmp_path, replace(store, usage=failing)) as service:
        shop = await _created(service, "shop")
        await _fill(service, shop)
        failing.failures = 1
        while failing.failures:
            result = await _put(service, shop)
            assert isinstance(result, ThrottlingException)


async def test_a_start_does_not_wait_for_the_usage(tmp_path: Path, store: Store) -> None:
    failing = _Failing(store)
    failing.failures = 1
    async with _running(tmp_path, replace(store, usage=failing)) as service:
        shop = await _created(service, "shop")

        assert await _put(service, shop) is Appended.STORED


def test_usage_is_listed_by_name() -> None:
    usage = {1: Usage("b", 5, 7), 2: Usage("a", 6)}
    listed = StorageUsage(
        None,  # type: ignore[arg-type] # not used
        None,  # type: ignore[arg-type] # not used
        None,  # type: ignore[arg-type] # not used
        usage=lambda: usage,
        refresh=None,  # type: ignore[arg-type] # not used
    ).list()

    assert [found.app_monitor_name for found in listed.usage] == ["a", "b"]
