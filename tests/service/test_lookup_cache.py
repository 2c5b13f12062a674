"""The cache behind app monitors and credentials."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from rum_service.lookup_cache import LookupCache


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Database:
    """Records that a test sets. Counts queries, and blocks them until `go_on` is set."""

    def __init__(self, **records: int | Exception) -> None:
        self.records = records
        self.clock = Clock()
        self.id_reads = 0
        self.reads: list[set[str]] = []
        self.reading, self.go_on = asyncio.Event(), asyncio.Event()
        self.go_on.set()

    async def read_ids(self) -> list[str]:
        self.id_reads += 1
        return list(self.records)

    async def read(self, ids: Collection[str]) -> dict[str, int | Exception]:
        self.reads.append(set(ids))
        found = {record_id: self.records[record_id] for record_id in ids & self.records.keys()}
        self.reading.set()
        await self.go_on.wait()
        return found

    def cache(self) -> LookupCache[str, int]:
        return LookupCache(read_ids=self.read_ids, read=self.read, ttl_s=5, clock=self.clock)


async def test_expired_values_are_read_together() -> None:
    database = Database(a=1, b=2, c=3)
    cache = database.cache()
    for key in "abc":
        await cache.find(key)
    database.clock.now += 5
    database.reads.clear()

    assert [await cache.find(key) for key in "abc"] == [1, 2, 3]
    assert database.reads == [{"a", "b", "c"}]


async def test_a_value_is_read_once_until_it_expires() -> None:
    database = Database(a=1)
    cache = database.cache()

    assert [await cache.find("a") for _ in range(3)] == [1, 1, 1]
    assert cache.get("a") == 1
    assert database.reads == [{"a"}]

    database.clock.now += 5
    database.records["a"] = 2
    assert cache.get("a") is None
    assert await cache.find("a") == 2
    assert database.reads == [{"a"}, {"a"}]


async def test_an_expired_value_is_known_until_it_has_been_read_again() -> None:
    database = Database(a=1, b=1)
    cache = database.cache()
    await cache.load("ab")
    database.clock.now += 5
    database.records = {"a": 2}
    database.reading.clear()
    database.go_on.clear()
    finding = asyncio.create_task(cache.find("a"))
    await database.reading.wait()

    assert [cache.get(key) for key in "ab"] == [None, None]
    assert [cache.last(key) for key in "abc"] == [1, 1, None]

    database.go_on.set()
    assert await finding == 2
    assert [cache.last(key) for key in "ab"] == [2, None]


async def test_any_number_of_unknown_ids_costs_one_query_a_second() -> None:
    database = Database(a=1)
    cache = database.cache()
    for _ in range(3):
        for number in range(1000):
            assert await cache.find(f"unknown {number}") is None
        database.clock.now += 1

    assert (database.id_reads, database.reads) == (3, [])


async def test_unknown_ids_do_not_remove_cached_values() -> None:
    database = Database(a=1)
    cache = database.cache()
    await cache.find("a")
    for number in range(20_000):
        await cache.find(f"unknown {number}")

    assert cache.get("a") == 1


async def test_a_record_of_another_process_is_found_after_a_second() -> None:
    database = Database()
    cache = database.cache()
    await cache.find("unknown")
    database.records["new"] = 1

    assert await cache.find("new") is None
    database.clock.now += 1
    assert await cache.find("new") == 1


async def test_a_record_of_another_process_is_found_at_once_if_no_id_was_unknown() -> None:
    database = Database(a=1)
    cache = database.cache()
    await cache.find("a")
    database.clock.now += 1
    database.records["new"] = 2

    assert await cache.find("new") == 2


async def test_a_record_of_this_process_is_found_at_once() -> None:
    database = Database()
    cache = database.cache()
    await cache.find("new")
    database.records["new"] = 1
    cache.clear()

    assert await cache.find("new") == 1


async def test_a_record_that_another_process_deleted_costs_no_further_query() -> None:
    database = Database(a=1)
    cache = database.cache()
    await cache.find("a")
    del database.records["a"]
    database.clock.now += 5

    assert [await cache.find("a") for _ in range(3)] == [None, None, None]
    assert (database.id_reads, len(database.reads)) == (2, 2)


async def test_several_values_are_read_in_one_query() -> None:
    database = Database(a=1, b=2, c=3)
    cache = database.cache()
    await cache.find("a")
    await cache.load(["a", "b", "c", "unknown"])

    assert [await cache.find(key) for key in ("a", "b", "c", "unknown")] == [1, 2, 3, None]
    assert database.reads == [{"a"}, {"b", "c"}]


async def test_lookups_during_a_read_share_the_next_one() -> None:
    database = Database(a=1, b=2, c=3)
    cache = database.cache()
    database.go_on.clear()
    first = asyncio.create_task(cache.find("a"))
    await database.reading.wait()
    others = [asyncio.create_task(cache.find(key)) for key in ("b", "c", "b", "c")]
    await asyncio.sleep(0)
    database.go_on.set()

    assert await first == 1
    assert await asyncio.gather(*others) == [2, 3, 2, 3]
    assert database.reads == [{"a"}, {"b", "c"}]


async def test_a_cancelled_lookup_does_not_cancel_those_that_share_its_read() -> None:
    database = Database(a=1)
    cache = database.cache()
    database.go_on.clear()
    first, second = (asyncio.create_task(cache.find("a")) for _ in range(2))
    await database.reading.wait()
    first.cancel()
    database.go_on.set()

    assert await second == 1


async def test_one_value_that_cannot_be_read_fails_alone_and_is_not_kept() -> None:
    database = Database(a=1, bad=ValueError("damaged"))
    cache = database.cache()
    await cache.load(["a", "bad"])

    assert await cache.find("a") == 1
    with pytest.raises(ValueError, match="damaged"):
        await cache.find("bad")
    database.records["bad"] = 2
    assert await cache.find("bad") == 2


async def test_a_read_that_began_before_a_change_is_not_cached() -> None:
    database = Database(a=1)
    cache = database.cache()
    database.go_on.clear()
    reading = asyncio.create_task(cache.find("a"))
    await database.reading.wait()
    cache.clear()
    database.go_on.set()

    assert await reading == 1
    assert cache.get("a") is None
