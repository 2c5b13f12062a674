"""The planes on one gRPC server in a thread, over a store that a test can break or hold."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import grpc
import grpc.aio

from rum.internal.v1.bridge_service_pb2_grpc import (
    BridgeServiceStub,
    add_BridgeServiceServicer_to_server,
)
from rum.v1.control_plane_service_pb2_grpc import (
    ControlPlaneServiceStub,
    add_ControlPlaneServiceServicer_to_server,
)
from rum.v1.data_plane_service_pb2_grpc import (
    DataPlaneServiceStub,
    add_DataPlaneServiceServicer_to_server,
)
from rum_service.auth.operations import operation_of
from rum_service.control.metric_definitions import MetricDefinitions
from rum_service.control.metric_destinations import MetricDestinations
from rum_service.control.readback import Readback
from rum_service.control.resource_policies import ResourcePolicies
from rum_service.control.tags import Tags
from rum_service.ingest.group_commit import GroupCommit
from rum_service.ingest.put import Ingest
from rum_service.monitors import Monitors
from rum_service.rpc.boundary import CallBoundary, Context, call_of
from rum_service.rpc.bridge_plane import BridgePlane
from rum_service.rpc.control_plane import ControlPlane
from rum_service.rpc.data_plane import DataPlane
from rum_service.storage import open_store
from rum_service.storage.records import Batch
from tests.support.gates import ACCOUNT, open_gate

MAX_APP_MONITORS = 12
MAX_WAITING_BYTES = 5_000
_TIMEOUT_S = 30.0

T = TypeVar("T")


class Stubs:
    """A client of the planes."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.data = DataPlaneServiceStub(channel)
        self.bridge = BridgeServiceStub(channel)
        self.control = ControlPlaneServiceStub(channel)


class LoopThread:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_TIMEOUT_S)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Planes:
    """The servicers and what they stand on."""

    def __init__(self, folder: Path, threads: ThreadPoolExecutor) -> None:
        self.store = store = open_store(f"sqlite:///{folder / 'openrum.sqlite3'}")
        self.broken = False
        self.held = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self.monitors = monitors = Monitors(
            store,
            threads,
            clock=lambda: datetime.now(UTC),
            max_app_monitors=MAX_APP_MONITORS,
        )
        self.commit = GroupCommit(
            self._append, max_waiting_bytes=MAX_WAITING_BYTES, max_group_bytes=1 << 20
        )
        self.gate = open_gate(store, threads, monitors)
        ingest = Ingest(monitors, self.gate, self.commit, max_events=1_000, clock=time.time)
        self.data = DataPlane(ingest)
        self.bridge = BridgePlane(ingest)
        destinations = MetricDestinations(monitors, store.metrics, threads)
        self.control = ControlPlane(
            monitors=monitors,
            readback=Readback(monitors, store.log, threads, account_id=ACCOUNT),
            tags=Tags(monitors, account_id=ACCOUNT),
            policies=ResourcePolicies(
                monitors, store.policies, threads, new_id=lambda: str(uuid.uuid4())
            ),
            destinations=destinations,
            definitions=MetricDefinitions(
                destinations, store.metrics, threads, new_id=lambda: str(uuid.uuid4())
            ),
        )

    def _append(self, batches: Sequence[Batch]) -> list[bool]:
        self.held.set()
        assert self.go_on.wait(_TIMEOUT_S)
        if self.broken:
            raise OSError("no space left on device")
        return self.store.log.append(batches)

    def server(self) -> grpc.aio.Server:
        async def admit(method: str, request: Any, context: Context) -> None:
            if asked := operation_of(method, request):
                await self.gate.admit(call_of(context), asked, self.monitors.find)

        return grpc.aio.server(interceptors=[CallBoundary(admit)])


def add_to_server(planes: Planes, server: grpc.aio.Server) -> None:
    add_DataPlaneServiceServicer_to_server(planes.data, server)
    add_BridgeServiceServicer_to_server(planes.bridge, server)
    add_ControlPlaneServiceServicer_to_server(planes.control, server)


@contextmanager
def planes_on(loop: LoopThread, folder: Path) -> Iterator[Planes]:
    """Puts the planes together on the loop."""

    async def make() -> Planes:
        return Planes(folder, threads)

    with ThreadPoolExecutor(4) as threads:
        planes = loop.run(make())
        try:
            yield planes
        finally:
            planes.go_on.set()
            loop.run(planes.commit.stop())
            planes.store.close()
