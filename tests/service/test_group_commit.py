"""Group commit stores waiting batches in one transaction and tells each caller the outcome."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from rum_service.errors import ThrottlingException
from rum_service.ingest.commits import Outcome
from rum_service.ingest.group_commit import GroupCommit
from rum_service.storage.records import Appended, Batch
from tests.support.logged import content, contents, logged
from tests.support.memory_store import MemoryLog
from tests.support.memory_tables import MemoryTables

_TIMEOUT_S = 30.0


def standing_still() -> float:
    """Return the same time always. A group that failed is retried for at most one second."""
    return 0.0


class BlockedStore:
    """A store whose appends block until the test opens the gate."""

    def __init__(self, fails: Callable[[Batch], bool] = lambda _: False) -> None:
        self.memory = MemoryLog(MemoryTables())
        self.groups: list[int] = []
        self.stored: list[Batch] = []
        self.gate = threading.Event()
        self.append_began = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._fails = fails

    def append(self, batches: Sequence[Batch]) -> list[Appended]:
        self.groups.append(len(batches))
        self._loop.call_soon_threadsafe(self.append_began.set)
        assert self.gate.wait(_TIMEOUT_S)
        if any(self._fails(batch) for batch in batches):
            raise OSError("cannot be stored")
        self.stored += batches
        return self.memory.append(batches)


@asynccontextmanager
async def group_commit(
    store: BlockedStore,
    *,
    max_waiting_bytes: int = 1 << 20,
    max_group_bytes: int = 1 << 20,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[GroupCommit]:
    """Run a group commit over the store."""
    async with GroupCommit(
        store.append,
        check=store.memory.check_writable,
        on_end=print,
        max_waiting_bytes=max_waiting_bytes,
        max_group_bytes=max_group_bytes,
        linger_s=0.0,
        clock=clock,
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


async def commit_behind_another(
    commit: GroupCommit, store: BlockedStore, batches: Sequence[Batch]
) -> list[Appended | BaseException]:
    """Submit the batches while the store is busy with another one, and return their outcomes."""
    first = submit(commit, logged(1000))
    await store.append_began.wait()
    waiting = [submit(commit, batch) for batch in batches]
    store.gate.set()
    async with asyncio.timeout(_TIMEOUT_S):
        await asyncio.gather(first, return_exceptions=True)
        return await asyncio.gather(*waiting, return_exceptions=True)


async def test_waiting_batches_are_stored_in_one_transaction() -> None:
    store = BlockedStore()
    async with group_commit(store) as commit:
        outcomes = await commit_behind_another(commit, store, [logged(n) for n in range(5)])

    assert outcomes == [Appended.STORED] * 5
    assert store.groups == [1, 5]


async def test_a_transaction_stores_batches_up_to_the_maximum_size() -> None:
    store = BlockedStore()
    batches = [logged(n)._replace(content=bytes(400)) for n in range(5)]
    async with group_commit(store, max_group_bytes=4000) as commit:
        await commit_behind_another(commit, store, batches)

    assert store.groups == [1, 3, 2]


async def test_a_batch_larger_than_the_maximum_size_is_stored_alone() -> None:
    store = BlockedStore()
    store.gate.set()
    async with group_commit(store, max_group_bytes=10) as commit:
        stored = await submit(commit, logged(1)._replace(content=bytes(1000)))

    assert stored is Appended.STORED


async def test_batches_are_committed_in_the_order_of_arrival() -> None:
    store = BlockedStore()
    async with group_commit(store) as commit:
        await commit_behind_another(commit, store, [logged(n) for n in (3, 1, 2)])

    assert contents(store.memory) == [content(2), content(1), content(3), content(1000)]


async def test_app_monitors_take_turns() -> None:
    store = BlockedStore()
    busy = [logged(n, app_monitor=1) for n in range(4)]
    quiet = [logged(n, app_monitor=2) for n in range(2)]
    async with group_commit(store, max_group_bytes=2 * 1024) as commit:
        await commit_behind_another(commit, store, [*busy, *quiet])

    assert store.groups == [1, 2, 2, 2]
    assert [batch.app_monitor for batch in store.stored] == [1, 1, 2, 1, 2, 1, 1]


async def test_a_batch_whose_caller_has_gone_is_not_stored_and_frees_its_room() -> None:
    store = BlockedStore()
    async with group_commit(store, max_waiting_bytes=4000) as commit:
        first = submit(commit, logged(1))
        await store.append_began.wait()
        gone, kept = submit(commit, logged(2)), submit(commit, logged(3))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        store.gate.set()
        await asyncio.gather(first, kept)
        is_busy = commit.is_busy

    assert [batch.content for batch in store.stored] == [content(1), content(3)]
    assert not is_busy


async def test_a_slow_store_takes_two_groups_and_throttles_the_rest() -> None:
    times = iter(range(0, 10_000, 10))  # every commit takes 10 seconds
    store = BlockedStore()
    batch = logged(1)._replace(content=bytes(1000))
    async with group_commit(store, max_group_bytes=4096, clock=lambda: next(times)) as commit:
        store.gate.set()
        await submit(commit, batch)
        store.gate.clear()
        waiting = [submit(commit, batch._replace(batch_id=bytes([n] * 16))) for n in range(4)]
        with pytest.raises(ThrottlingException):
            submit(commit, batch._replace(batch_id=bytes([9] * 16)))
        store.gate.set()
        outcomes = await asyncio.gather(*waiting)

    assert outcomes == [Appended.STORED] * 4


async def test_each_caller_gets_the_outcome_of_its_own_batch() -> None:
    store = BlockedStore()
    batches = [logged(1, version=1), logged(1, version=2), logged(1, version=1)]
    async with group_commit(store) as commit:
        outcomes = await commit_behind_another(commit, store, batches)

    assert outcomes == [Appended.STORED, Appended.CONFLICT, Appended.DUPLICATE]


async def test_a_batch_that_cannot_be_stored_does_not_fail_the_others() -> None:
    store = BlockedStore(fails=lambda batch: batch.content == content(2))
    async with group_commit(store, clock=standing_still) as commit:
        outcomes = await commit_behind_another(commit, store, [logged(n) for n in range(5)])

    assert [type(outcome) for outcome in outcomes] == [Appended] * 2 + [OSError] + [Appended] * 2
    assert store.groups == [1, 5, 1, 1, 1, 1, 1]


async def test_a_single_batch_that_cannot_be_stored_is_not_retried() -> None:
    store = BlockedStore(fails=lambda _: True)
    store.gate.set()
    async with group_commit(store) as commit:
        with pytest.raises(OSError, match="cannot be stored"):
            await submit(commit, logged(1))

    assert store.groups == [1]


async def test_a_store_that_is_down_is_tried_four_times_for_a_group_of_any_size() -> None:
    store = BlockedStore(fails=lambda _: True)
    async with group_commit(store, clock=standing_still) as commit:
        outcomes = await commit_behind_another(commit, store, [logged(n) for n in range(100)])

    assert [type(outcome) for outcome in outcomes] == [OSError] * 100
    assert store.groups == [1, 100, 1, 1, 1]


async def test_batches_are_stored_again_once_the_store_recovers() -> None:
    down = True
    store = BlockedStore(fails=lambda _: down)
    store.gate.set()
    async with group_commit(store) as commit:
        with pytest.raises(OSError, match="cannot be stored"):
            await submit(commit, logged(1))
        down = False
        stored = await submit(commit, logged(1))

    assert stored is Appended.STORED


async def test_a_group_commit_is_busy_while_batches_wait() -> None:
    store = BlockedStore()
    async with group_commit(store) as commit:
        before = commit.is_busy
        waiting = submit(commit, logged(1))
        meanwhile = commit.is_busy
        store.gate.set()
        await waiting
        after = commit.is_busy

    assert (before, meanwhile, after) == (False, True, False)


async def test_a_full_queue_throttles_until_it_is_empty() -> None:
    store = BlockedStore()
    batch = logged(1)._replace(content=bytes(600))
    async with group_commit(store, max_waiting_bytes=1000) as commit:
        waiting = submit(commit, batch)
        with pytest.raises(ThrottlingException) as rejected:
            submit(commit, batch._replace(batch_id=bytes(16)))
        store.gate.set()
        await waiting
        retried = await submit(commit, batch._replace(batch_id=bytes(16)))

    assert retried is Appended.STORED
    assert rejected.value.retry_after_seconds == 1
    assert (rejected.value.service_code, rejected.value.quota_code) == ("rum", "waiting-batches")


@pytest.mark.parametrize("fails", [True, False], ids=["failed", "stored"])
async def test_a_failed_or_stored_batch_no_longer_counts_against_the_queue_limit(
    fails: bool,
) -> None:
    store = BlockedStore(fails=lambda _: fails)
    store.gate.set()
    async with group_commit(store, max_waiting_bytes=1000) as commit:
        for number in range(5):
            batch = logged(number)._replace(content=bytes(1000))
            await asyncio.gather(submit(commit, batch), return_exceptions=True)

    assert store.groups == [1] * 5


async def test_stopping_commits_the_waiting_batches() -> None:
    store = BlockedStore()
    async with group_commit(store) as commit:
        first = submit(commit, logged(0))
        await store.append_began.wait()
        waiting = [submit(commit, logged(n)) for n in range(1, 4)]
        stopping = asyncio.ensure_future(commit.stop())
        await asyncio.sleep(0)
        store.gate.set()
        await stopping

    assert [future.result() for future in (first, *waiting)] == [Appended.STORED] * 4
    assert len(contents(store.memory)) == 4


async def test_batches_are_rejected_after_a_stop() -> None:
    store = BlockedStore()
    async with group_commit(store, max_waiting_bytes=1000) as commit:
        await commit.stop()
        messages = []
        for number in range(3):
            with pytest.raises(ThrottlingException) as rejected:
                submit(commit, logged(number)._replace(content=bytes(600)))
            messages.append(rejected.value.message)

    assert messages == ["The service is stopping."] * 3
    assert store.groups == []


async def test_the_batch_of_a_cancelled_caller_is_stored() -> None:
    store = BlockedStore()
    async with group_commit(store) as commit:
        cancelled, other = submit(commit, logged(1)), submit(commit, logged(2))
        cancelled.cancel()
        store.gate.set()
        stored = await other

    assert stored is Appended.STORED
    assert cancelled.cancelled()
    assert contents(store.memory) == [content(2), content(1)]
