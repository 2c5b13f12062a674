"""Puts that would wait too long, and puts whose client does not wait any more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack

import grpc.aio
import pytest
from starlette.types import Message, Scope

from rum.internal.v1 import bridge_service_pb2 as pb
from rum_bridge.accounting import PutAccounting
from rum_bridge.batch_put import GrpcBatchPut
from rum_bridge.caller import CallerReport
from rum_bridge.channel import CHANNEL_OPTIONS
from rum_bridge.coalesce import Coalescer
from rum_bridge.errors import HttpError
from rum_bridge.known_monitors import KnownMonitors
from rum_bridge.put_events import PutEvents
from rum_bridge.settings import BridgeSettings
from tests.bridge.conftest import Bridge
from tests.bridge.standin import StandIn, all_ok
from tests.bridge.test_coalesce import NO_TOKEN
from tests.bridge.wire import connect, send
from tests.support.batches import batch, new_id

_SHOP, _BLOG = new_id(), new_id()
_CALL_S = 0.5


@pytest.fixture
async def channel(standin: StandIn) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(standin.address, options=CHANNEL_OPTIONS) as channel:
        yield channel


def _coalescer(channel: grpc.aio.Channel) -> Coalescer:
    batch_put = GrpcBatchPut(channel, NO_TOKEN)
    return Coalescer(batch_put, max_waiting_bytes=64 << 20, timeout_s=10.0)


@pytest.fixture
def open_gate(standin: StandIn) -> Callable[[], None]:
    """Make the stand-in hold its responses, and return a function that ends this."""
    gate = asyncio.Event()

    async def respond(request: pb.BatchPutRumEventsRequest) -> pb.BatchPutRumEventsResponse:
        await gate.wait()
        return await all_ok(request)

    standin.respond = respond
    return gate.set


async def _entries_wait(standin: StandIn, coalescer: Coalescer, count: int) -> asyncio.Task[None]:
    """Let entries for one app monitor wait behind two calls, after a slow call."""

    async def respond(request: pb.BatchPutRumEventsRequest) -> pb.BatchPutRumEventsResponse:
        await asyncio.sleep(_CALL_S)
        return await all_ok(request)

    standin.respond = respond
    entry = pb.BatchPutRumEventsRequest(entries=[pb.BatchPutRumEventsEntry()]).SerializeToString()
    await asyncio.gather(coalescer.put(_SHOP, entry), coalescer.put(_BLOG, entry))
    earlier = len(standin.calls)
    puts = [coalescer.put(_SHOP, entry) for _ in range(2 * 256 + count)]
    together = asyncio.gather(*puts)
    while len(standin.calls) < earlier + 2:
        await standin.arrived.acquire()
    return asyncio.ensure_future(together)  # type: ignore[arg-type]


async def test_a_put_that_would_wait_too_long_is_rejected(
    standin: StandIn, channel: grpc.aio.Channel
) -> None:
    coalescer = _coalescer(channel)
    waiting = await _entries_wait(standin, coalescer, 8 * 256)
    coalescer.check(_BLOG)  # its turn comes soon
    with pytest.raises(HttpError) as error:
        coalescer.check(_SHOP)
    standin.respond = all_ok
    await waiting

    rejected = error.value
    assert (rejected.status, rejected.error_type) == (429, "ThrottlingException")
    assert rejected.retry_after_s in (2, 3)
    coalescer.check(_SHOP)


async def test_what_fits_into_the_next_calls_is_accepted_however_slow_they_are(
    standin: StandIn, channel: grpc.aio.Channel
) -> None:
    coalescer = _coalescer(channel)
    waiting = await _entries_wait(standin, coalescer, 2 * 256)
    coalescer.check(_SHOP)
    standin.respond = all_ok
    await waiting


async def test_the_body_of_a_put_that_would_wait_too_long_is_not_read(
    standin: StandIn, channel: grpc.aio.Channel
) -> None:
    coalescer = _coalescer(channel)
    settings = BridgeSettings()
    monitors = KnownMonitors(channel, NO_TOKEN, timeout_s=1.0)
    report = CallerReport(authorization_required=False)
    endpoint = PutEvents(coalescer, monitors, PutAccounting(), report, settings)
    statuses = []

    async def receive() -> Message:
        raise AssertionError("the body is read")

    async def send_message(message: Message) -> None:
        statuses.append(message.get("status"))

    waiting = await _entries_wait(standin, coalescer, 8 * 256)
    scope: Scope = {"type": "http", "headers": [], "client": None}
    await endpoint.serve(_SHOP, scope, receive, send_message)
    standin.respond = all_ok
    await waiting

    assert statuses == [429, None]


async def test_a_put_whose_client_disconnects_while_it_waits_is_not_sent(
    bridge: Bridge, standin: StandIn, open_gate: Callable[[], None]
) -> None:
    body = json.dumps(batch()).encode()
    path = f"/appmonitors/{_SHOP}"
    request = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"

    def put(url: str, stack: ExitStack) -> None:
        stack.enter_context(connect(url)).sendall(request.encode() + body)

    def disconnect(url: str) -> None:
        with ExitStack() as stack:
            put(url, stack)
            # The bridge responds to this after it has read the put, and later after the end.
            assert send(url, "/healthz", method="GET").status == 200
        assert send(url, "/healthz", method="GET").status == 200

    async with bridge() as url:
        with ExitStack() as stack:
            for _ in range(2):
                await asyncio.to_thread(put, url, stack)
                await standin.arrived.acquire()
            await asyncio.to_thread(disconnect, url)
            last = asyncio.create_task(asyncio.to_thread(send, url, path, batch()))
            open_gate()
            assert (await last).status == 200

    assert [len(call) for call in standin.calls] == [1, 1, 1]
