"""Puts while the service is down, killed, restarted or hanging: stored once or rejected in time."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc.aio
import pytest

from rum.internal.v1 import bridge_service_pb2 as pb
from rum.internal.v1.bridge_service_pb2_grpc import BridgeServiceStub
from rum_bridge.errors import HttpError
from rum_bridge.puts.coalesce import Coalescer
from rum_bridge.upstream.batch_put import GrpcBatchPut
from rum_bridge.upstream.channel import CHANNEL_OPTIONS, BridgeToken
from tests.bridge.conftest import Bridge
from tests.bridge.standin import StandIn
from tests.bridge.wire import Response, send
from tests.support.batches import batch, message, new_id
from tests.support.running import OpenRum

_UNAVAILABLE = {503, 504}

NO_TOKEN = BridgeToken(Path("there-is-none"))


@pytest.fixture
async def channel(standin: StandIn) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(standin.address, options=CHANNEL_OPTIONS) as channel:
        yield channel


def _post(url: str, monitor_id: str, body: Any = None) -> asyncio.Task[Response]:
    body = batch() if body is None else body
    return asyncio.create_task(asyncio.to_thread(send, url, f"/appmonitors/{monitor_id}", body))


def _entry() -> bytes:
    entry = pb.BatchPutRumEventsEntry(request=message(new_id()).SerializeToString())
    return pb.BatchPutRumEventsRequest(entries=[entry]).SerializeToString()


async def test_a_put_is_stored_once_if_the_service_dies_after_the_commit(
    standin: StandIn, bridge: Bridge, openrum: OpenRum, rum: Any
) -> None:
    """The batch is committed and the response is lost."""
    committed, never = asyncio.Event(), asyncio.Event()
    body = batch(3)
    async with grpc.aio.insecure_channel(openrum.grpc) as real:
        store = BridgeServiceStub(real)

        async def commit_and_hang(
            request: pb.BatchPutRumEventsRequest,
        ) -> pb.BatchPutRumEventsResponse:
            response = await store.BatchPutRumEvents(request)
            committed.set()
            await never.wait()
            return response

        standin.respond = commit_and_hang
        async with bridge() as url:
            put = _post(url, openrum.monitor_id(), body)
            await committed.wait()
            await standin.stop()
            standin.respond = store.BatchPutRumEvents  # type: ignore[assignment]
            await standin.start()
            response = await put

    assert response.status == 200
    assert len(standin.calls) == 2
    page = rum.get_app_monitor_data(Name="my-app", TimeRange={"After": 0})
    stored = [json.loads(event) for event in page["Events"]]
    assert [body["BatchId"]] * 3 == [event["batch_id"] for event in stored]


async def test_a_put_waits_for_a_service_that_starts_later(
    standin: StandIn, bridge: Bridge
) -> None:
    await standin.stop()
    async with bridge() as url:
        put = _post(url, new_id())
        await standin.start()

        assert (await put).status == 200


async def test_without_a_service_a_put_is_rejected_at_its_time_limit(
    standin: StandIn, bridge: Bridge
) -> None:
    await standin.stop()
    async with bridge(put_timeout_s=0.3) as url:
        response = await _post(url, new_id())

        assert response.status in _UNAVAILABLE
        assert response.error_type == "ServiceUnavailable"
        assert response.headers["Retry-After"] == "1"
        assert response.headers["x-amzn-RequestId"]
        assert response.message


async def test_without_a_service_all_waiting_puts_are_rejected_at_one_time_limit(
    standin: StandIn, channel: grpc.aio.Channel
) -> None:
    """They would need ten calls: two at a time, with a limit for each, would take five limits."""
    await standin.stop()
    size = 10 * 256 * len(_entry())
    coalescer = Coalescer(GrpcBatchPut(channel, NO_TOKEN), max_waiting_bytes=size, timeout_s=1.0)
    puts = [asyncio.create_task(coalescer.put("shop", _entry())) for _ in range(10 * 256)]
    began = time.monotonic()
    errors = await asyncio.gather(*puts, return_exceptions=True)

    assert time.monotonic() - began < 2.5
    assert {type(error) for error in errors} == {HttpError}
    assert {error.status for error in errors if isinstance(error, HttpError)} <= _UNAVAILABLE


async def test_the_queue_is_empty_after_an_outage(
    standin: StandIn, channel: grpc.aio.Channel
) -> None:
    await standin.stop()
    coalescer = Coalescer(
        GrpcBatchPut(channel, NO_TOKEN), max_waiting_bytes=3 * len(_entry()), timeout_s=0.2
    )
    await asyncio.gather(
        *(coalescer.put("shop", _entry()) for _ in range(3)), return_exceptions=True
    )
    await standin.start()
    async with asyncio.timeout(20):
        while True:
            puts = [coalescer.put("shop", _entry()) for _ in range(3)]
            if await asyncio.gather(*puts, return_exceptions=True) == [None] * 3:
                break


async def test_a_put_is_rejected_at_its_time_limit_if_the_service_hangs(
    standin: StandIn, bridge: Bridge
) -> None:
    never = asyncio.Event()

    async def hang(_: pb.BatchPutRumEventsRequest) -> pb.BatchPutRumEventsResponse:
        await never.wait()
        raise AssertionError

    standin.respond = hang
    async with bridge(put_timeout_s=0.3) as url:
        response = await _post(url, new_id())

    assert (response.status, response.error_type) == (504, "ServiceUnavailable")


async def test_without_a_service_the_control_plane_fails_at_once(
    standin: StandIn, bridge: Bridge
) -> None:
    await standin.stop()
    async with bridge() as url:
        response = await asyncio.to_thread(send, url, "/appmonitors")

    assert (response.status, response.error_type) == (503, "ServiceUnavailable")
    assert response.headers["Retry-After"] == "1"
