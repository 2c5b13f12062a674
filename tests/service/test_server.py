"""The running service: reflection, health, threads, start and stop."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from rum.v1 import control_plane_service_pb2 as pb
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub
from rum.v1.data_plane_service_pb2 import PutRumEventsResponse
from rum.v1.data_plane_service_pb2_grpc import DataPlaneServiceStub
from rum_service.composition.base import READER_THREADS
from rum_service.server import running_service
from rum_service.storage import open_store
from rum_service.storage.records import FoundBatches
from tests.support.batches import message
from tests.support.logged import logged
from tests.support.memory_store import MemoryLog, memory_store
from tests.support.memory_tables import MemoryTables
from tests.support.services import settings_in, started

_TIMEOUT_S = 30.0


async def create(channel: grpc.aio.Channel, name: str = "shop") -> str:
    request = pb.CreateAppMonitorRequest(name=name, domain="example.com")
    return str((await ControlPlaneServiceStub(channel).CreateAppMonitor(request)).id)


async def test_reflection_lists_every_service(tmp_path: Path) -> None:
    async with (
        running_service(settings_in(tmp_path)) as service,
        grpc.aio.insecure_channel(service.address) as channel,
    ):
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        response = await anext(aiter(stub.ServerReflectionInfo(iter([request]))))

    assert {found.name for found in response.list_services_response.service} == {
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        "rum.internal.v1.BridgeService",
        "rum.operator.v1.OperatorService",
        "rum.v1.ControlPlaneService",
        "rum.v1.DataPlaneService",
        "rum.v1.InsightService",
        "rum.v1.SourceMapService",
    }


@pytest.mark.parametrize(
    "name",
    [
        "",
        "rum.v1.DataPlaneService",
        "rum.v1.InsightService",
        "rum.v1.SourceMapService",
        "rum.v1.ControlPlaneService",
        "rum.operator.v1.OperatorService",
        "rum.internal.v1.BridgeService",
    ],
)
async def test_the_server_and_each_service_are_healthy(tmp_path: Path, name: str) -> None:
    async with (
        running_service(settings_in(tmp_path)) as service,
        grpc.aio.insecure_channel(service.address) as channel,
    ):
        stub = health_pb2_grpc.HealthStub(channel)
        response = await stub.Check(health_pb2.HealthCheckRequest(service=name))

    assert response.status == health_pb2.HealthCheckResponse.SERVING


async def test_the_unix_socket_serves_every_plane(tmp_path: Path) -> None:
    path = tmp_path / "service.sock"
    async with (
        running_service(settings_in(tmp_path, socket=str(path))),
        grpc.aio.insecure_channel(f"unix:{path}") as channel,
    ):
        monitor_id = await create(channel)
        response = await DataPlaneServiceStub(channel).PutRumEvents(message(monitor_id))

    assert response == PutRumEventsResponse()


class BlockedReads(MemoryLog):
    """A log whose reads block until the test sets `go_on`."""

    def __init__(self, tables: MemoryTables) -> None:
        super().__init__(tables)
        self.go_on = threading.Event()
        self.reading = threading.Semaphore(0)

    def read(self, app_monitor: int, **arguments: Any) -> FoundBatches:
        self.reading.release()
        assert self.go_on.wait(_TIMEOUT_S)
        return super().read(app_monitor, **arguments)


async def test_slow_reads_of_the_log_do_not_delay_puts(tmp_path: Path) -> None:
    tables = MemoryTables()
    log = BlockedReads(tables)
    store = replace(memory_store(tables), log=log)
    async with (
        started(store, settings_in(tmp_path), listening=True) as service,
        grpc.aio.insecure_channel(service.server.address) as channel,
    ):
        monitor_id = await create(channel)
        control = ControlPlaneServiceStub(channel)
        reads = [
            control.GetAppMonitorData(
                pb.GetAppMonitorDataRequest(name="shop", time_range=pb.TimeRange(after=0))
            )
            for _ in range(20)
        ]
        reading = [asyncio.create_task(asyncio.wait_for(read, _TIMEOUT_S)) for read in reads]
        for _ in range(READER_THREADS):
            await asyncio.to_thread(log.reading.acquire)
        try:
            put = DataPlaneServiceStub(channel).PutRumEvents(message(monitor_id))
            response = await asyncio.wait_for(put, _TIMEOUT_S / 3)
        finally:
            log.go_on.set()
            await asyncio.gather(*reading, return_exceptions=True)

    assert response == PutRumEventsResponse()


class BlockedAppends(MemoryLog):
    """A log whose appends block until the test sets `go_on`."""

    def __init__(self, tables: MemoryTables) -> None:
        super().__init__(tables)
        self.go_on, self.appending = threading.Event(), threading.Event()

    def append(self, batches):  # type: ignore[no-untyped-def]
        self.appending.set()
        assert self.go_on.wait(_TIMEOUT_S)
        return super().append(batches)


async def test_stopping_waits_for_puts_in_progress(tmp_path: Path) -> None:
    tables = MemoryTables()
    log = BlockedAppends(tables)
    store = replace(memory_store(tables), log=log)
    running = started(store, settings_in(tmp_path), listening=True)
    service = await running.__aenter__()
    async with grpc.aio.insecure_channel(service.server.address) as channel:
        monitor_id = await create(channel)
        put = DataPlaneServiceStub(channel).PutRumEvents(message(monitor_id))
        putting = asyncio.create_task(asyncio.wait_for(put, _TIMEOUT_S))
        await asyncio.to_thread(log.appending.wait, _TIMEOUT_S)
        stopping = asyncio.create_task(running.__aexit__(None, None, None))
        await asyncio.sleep(0)
        log.go_on.set()
        response = await putting
        await asyncio.wait_for(stopping, _TIMEOUT_S)

    assert response == PutRumEventsResponse()


async def test_a_start_resumes_an_interrupted_deletion(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    store = open_store(settings.database_url)
    gone = store.monitors.create("0" * 36, "gone", "{}")
    store.log.append([logged(number, app_monitor=gone.key) for number in range(3)])
    store.monitors.delete(gone.key)
    async with running_service(settings):
        async with asyncio.timeout(_TIMEOUT_S):
            while await asyncio.to_thread(store.log.deleted_app_monitors):
                pass
    left = store.log.deleted_app_monitors()
    store.close()

    assert left == []


async def test_calls_without_their_messages_do_not_delay_the_stop(tmp_path: Path) -> None:
    """Otherwise any client delays each stop of the service by OPENRUM_DRAIN_S."""
    methods = (
        "/rum.v1.DataPlaneService/PutRumEvents",
        "/grpc.health.v1.Health/Check",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    )
    async with running_service(settings_in(tmp_path, drain_s=8.0)) as service:
        channel = grpc.aio.insecure_channel(service.address)
        calls = [channel.stream_unary(method)(timeout=_TIMEOUT_S) for method in methods]
        for call in calls:
            await call.wait_for_connection()
        await create(channel)  # later than the calls
    async with channel:
        ends = [(await call.code(), await call.details()) for call in calls]

    assert ends == [(grpc.StatusCode.RESOURCE_EXHAUSTED, "The service stops.")] * 3
