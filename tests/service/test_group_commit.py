"""Group commit: many batches, one transaction, and an answer for every caller."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from rum_service.errors import ThrottlingException
from rum_service.ingest.group_commit import GroupCommit, Outcome
from rum_service.storage.records import Appended, Batch
from tests.support.logged import content, contents, logged
from tests.support.memory_store import MemoryLog
from tests.support.memory_tables import MemoryTables

_TIMEOUT_S = 30.0


class Store:
    """A store whose appends wait at a gate, so that a test decides what waits behind them."""

    def __init__(self, fails: Callable[[Batch], bool] = lambda _: False) -> None:
        self.memory = MemoryLog(MemoryTables())
        self.groups: list[int] = []
        self.gate = threading.Event()
        self.at_gate = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._fails = fails

    def append(self, batches: Sequence[Batch]) -> list[Appended]:
        self.groups.append(len(batches))
        self._loop.call_soon_threadsafe(self.at_gate.set)
        assert self.gate.wait(_TIMEOUT_S)
        if any(self._fails(batch) for batch in batches):
            raise OSError("cannot be stored")
        return self.memory.append(batches)


@asynccontextmanager
async def group_commit(
    store: Store, *, max_waiting_bytes: int = 1 << 20, max_group_bytes: int = 1 << 20
) -> AsyncIterator[GroupCommit]:
    """A group commit before the store, stopped at the end."""
    async with GroupCommit(
        store.append,
        max_waiting_bytes=max_waiting_bytes,
        max_group_bytes=max_group_bytes,
        linger_s=0.0,
    ) as started:
        try:
            yield started
        finally:
            store.gate.set()


def submit(commit: GroupCommit, batch: Batch) -> asyncio.Future[Appended]:
    """Queue one batch. The future is that of its outcome."""
    commit.reserve(batch)
    return asyncio.ensure_future(_outcome(commit.submit([batch])))


async def _outcome(future: asyncio.Future[list[Outcome]]) -> Appended:
    (outcome,) = await future
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


async def behind_one_commit(
    commit: GroupCommit, store: Store, batches: Sequence[Batch]
) -> list[Appended | BaseException]:
    """Lets one batch reach the store, has the others wait behind it, and returns their answers."""
    first = submit(commit, logged(1000))
    await store.at_gate.wait()
    waiting = [submit(commit, batch) for batch in batches]
    store.gate.set()
    async with asyncio.timeout(_TIMEOUT_S):
        await asyncio.gather(first, return_exceptions=True)
        return await asyncio.gather(*waiting, return_exceptions=True)


async def test_all_batches_that_wait_share_one_transaction() -> None:
    store = Store()
    async with group_commit(store) as commit:
        answers = await behind_one_commit(commit, store, [logged(n) for n in range(5)])

    assert answers == [Appended.STORED] * 5
    assert store.groups == [1, 5]


async def test_a_group_ends_where_it_is_large_enough() -> None:
    store = Store()
    batches = [replace(logged(n), content=bytes(400)) for n in range(5)]
    async with group_commit(store, max_group_bytes=4000) as commit:
        await behind_one_commit(commit, store, batches)

    assert store.groups == [1, 3, 2]


async def test_a_batch_larger_than_a_group_is_a_group() -> None:
    store = Store()
    store.gate.set()
    async with group_commit(store, max_group_bytes=10) as commit:
        stored = await submit(commit, replace(logged(1), content=bytes(1000)))

    assert stored is Appended.STORED


async def test_batches_are_committed_in_the_order_they_came() -> None:
    store = Store()
    async with group_commit(store) as commit:
        await behind_one_commit(commit, store, [logged(n) for n in (3, 1, 2)])

    assert contents(store.memory) == [content(2), content(1), content(3), content(1000)]


async def test_the_store_decides_which_batch_is_refused() -> None:
    store = Store()
    batches = [logged(1, version=1), logged(1, version=2), logged(1, version=1)]
    async with group_commit(store) as commit:
        answers = await behind_one_commit(commit, store, batches)

    assert answers == [Appended.STORED, Appended.CONFLICT, Appended.DUPLICATE]


async def test_a_batch_that_cannot_be_stored_fails_alone() -> None:
    store = Store(fails=lambda batch: batch.content == content(2))
    async with group_commit(store) as commit:
        answers = await behind_one_commit(commit, store, [logged(n) for n in range(5)])

    assert [type(answer) for answer in answers] == [Appended] * 2 + [OSError] + [Appended] * 2
    assert store.groups == [1, 5, 1, 1, 1, 1, 1]


async def test_a_lone_batch_that_cannot_be_stored_is_not_tried_twice() -> None:
    store = Store(fails=lambda _: True)
    store.gate.set()
    async with group_commit(store) as commit:
        with pytest.raises(OSError, match="cannot be stored"):
            await submit(commit, logged(1))

    assert store.groups == [1]


async def test_a_store_that_is_down_is_asked_four_times_for_a_group_not_once_for_each() -> None:
    store = Store(fails=lambda _: True)
    async with group_commit(store) as commit:
        answers = await behind_one_commit(commit, store, [logged(n) for n in range(100)])

    assert [type(answer) for answer in answers] == [OSError] * 100
    assert store.groups == [1, 100, 1, 1, 1]


async def test_what_comes_after_the_store_is_back_is_stored() -> None:
    down = True
    store = Store(fails=lambda _: down)
    store.gate.set()
    async with group_commit(store) as commit:
        with pytest.raises(OSError, match="cannot be stored"):
            await submit(commit, logged(1))
        down = False
        stored = await submit(commit, logged(1))

    assert stored is Appended.STORED


async def test_a_full_queue_throttles_with_a_wait_and_takes_again_once_it_is_empty() -> None:
    store = Store()
    batch = replace(logged(1), content=bytes(600))
    async with group_commit(store, max_waiting_bytes=1000) as commit:
        taken = submit(commit, batch)
        with pytest.raises(ThrottlingException) as refused:
            submit(commit, replace(batch, batch_id=bytes(16)))
        store.gate.set()
        await taken
        again = await submit(commit, replace(batch, batch_id=bytes(16)))

    assert again is Appended.STORED
    assert refused.value.retry_after_seconds == 1
    assert (refused.value.service_code, refused.value.quota_code) == ("rum", "waiting-batches")


@pytest.mark.parametrize("fails", [True, False], ids=["failed", "stored"])
async def test_room_in_the_queue_comes_back_whatever_becomes_of_a_batch(fails: bool) -> None:
    store = Store(fails=lambda _: fails)
    store.gate.set()
    async with group_commit(store, max_waiting_bytes=1000) as commit:
        for number in range(5):
            batch = replace(logged(number), content=bytes(1000))
            await asyncio.gather(submit(commit, batch), return_exceptions=True)

    assert store.groups == [1] * 5


async def test_stop_commits_what_waits_and_answers_it() -> None:
    store = Store()
    async with group_commit(store) as commit:
        first = submit(commit, logged(0))
        await store.at_gate.wait()
        waiting = [submit(commit, logged(n)) for n in range(1, 4)]
        stopping = asyncio.ensure_future(commit.stop())
        await asyncio.sleep(0)
        store.gate.set()
        await stopping

    assert [future.result() for future in (first, *waiting)] == [Appended.STORED] * 4
    assert len(contents(store.memory)) == 4


async def test_nothing_is_taken_after_a_stop() -> None:
    store = Store()
    async with group_commit(store, max_waiting_bytes=1000) as commit:
        await commit.stop()
        messages = []
        for number in range(3):
            with pytest.raises(ThrottlingException) as refused:
                submit(commit, replace(logged(number), content=bytes(600)))
            messages.append(refused.value.message)

    assert messages == ["The service is stopping."] * 3
    assert store.groups == []


async def test_the_batch_of_a_caller_that_went_away_is_stored() -> None:
    store = Store()
    async with group_commit(store) as commit:
        gone, here = submit(commit, logged(1)), submit(commit, logged(2))
        gone.cancel()
        store.gate.set()
        stored = await here

    assert stored is Appended.STORED
    assert gone.cancelled()
    assert contents(store.memory) == [content(2), content(1)]
