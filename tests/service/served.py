"""A service in a thread, with a log that a test can block or break."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import grpc

from rum.internal.v1.bridge_service_pb2_grpc import BridgeServiceStub
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub
from rum.v1.data_plane_service_pb2_grpc import DataPlaneServiceStub
from rum_service.storage import open_store
from rum_service.storage.base import LogStore
from rum_service.storage.records import Appended, Batch
from tests.support.services import ACCOUNT, settings_in, started

MAX_APP_MONITORS = 12
MAX_WAITING_BYTES = 1 << 20
_TIMEOUT_S = 30.0

T = TypeVar("T")


class Stubs:
    """Stubs for the data plane, the bridge service and the control plane."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.data = DataPlaneServiceStub(channel)
        self.bridge = BridgeServiceStub(channel)
        self.control = ControlPlaneServiceStub(channel)


class LoopThread:
    """An event loop that runs in its own thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_TIMEOUT_S)

    def stop(self) -> None:
        self.run(_remaining_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _remaining_tasks() -> None:
    """Wait for the other tasks of the loop.

    `grpc.aio.Server.stop` returns before the tasks of the last calls end. If the loop closed then,
    their completions would fail another loop: grpc.aio has one poller for the process.
    """
    if remaining := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(remaining, timeout=_TIMEOUT_S)


class BlockableLog:
    """A log whose appends a test can block or make fail."""

    def __init__(self, log: LogStore) -> None:
        self._log = log
        self.broken = False
        self.appending = threading.Event()
        self.may_append = threading.Event()
        self.may_append.set()
        self.read = log.read
        self.dropped_events = log.dropped_events
        self.deleted_app_monitors = log.deleted_app_monitors
        self.purge = log.purge
        self.check_writable = log.check_writable
        self.maintain = log.maintain

    def append(self, batches: Sequence[Batch]) -> list[Appended]:
        self.appending.set()
        assert self.may_append.wait(_TIMEOUT_S)
        if self.broken:
            raise OSError("no space left on device")
        return self._log.append(batches)


@contextmanager
def served(loop: LoopThread, folder: Path, socket: str) -> Iterator[BlockableLog]:
    """Run a service that listens on a Unix socket, and yield its log."""
    settings = settings_in(
        folder,
        account_id=ACCOUNT,
        socket=socket,
        max_app_monitors=MAX_APP_MONITORS,
        max_waiting_bytes=MAX_WAITING_BYTES,
    )
    store = open_store(settings.database_url)
    log = BlockableLog(store.log)
    running = started(replace(store, log=log), settings, listening=True)
    loop.run(running.__aenter__())
    try:
        yield log
    finally:
        log.may_append.set()
        loop.run(running.__aexit__(None, None, None))
        store.close()
