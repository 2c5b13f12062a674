"""A projection of a real log, behind the real servicer on a Unix socket."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from rum.v1 import insight_service_pb2
from rum.v1.insight_service_pb2_grpc import add_InsightServiceServicer_to_server
from rum_projector.engines.duckdb import open_duckdb
from rum_projector.insight.servicer import InsightServicer
from rum_projector.projection import Projection
from rum_service.storage import open_store
from rum_service.storage.records import Batch
from tests.insight.visits import Stored
from tests.service.served import LoopThread

ACCOUNT = "123456789012"
_METHODS = insight_service_pb2.DESCRIPTOR.services_by_name["InsightService"].methods_by_name
_TIMEOUT_S = 30.0


class Asked:
    """A log, its projection, and a client of InsightService."""

    def __init__(self, folder: Path, *, max_query_s: float = 5.0) -> None:
        self.now_s = time.time()
        self.store = open_store(f"sqlite:///{folder / 'log.sqlite3'}")
        self.engine, _ = open_duckdb(
            folder / "insight.duckdb", name="log", memory_bytes=256 << 20, newest=0, now_ms=0
        )
        self.projection = Projection(self.store, self.engine, clock=lambda: self.now_s)
        self.threads = ThreadPoolExecutor(2)
        self.servicer = InsightServicer(
            self.engine,
            self.store,
            self.threads,
            freshness=self.projection.freshness,
            clock=lambda: self.now_s,
            max_query_s=max_query_s,
        )
        self.target = f"unix:{folder / 'projector.sock'}"

    async def start(self) -> None:
        self._server = grpc.aio.server()
        add_InsightServiceServicer_to_server(self.servicer, self._server)
        self._server.add_insecure_port(self.target)
        await self._server.start()

    async def stop(self) -> None:
        await self._server.stop(None)

    def create(self, name: str) -> int:
        """Create an app monitor and return its key."""
        return self.store.monitors.create(str(uuid.uuid4()), name, "{}").key

    def put(self, monitor: int, batches: Iterable[Stored]) -> None:
        """Append batches to the log, and project them."""
        self.store.log.append([_record(monitor, stored) for stored in batches])
        while self.projection.step():
            pass
        # Some hours are added up, and others are not.
        self.engine.add_up_hours(limit=17)

    def ask(self, rpc: str, request: Message, monitor: int = 1) -> Any:
        """Return the response of a call as the service forwards it. Raises grpc.RpcError."""
        kind = GetMessageClass(_METHODS[rpc].output_type)
        metadata = [("rum-app-monitor-key", str(monitor)), ("rum-account-id", ACCOUNT)]
        with grpc.insecure_channel(self.target) as channel:
            call = channel.unary_unary(
                f"/rum.v1.InsightService/{rpc}",
                request_serializer=type(request).SerializeToString,
                response_deserializer=kind.FromString,
            )
            return call(request, metadata=metadata, timeout=_TIMEOUT_S)

    def failure(self, rpc: str, request: Message) -> str:
        """Return code and text of the error of a call."""
        try:
            self.ask(rpc, request)
        except grpc.RpcError as error:
            return f"{error.code().name}: {error.details()}"
        return "OK"


def _record(monitor: int, stored: Stored) -> Batch:
    times = [round(event.timestamp * 1000) for event in stored.request.rum_events]
    return Batch(
        app_monitor=monitor,
        batch_id=uuid.UUID(stored.request.batch_id).bytes,
        received_ms=stored.received_ms,
        first_ms=min(times),
        last_ms=max(times),
        event_count=len(times),
        content=stored.request.SerializeToString(),
        country=stored.country,
    )


@contextmanager
def asked(loop: LoopThread, folder: Path, **options: Any) -> Iterator[Asked]:
    """Run a projection that answers calls."""
    found = Asked(folder, **options)
    loop.run(found.start())
    try:
        yield found
    finally:
        loop.run(found.stop())
        found.threads.shutdown()
        found.engine.close()
        found.store.close()
