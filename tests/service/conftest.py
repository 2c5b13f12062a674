"""The use cases on a real SQLite, without gRPC."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rum.v1 import control_plane_service_pb2 as pb
from rum.v1.app_monitor_pb2 import CustomEvents
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.auth.callers import Call
from rum_service.control.readback import Readback
from rum_service.ingest.group_commit import GroupCommit
from rum_service.ingest.put import Ingest, Put
from rum_service.monitors import Monitors
from rum_service.settings import ServiceSettings
from rum_service.storage import open_store
from rum_service.storage.base import Store
from tests.service.served import LoopThread
from tests.support.gates import ACCOUNT, open_gate


@dataclass
class UseCases:
    """What the servicers call, and the clock that the app monitors see."""

    store: Store
    monitors: Monitors
    ingest: Ingest
    readback: Readback
    now: datetime

    async def create(self, name: str = "shop", **members: Any) -> str:
        """Makes an app monitor that keeps custom events and returns its id."""
        members = {
            "domain": "example.com",
            "custom_events": CustomEvents(status="ENABLED"),
            **members,
        }
        request = pb.CreateAppMonitorRequest(name=name, **members)
        return await self.monitors.create(request)

    async def put(self, *requests: PutRumEventsRequest) -> None:
        """Puts batches one after another."""
        for request in requests:
            await self.ingest.put(Put(request, "a-request", Call()))

    async def page(self, name: str = "shop", **members: Any) -> pb.GetAppMonitorDataResponse:
        """Reads a page; of all time, unless `after` or `before` say otherwise."""
        time_range = pb.TimeRange(
            after=members.pop("after", -(2**62)), before=members.pop("before", None)
        )
        return await self.readback.get(
            pb.GetAppMonitorDataRequest(name=name, time_range=time_range, **members)
        )

    async def events(self, name: str = "shop", **members: Any) -> list[dict[str, Any]]:
        """The documents of all pages."""
        documents: list[dict[str, Any]] = []
        token: str | None = None
        while True:
            page = await self.page(name, next_token=token, **members)
            documents += [json.loads(event) for event in page.events]
            if not page.HasField("next_token"):
                return documents
            token = page.next_token


def settings_in(folder: Path, **members: object) -> ServiceSettings:
    """Settings whose files are all in one folder."""
    return ServiceSettings(
        **{
            "grpc": "127.0.0.1:0",
            "database_url": f"sqlite:///{folder / 'openrum.sqlite3'}",
            "operator_token_file": folder / "operator.token",
            "bridge_token_file": folder / "bridge.token",
            "secrets_key_file": folder / "secrets.key",
            **members,
        }  # type: ignore[arg-type]
    )


@pytest.fixture
async def use_cases(tmp_path: Path) -> AsyncIterator[UseCases]:
    """The use cases on an empty database."""
    store = open_store(f"sqlite:///{tmp_path / 'openrum.sqlite3'}")
    with ThreadPoolExecutor(4) as threads:
        monitors = Monitors(store, threads, clock=lambda: made.now)
        gate = open_gate(store, threads, monitors)
        commit = GroupCommit(store.log.append, max_waiting_bytes=1 << 26, max_group_bytes=1 << 22)
        made = UseCases(
            store=store,
            monitors=monitors,
            ingest=Ingest(monitors, gate, commit, max_events=10_000, clock=time.time),
            readback=Readback(monitors, store.log, threads, account_id=ACCOUNT),
            now=datetime(2026, 11, 1, tzinfo=UTC),
        )
        try:
            yield made
        finally:
            await commit.stop()
    store.close()


@pytest.fixture(scope="module")
def loop() -> Iterator[LoopThread]:
    """An event loop in a thread, for a server that tests call from outside."""
    started = LoopThread()
    yield started
    started.stop()
