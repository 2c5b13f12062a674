"""Where the CPU of a put goes, function by function.

Everything runs in this process, without a network: CPU of one thread, in microseconds for each
put. Usage: python -m bench.stages
"""

from __future__ import annotations

__all__ = ["MONITOR_ID", "SIZES", "batch_count", "decode", "each_us", "stage_table"]

import asyncio
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, cast

import grpc.aio
import uvloop
from google.rpc.status_pb2 import Status
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.corpus import json_batches, message_batches
from bench.signed_stages import signed_stages
from rum.internal.v1.bridge_service_pb2 import BatchPutRumEventsResponse
from rum.v1.control_plane_service_pb2 import CreateAppMonitorRequest
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_bridge.app import create_app
from rum_bridge.json_text import parse_json
from rum_bridge.puts.codec import decode_put
from rum_bridge.settings import BridgeSettings
from rum_bridge.upstream.channel import Channels
from rum_service.composition.service import Service
from rum_service.ingest.validation import validate
from rum_service.storage import open_store
from rum_service.storage.base import Store
from rum_service.storage.payload import stored_form
from rum_service.storage.records import Batch
from tests.support.batches import put_of
from tests.support.services import settings_in, started

SIZES = (1, 50)
_ROUNDS = 5
_BATCHES = 160
_GROUPS = (16, 4, 1)
MONITOR_ID = "7f6bd4b0-5c3e-4a53-9c7e-3a1d2b0c9e11"
_MAX_EVENTS = 10_000


def stage_table(scale: float = 1.0) -> str:
    """Measure and return a Markdown table of the stages of a put.

    Args:
        scale: the share of the usual number of batches to measure.
    """
    count = batch_count(scale)
    measured = {events: uvloop.run(_stages(events, count)) for events in SIZES}
    head = "| CPU µs for each put | 1 event | 50 events |\n|---|---|---|\n"
    return head + "\n".join(
        f"| {stage} | " + " | ".join(f"{measured[events][stage]:.1f}" for events in SIZES) + " |"
        for stage in measured[SIZES[0]]
    )


def batch_count(scale: float) -> int:
    """Return how many batches to measure with: enough for one group."""
    return max(*_GROUPS, round(_BATCHES * scale))


async def _stages(events: int, count: int) -> dict[str, float]:
    messages = list(islice(message_batches(events, MONITOR_ID), count))
    bodies = list(islice(json_batches(events), count))
    requests = [PutRumEventsRequest.FromString(message) for message in messages]
    documents = [parse_json(body) for body in bodies]
    batches = [_batch(message, events) for message in messages]
    stages = {
        "bridge: Starlette no-op that reads the body": await _asgi_us(_no_op(), bodies),
        "bridge: the whole put": await _bridge_us(bodies),
        "bridge: parse the JSON": each_us(parse_json, bodies),
        "bridge: build and serialize the message": each_us(decode, documents),
        **signed_stages(each_us, MONITOR_ID, events, count),
        "service: parse the message": each_us(PutRumEventsRequest.FromString, messages),
        "service: validate": each_us(_validate, requests),
        "service: from the bytes to the response, event loop": await _ingest_us(events, count),
        "writer: compress and build the row": each_us(stored_form, batches),
    }
    for size in _GROUPS:
        stages[f"writer: the whole append, in groups of {size}"] = _append_us(events, size, count)
    return stages


def _validate(request: PutRumEventsRequest) -> object:
    return validate(request, max_events=_MAX_EVENTS)


def decode(document: dict[str, Any]) -> bytes:
    """Return the message for a parsed JSON document, as the bridge builds it."""
    return decode_put(MONITOR_ID, document, MONITOR_ID)


def each_us(function: Callable[[Any], object], arguments: Sequence[Any]) -> float:
    """Return the CPU of a call of `function`, in microseconds: the median of several rounds."""

    def run() -> None:
        for argument in arguments:
            function(argument)

    return median(_thread_us(run) for _ in range(_ROUNDS)) / len(arguments)


def _thread_us(run: Callable[[], object]) -> float:
    before = time.thread_time()
    run()
    return (time.thread_time() - before) * 1e6


async def _awaited_us(
    act: Callable[[Any], Awaitable[object]], arguments: Sequence[Any], together: int
) -> float:
    """Return the CPU of this thread for each call, with several calls at the same time."""
    before = time.thread_time()
    for start in range(0, len(arguments), together):
        await asyncio.gather(*map(act, arguments[start : start + together]))
    return (time.thread_time() - before) * 1e6 / len(arguments)


async def _ingest_us(events: int, count: int) -> float:
    """Return the event loop's part of a put. The database commits as usual, in its thread."""
    async with _service() as (service, _):
        monitor = CreateAppMonitorRequest(name="bench", domain="localhost")
        monitor_id = await service.app_monitors.create(monitor)
        results = []
        batches = message_batches(events, monitor_id)
        for _ in range(_ROUNDS + 1):  # the first round fills caches
            puts = [
                put_of(PutRumEventsRequest.FromString(message))
                for message in islice(batches, count)
            ]
            results.append(await _awaited_us(service.ingest.put, puts, together=32))
        return median(results[1:])


def _append_us(events: int, size: int, count: int) -> float:
    """Return the CPU of the writer's thread for each batch."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/bench.sqlite3")
        results = []
        messages = message_batches(events, MONITOR_ID)
        for _ in range(_ROUNDS):
            batches = [_batch(message, events) for message in islice(messages, count)]

            def append(batches: list[Batch] = batches) -> None:
                for start in range(0, len(batches), size):
                    store.log.append(batches[start : start + size])

            results.append(_thread_us(append) / count)
        store.close()
        return median(results)


@asynccontextmanager
async def _service() -> AsyncIterator[tuple[Service, Store]]:
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_in(Path(folder))
        store = open_store(settings.database_url)
        async with started(store, settings) as service:
            yield service, store
        store.close()


def _batch(content: bytes, events: int) -> Batch:
    return Batch(
        app_monitor=1,
        batch_id=uuid.uuid4().bytes,
        received_ms=0,
        first_ms=0,
        last_ms=0,
        event_count=events,
        content=content,
    )


async def _bridge_us(bodies: list[bytes]) -> float:
    """Return the bridge's CPU for a put that waits for nobody, without the call of the service."""
    with tempfile.TemporaryDirectory() as folder:
        settings = BridgeSettings(bridge_token_file=Path(folder, "bridge.token"))
        settings.bridge_token_file.write_text("a token")
        channel = cast(grpc.aio.Channel, _Channel())
        return await _asgi_us(create_app(settings, Channels(channel, channel)), bodies)


class _Channel:
    """Answers every call at once: one batch is stored."""

    def unary_unary(
        self, _method: str, response_deserializer: Callable[[bytes], object] = bytes, **_: object
    ) -> Callable[..., Awaitable[object]]:
        answer = BatchPutRumEventsResponse(statuses=[Status()]).SerializeToString()

        async def call(_request: object, **_options: object) -> object:
            return response_deserializer(answer)

        return call

    def unary_stream(self, *_: object, **__: object) -> None:
        """Nothing here streams."""


def _no_op() -> Starlette:
    async def post(request: Request) -> Response:
        await request.body()
        return Response()

    return Starlette(routes=[Route("/appmonitors/{Id}", post, methods=["POST"])])


async def _asgi_us(app: Any, bodies: Sequence[bytes]) -> float:
    async def put(body: bytes) -> None:
        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            if message.get("status", 200) != 200:
                raise RuntimeError(f"the application answered {message}")

        await app(_scope(len(body)), receive, send)

    results = [await _awaited_us(put, bodies, together=1) for _ in range(_ROUNDS)]
    return median(results)


def _scope(length: int) -> dict[str, object]:
    path = f"/appmonitors/{MONITOR_ID}"
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"host", b"127.0.0.1:8080"),
            (b"content-type", b"application/json"),
            (b"content-length", str(length).encode()),
            (b"origin", b"http://localhost:8000"),
            (b"user-agent", b"Mozilla/5.0"),
        ],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8080),
        "state": {},
    }


if __name__ == "__main__":
    print(stage_table())
