"""The bytes of all requests in progress have one limit."""

from __future__ import annotations

import asyncio
import json
import select
import socket
from contextlib import ExitStack

import pytest

from rum.internal.v1 import bridge_service_pb2 as pb
from rum_bridge.errors import HttpError
from rum_bridge.limits.budget import ByteBudget
from tests.bridge.conftest import Bridge
from tests.bridge.standin import StandIn, all_ok
from tests.bridge.wire import Response, connect, expect_error, read_response, send
from tests.support.batches import batch, new_id

_BUDGET = 1 << 20
_PATH = f"/appmonitors/{new_id()}"
_UNFINISHED = (
    f"POST {_PATH} HTTP/1.1\r\nHost: x\r\nOrigin: x\r\nContent-Length: 2000000\r\n\r\n".encode()
)


def _long_batch(size: int) -> bytes:
    return json.dumps(batch(SessionMetadata=" " * size)).encode()


def _unfinished(url: str, size: int, stack: ExitStack) -> socket.socket:
    """Send a part of a body."""
    connection = stack.enter_context(connect(url))
    connection.sendall(_UNFINISHED + b" " * size)
    return connection


async def test_unfinished_bodies_over_the_budget_are_rejected(bridge: Bridge) -> None:
    def run(url: str) -> tuple[Response, Response]:
        with ExitStack() as stack:
            connections = [_unfinished(url, 200_000, stack) for _ in range(3)]
            [rejected], _, _ = select.select(connections, [], [], 20)
            return read_response(rejected), send(url, _PATH, batch())

    async with bridge(max_waiting_bytes=_BUDGET) as url:
        rejected, small = await asyncio.to_thread(run, url)
        later = await asyncio.to_thread(send, url, _PATH, _long_batch(500_000))

    expect_error(rejected, 429, "ThrottlingException")
    assert rejected.headers["Retry-After"] == "1"
    assert (small.status, later.status) == (200, 200)


async def test_bodies_that_are_read_and_batches_that_wait_share_the_budget(
    bridge: Bridge, standin: StandIn
) -> None:
    answer = asyncio.Event()

    async def respond(request: pb.BatchPutRumEventsRequest) -> pb.BatchPutRumEventsResponse:
        await answer.wait()
        return await all_ok(request)

    standin.respond = respond
    async with bridge(max_waiting_bytes=_BUDGET) as url:
        waiting = asyncio.create_task(asyncio.to_thread(send, url, _PATH, _long_batch(500_000)))
        await standin.arrived.acquire()
        rejected = await asyncio.to_thread(send, url, _PATH, _long_batch(500_000))
        answer.set()
        stored = await waiting

    assert (stored.status, rejected.status) == (200, 429)


def test_a_long_body_uses_at_most_half_of_the_budget() -> None:
    budget = ByteBudget(100)
    budget.reserve(50, is_long=True)
    with pytest.raises(HttpError) as error:
        budget.reserve(1, is_long=True)
    budget.reserve(50)

    assert (error.value.status, error.value.retry_after_s, budget.used) == (429, 1, 100)
    with pytest.raises(HttpError):
        budget.reserve(1)
    budget.release(100)
    assert budget.used == 0


def test_an_unused_budget_accepts_any_size() -> None:
    """Otherwise a request over the limit could never succeed."""
    budget = ByteBudget(100)
    budget.reserve(1000)

    assert budget.used == 1000
