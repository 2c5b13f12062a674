"""Deadlines: items expire in time, oldest first, with one timer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from rum_bridge.limits.deadlines import Deadlines

_TIMEOUT_S = 0.05


class _Expired:
    """The items that have expired, and when."""

    def __init__(self) -> None:
        self.items: list[str] = []
        self.times: list[float] = []
        self.changed = asyncio.Condition()

    def __call__(self, item: str) -> None:
        self.items.append(item)
        self.times.append(asyncio.get_running_loop().time())

    async def wait_for(self, count: int) -> None:
        """Wait until this many items have expired."""
        async with asyncio.timeout(10):
            while len(self.items) < count:
                await asyncio.sleep(_TIMEOUT_S / 10)


@pytest.fixture
async def expired() -> AsyncIterator[_Expired]:
    yield _Expired()


async def test_items_expire_oldest_first_and_not_before_their_deadline(expired: _Expired) -> None:
    deadlines = Deadlines(_TIMEOUT_S, expired)
    loop = asyncio.get_running_loop()
    added = []
    for item in ("a", "b", "c"):
        added.append(loop.time())
        deadlines.add(item)
        await asyncio.sleep(_TIMEOUT_S / 5)
    await expired.wait_for(3)

    assert expired.items == ["a", "b", "c"]
    assert all(time - start >= _TIMEOUT_S for time, start in zip(expired.times, added, strict=True))


async def test_a_removed_item_does_not_expire(expired: _Expired) -> None:
    deadlines = Deadlines(_TIMEOUT_S, expired)
    for item in ("a", "b", "c"):
        deadlines.add(item)
    deadlines.remove("a")
    deadlines.remove("c")
    await expired.wait_for(1)

    assert expired.items == ["b"]


async def test_an_item_can_be_added_after_the_timer_has_stopped(expired: _Expired) -> None:
    deadlines = Deadlines(_TIMEOUT_S, expired)
    deadlines.add("a")
    await expired.wait_for(1)
    deadlines.remove("a")
    deadlines.add("a")
    await expired.wait_for(2)

    assert expired.items == ["a", "a"]


async def test_an_expired_item_can_add_and_remove_others() -> None:
    outcome: list[str] = []

    def expire(item: str) -> None:
        outcome.append(item)
        deadlines.remove("b")
        if item == "a":
            deadlines.add("c")

    deadlines = Deadlines(_TIMEOUT_S, expire)
    deadlines.add("a")
    async with asyncio.timeout(10):
        while "c" not in outcome:
            await asyncio.sleep(_TIMEOUT_S / 10)

    assert outcome == ["a", "c"]


async def test_other_items_expire_after_one_that_fails(expired: _Expired) -> None:
    def expire(item: str) -> None:
        expired(item)
        if item == "a":
            raise ValueError

    failures: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))
    deadlines = Deadlines(_TIMEOUT_S, expire)
    for item in ("a", "b"):
        deadlines.add(item)
    await expired.wait_for(2)
    deadlines.add("c")
    await expired.wait_for(3)

    assert expired.items == ["a", "b", "c"]
    assert [type(failure) for failure in failures] == [ValueError]
