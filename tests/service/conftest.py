"""The use cases on a real SQLite database, without gRPC."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rum.v1 import control_plane_service_pb2 as pb
from rum.v1.app_monitor_pb2 import CustomEvents
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.composition.service import Service
from rum_service.storage import open_store
from rum_service.storage.base import Store
from tests.service.served import LoopThread
from tests.support.batches import put_of
from tests.support.databases import migrated_sqlite
from tests.support.services import ACCOUNT, settings_in, started


@dataclass
class UseCases:
    """A service that does not listen, its store and its clock."""

    store: Store
    service: Service
    clock: Clock

    async def create(self, name: str = "shop", **members: Any) -> str:
        """Create an app monitor that keeps custom events and return its id."""
        members = {
            "domain": "example.com",
            "custom_events": CustomEvents(status="ENABLED"),
            **members,
        }
        request = pb.CreateAppMonitorRequest(name=name, **members)
        return await self.service.app_monitors.create(request)

    async def put(self, *requests: PutRumEventsRequest) -> None:
        """Put batches one after another."""
        for request in requests:
            await self.service.ingest.put(put_of(request))

    async def page(self, name: str = "shop", **members: Any) -> pb.GetAppMonitorDataResponse:
        """Read a page of events, of all time unless `after` or `before` limit it."""
        time_range = pb.TimeRange(
            after=members.pop("after", -(2**62)), before=members.pop("before", None)
        )
        return await self.service.readback.get(
            pb.GetAppMonitorDataRequest(name=name, time_range=time_range, **members)
        )

    async def events(self, name: str = "shop", **members: Any) -> list[dict[str, Any]]:
        """Return the documents on all pages."""
        documents: list[dict[str, Any]] = []
        token: str | None = None
        while True:
            page = await self.page(name, next_token=token, **members)
            documents += [json.loads(event) for event in page.events]
            if not page.HasField("next_token"):
                return documents
            token = page.next_token


@dataclass
class Clock:
    """A clock that a test sets."""

    now: datetime

    def __call__(self) -> float:
        return self.now.timestamp()


@pytest.fixture
async def use_cases(tmp_path: Path) -> AsyncIterator[UseCases]:
    """The use cases on an empty database."""
    settings = settings_in(tmp_path, account_id=ACCOUNT, max_waiting_bytes=1 << 26)
    store = open_store(migrated_sqlite(tmp_path / "openrum.sqlite3"))
    clock = Clock(datetime(2026, 11, 1, tzinfo=UTC))
    async with started(store, settings, clock=clock) as service:
        yield UseCases(store, service, clock)
    store.close()


@pytest.fixture(scope="module")
def loop() -> Iterator[LoopThread]:
    """An event loop in a thread, for a server that blocking tests call."""
    started = LoopThread()
    yield started
    started.stop()
