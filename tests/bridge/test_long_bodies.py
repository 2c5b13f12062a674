"""Long bodies are decoded in a thread, one at a time, within the budget."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

from rum_bridge.errors import HttpError
from rum_bridge.limits.budget import ByteBudget
from rum_bridge.puts.long_bodies import LONG_BYTES, LongBodies
from tests.bridge.conftest import Bridge
from tests.bridge.standin import StandIn
from tests.bridge.wire import send
from tests.support.batches import batch, new_id


async def test_the_event_loop_runs_while_a_body_is_decoded() -> None:
    bodies = LongBodies(ByteBudget(1 << 20))
    ran = threading.Event()
    asyncio.get_running_loop().call_soon(ran.set)

    assert await bodies.run(b"body", lambda: ran.wait(10))


async def test_bodies_are_decoded_one_at_a_time_in_their_order() -> None:
    bodies = LongBodies(ByteBudget(1 << 20))
    events: list[str] = []

    def decode(name: str) -> str:
        events.append(f"begin {name}")
        events.append(f"end {name}")
        return name

    results = await asyncio.gather(*(bodies.run(b"x", lambda n=n: decode(n)) for n in "abc"))

    assert results == ["a", "b", "c"]
    assert events == [f"{what} {name}" for name in "abc" for what in ("begin", "end")]


async def test_waiting_bodies_count_against_the_budget() -> None:
    budget = ByteBudget(100)
    bodies = LongBodies(budget)
    go_on = threading.Event()
    first = asyncio.create_task(bodies.run(b"x" * 50, lambda: go_on.wait(10)))
    await asyncio.sleep(0)
    with pytest.raises(HttpError) as raised:
        await bodies.run(b"x", bool)
    used = budget.used
    go_on.set()
    await first

    assert (used, raised.value.status, budget.used) == (50, 429, 0)


async def test_so_many_bodies_wait_as_are_decoded_in_a_second() -> None:
    bodies = LongBodies(ByteBudget(1 << 20))
    go_on = threading.Event()
    waiting = [asyncio.create_task(bodies.run(b"x", lambda: go_on.wait(10))) for _ in range(24)]
    await asyncio.sleep(0)
    with pytest.raises(HttpError) as raised:
        await bodies.run(b"x", bool)
    go_on.set()

    assert raised.value.error_type == "ThrottlingException"
    assert all(await asyncio.gather(*waiting))
    assert await bodies.run(b"x", lambda: True)


async def test_what_decoding_raises_reaches_the_caller_and_frees_the_budget() -> None:
    budget = ByteBudget(1 << 20)

    def fail() -> None:
        raise HttpError(400, "ValidationException", "")

    with pytest.raises(HttpError):
        await LongBodies(budget).run(b"body", fail)

    assert budget.used == 0


@pytest.mark.parametrize("padding", [0, LONG_BYTES], ids=["short", "long"])
async def test_long_and_short_bodies_are_stored(
    bridge: Bridge, standin: StandIn, padding: int
) -> None:
    body = json.dumps(batch()).encode() + b" " * padding
    path = f"/appmonitors/{new_id()}"
    async with bridge() as url:
        stored = await asyncio.to_thread(send, url, path, body, headers={"Origin": "x"})
        broken = await asyncio.to_thread(send, url, path, b"{" + body, headers={"Origin": "x"})

    assert len(standin.calls) == 1
    assert (stored.status, broken.status) == (200, 400)
    assert broken.message == "The body is not JSON."
