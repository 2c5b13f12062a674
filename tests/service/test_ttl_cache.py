"""The cache behind app monitors and credentials."""

from __future__ import annotations

import asyncio

from rum_service.ttl_cache import TtlCache


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Loads:
    """Counts loads; returns 1, 2, 3 and so on."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self) -> int:
        self.count += 1
        return self.count


async def test_a_value_is_loaded_once_until_it_expires() -> None:
    clock, load = Clock(), Loads()
    cache = TtlCache[str, int](ttl_s=5, max_entries=10, clock=clock)

    assert [await cache.get_or_load("a", load) for _ in range(3)] == [1, 1, 1]

    clock.now += 5
    assert cache.get("a") is None
    assert await cache.get_or_load("a", load) == 2


async def test_a_load_that_began_before_a_change_is_not_cached() -> None:
    cache = TtlCache[str, int](ttl_s=5, max_entries=10, clock=Clock())
    started, finish = asyncio.Event(), asyncio.Event()

    async def slow() -> int:
        started.set()
        await finish.wait()
        return 1

    loading = asyncio.create_task(cache.get_or_load("a", slow))
    await started.wait()
    cache.clear()
    finish.set()

    assert await loading == 1
    assert cache.get("a") is None


async def test_a_full_cache_is_emptied() -> None:
    load = Loads()
    cache = TtlCache[int, int](ttl_s=5, max_entries=3, clock=Clock())

    for key in range(4):
        await cache.get_or_load(key, load)

    assert [cache.get(key) for key in range(4)] == [None, None, None, 4]
