"""grpc.health.v1 reports SERVING only while the store takes batches."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rum_service.rpc.health import StoreHealth
from rum_service.storage import open_store
from rum_service.storage.base import Store
from tests.support import http2

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
_TIMEOUT_S = 30.0
_WATCH = b"/grpc.health.v1.Health/Watch"
_NO_WINDOW = (4).to_bytes(2, "big") + (0).to_bytes(4, "big")
"""SETTINGS_INITIAL_WINDOW_SIZE: the client takes no bytes of a response."""


class Served:
    """The health service of a server, and a client of it."""

    def __init__(self, health: StoreHealth, socket: str, channel: grpc.aio.Channel) -> None:
        self.health = health
        self.socket = socket
        self.stub = health_pb2_grpc.HealthStub(channel)

    async def check(self, service: str = "") -> int:
        response = await self.stub.Check(health_pb2.HealthCheckRequest(service=service))
        return int(response.status)

    async def watch(self, service: str = "") -> AsyncIterator[int]:
        responses = self.stub.Watch(health_pb2.HealthCheckRequest(service=service))
        async for response in responses:
            yield response.status


@asynccontextmanager
async def served(
    check_writable: Callable[[], None], folder: Path, **settings: float
) -> AsyncIterator[Served]:
    async def check() -> None:
        await asyncio.to_thread(check_writable)

    health = StoreHealth(["rum.v1.DataPlaneService"], check, **settings)
    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    socket = f"{folder}/health.sock"
    server.add_insecure_port(f"unix:{socket}")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"unix:{socket}") as channel:
            async with asyncio.timeout(_TIMEOUT_S):
                yield Served(health, socket, channel)
    finally:
        await server.stop(None)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_store(f"sqlite:///{tmp_path / 'openrum.sqlite3'}")
    yield opened
    opened.close()


async def test_a_writable_store_is_serving(store: Store, tmp_path: Path) -> None:
    async with served(store.log.check_writable, tmp_path) as health:
        assert await health.check() == SERVING
        assert await health.check("rum.v1.DataPlaneService") == SERVING


async def test_a_locked_store_is_not_serving_until_it_is_unlocked(
    store: Store, tmp_path: Path
) -> None:
    """The check gives up after `timeout_s`; SQLite would wait 10 s for the write lock."""
    other = sqlite3.connect(tmp_path / "openrum.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with served(store.log.check_writable, tmp_path, timeout_s=0.1, every_s=0) as health:
        locked = await health.check(), await health.check("rum.v1.DataPlaneService")
        other.execute("ROLLBACK")
        while (status := await health.check()) != SERVING:
            pass
    other.close()

    assert locked == (NOT_SERVING, NOT_SERVING)
    assert status == SERVING


async def test_a_store_whose_write_check_fails_is_not_serving(store: Store, tmp_path: Path) -> None:
    broken = sqlite3.connect(tmp_path / "openrum.sqlite3")
    broken.execute("DROP TABLE write_checks")
    broken.close()
    async with served(store.log.check_writable, tmp_path) as health:
        assert await health.check() == NOT_SERVING


async def test_simultaneous_health_checks_share_one_write_check(tmp_path: Path) -> None:
    probes: list[None] = []
    async with served(lambda: probes.append(None), tmp_path, every_s=3600) as health:
        await asyncio.gather(*(health.check() for _ in range(20)))

    assert len(probes) == 1


async def test_a_hanging_write_check_is_not_started_again(tmp_path: Path) -> None:
    checks, recovered = [], threading.Event()

    def hang() -> None:
        checks.append(None)
        assert recovered.wait(_TIMEOUT_S)

    async with served(hang, tmp_path, timeout_s=0.01, every_s=0) as health:
        statuses = [await health.check() for _ in range(10)]
        checks_while_hanging = len(checks)
        recovered.set()
        while await health.check() != SERVING:
            pass

    assert statuses == [NOT_SERVING] * 10
    assert checks_while_hanging == 1


async def test_a_cancelled_health_check_leaves_its_write_check_to_the_next_one(
    tmp_path: Path,
) -> None:
    checks, begun, recovered = [], asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hang() -> None:
        checks.append(None)
        loop.call_soon_threadsafe(begun.set)
        assert recovered.wait(_TIMEOUT_S)

    async with served(hang, tmp_path) as health:
        for _ in range(10):
            call = health.stub.Check(health_pb2.HealthCheckRequest())
            await begun.wait()
            await asyncio.sleep(0)
            call.cancel()
        recovered.set()
        status = await health.check()

    assert status == SERVING
    assert len(checks) == 1


async def test_a_watch_whose_client_reads_nothing_blocks_no_other_call(tmp_path: Path) -> None:
    """The window of HTTP/2 says that the client takes 0 bytes."""
    statuses, watched = iter([True, False, True]), asyncio.Event()
    loop = asyncio.get_running_loop()

    def check() -> None:
        loop.call_soon_threadsafe(watched.set)
        if not next(statuses, True):
            raise OSError("no space left on device")

    async with served(check, tmp_path, every_s=0.01) as health:
        _, watcher = await asyncio.open_unix_connection(health.socket)
        watcher.write(http2.PREFACE + http2.frame(http2.SETTINGS, 0, 0, _NO_WINDOW))
        watcher.write(http2.continued_head(1, http2.call_head(path=_WATCH)))
        watcher.write(http2.message(1, b""))
        await watched.wait()
        while await health.check() != NOT_SERVING:
            pass
        while await health.check() != SERVING:
            pass
        health.health.drain()
        drained = await health.check()
        watcher.close()

    assert drained == NOT_SERVING


async def test_a_watch_ends_when_the_service_drains(tmp_path: Path) -> None:
    """Otherwise any client delays each stop of the service by OPENRUM_DRAIN_S."""
    async with served(lambda: None, tmp_path, every_s=60.0) as health:
        watch = health.stub.Watch(health_pb2.HealthCheckRequest())
        first = await watch.read()
        health.health.drain()
        others = []
        while (response := await watch.read()) is not grpc.aio.EOF:
            others.append(response.status)

    assert (first.status, others) == (SERVING, [NOT_SERVING])


async def test_watch_reports_when_the_store_fails_and_recovers(tmp_path: Path) -> None:
    fails = threading.Event()
    fails.set()

    def check() -> None:
        if fails.is_set():
            raise OSError("no space left on device")

    async with served(check, tmp_path, every_s=0.01) as health:
        statuses = health.watch()
        first = await anext(statuses)
        fails.clear()
        second = await anext(statuses)
        fails.set()
        third = await anext(statuses)
        await statuses.aclose()

    assert [first, second, third] == [NOT_SERVING, SERVING, NOT_SERVING]


async def test_a_draining_service_is_not_serving_although_its_store_is_writable(
    tmp_path: Path,
) -> None:
    async with served(lambda: None, tmp_path, every_s=0) as health:
        before = await health.check()
        health.health.drain()

        assert (before, await health.check()) == (SERVING, NOT_SERVING)


async def test_an_unknown_service_is_not_found(tmp_path: Path) -> None:
    async with served(lambda: None, tmp_path) as health:
        with pytest.raises(grpc.aio.AioRpcError) as rejected:
            await health.check("rum.v1.Nothing")

    assert rejected.value.code() == grpc.StatusCode.NOT_FOUND
