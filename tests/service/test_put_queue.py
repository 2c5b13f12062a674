"""Puts that wait before they are decoded: turns of app monitors, and bounds in time and number."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rum_service.auth.callers import Call
from rum_service.errors import ThrottlingException
from rum_service.ingest.preparation import Put
from rum_service.ingest.put_queue import MAX_IN_PROGRESS, MAX_WAITING, UNKNOWN, PutQueue
from rum_service.storage import open_store
from tests.support.batches import message, new_id
from tests.support.services import settings_in, started

_BUSY, _QUIET = 1, 2


class _Puts:
    """A queue that is full of puts in progress, and a clock that stands still."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.oldest_s = 0.0
        self.begun: list[int] = []
        self.queue = PutQueue(lambda: self.oldest_s, clock=lambda: self.now_s, tick_s=0.001)
        assert all(self.queue.begin_at_once() for _ in range(MAX_IN_PROGRESS))

    def add(self, app_monitor: int, count: int = 1) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(self._begin(app_monitor)) for _ in range(count)]

    async def _begin(self, app_monitor: int) -> None:
        await self.queue.begin(app_monitor)
        self.begun.append(app_monitor)


@pytest.fixture
async def puts() -> _Puts:
    return _Puts()


async def _end_tasks(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_app_monitors_get_turns(puts: _Puts) -> None:
    early = puts.add(_BUSY) + puts.add(_QUIET, 16)
    await asyncio.sleep(0)
    puts.begun.clear()
    tasks = puts.add(_QUIET, 2) + puts.add(_BUSY, 100)
    await asyncio.sleep(0)
    for _ in range(MAX_IN_PROGRESS):
        puts.queue.end()
    async with asyncio.timeout(10):
        while len(puts.begun) < 6:
            await asyncio.sleep(0)
    await _end_tasks([*early, *tasks])

    assert puts.begun[:6] == [_BUSY, _QUIET, _BUSY, _QUIET, _BUSY, _BUSY]


@pytest.mark.parametrize(
    ("others", "waiting", "begin_at_once"), [(1, 40, 40), (1, 100, 16), (0, 100, 48)]
)
async def test_if_many_puts_for_several_app_monitors_wait_they_begin_at_a_pace(
    puts: _Puts, others: int, waiting: int, begin_at_once: int
) -> None:
    tasks = puts.add(_BUSY, waiting - others) + puts.add(UNKNOWN, others)
    await asyncio.sleep(0)
    arrived = len(puts.begun)
    for _ in range(MAX_IN_PROGRESS):
        puts.queue.end()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    at_once = len(puts.begun) - arrived
    async with asyncio.timeout(10):
        while len(puts.begun) < min(waiting, MAX_IN_PROGRESS):
            await asyncio.sleep(0)
    await _end_tasks(tasks)

    assert at_once == begin_at_once


async def test_a_quiet_app_monitor_need_not_wait_while_a_busy_one_does(puts: _Puts) -> None:
    busy = puts.add(_BUSY, 100)
    await asyncio.sleep(0)
    quiet = puts.add(_QUIET, 30)
    unknown = puts.add(UNKNOWN)
    await asyncio.sleep(0)
    begun = puts.begun[:]
    await _end_tasks([*busy, *quiet, *unknown])

    assert begun == [_QUIET] * 16


async def test_a_queue_whose_puts_have_ended_takes_new_ones_at_once(puts: _Puts) -> None:
    for monitor in (_BUSY, _QUIET):
        tasks = puts.add(monitor, 20)
        await asyncio.sleep(0)
        for _ in range(MAX_IN_PROGRESS):
            puts.queue.end()
        await asyncio.wait_for(asyncio.gather(*tasks), 10)
        for _ in tasks:
            puts.queue.end(monitor)
        assert all(puts.queue.begin_at_once() for _ in range(MAX_IN_PROGRESS))


async def test_a_put_that_has_waited_too_long_is_rejected_and_not_begun(puts: _Puts) -> None:
    (task,) = puts.add(_BUSY)
    await asyncio.sleep(0)
    puts.now_s = 2.0
    puts.queue.end()
    await asyncio.sleep(0)
    assert puts.begun == []

    puts.now_s = 4.0
    with pytest.raises(ThrottlingException) as rejected:
        await task
    assert rejected.value.retry_after_seconds == 1
    assert len(puts.queue) == 0


async def test_few_puts_are_rejected_at_once_until_they_have_waited_for_long(puts: _Puts) -> None:
    tasks = puts.add(_BUSY, 500)
    await asyncio.sleep(0)
    puts.now_s = 3.5
    async with asyncio.timeout(10):
        while not any(task.done() for task in tasks):
            await asyncio.sleep(0)
    rejected = sum(task.done() for task in tasks)
    puts.now_s = 5.5
    await asyncio.gather(*tasks, return_exceptions=True)

    assert 0 < rejected < 100
    assert all(isinstance(task.exception(), ThrottlingException) for task in tasks)


async def test_a_put_that_would_wait_too_long_is_not_begun(puts: _Puts) -> None:
    tasks = puts.add(_BUSY, 6000)
    await asyncio.sleep(0)
    late = puts.add(_QUIET)
    await asyncio.sleep(0)
    for _ in range(MAX_IN_PROGRESS):
        puts.queue.end()
    for _ in range(7000):
        await asyncio.sleep(0)
        puts.queue.end()
    begun = len(puts.begun)
    await _end_tasks([*tasks, *late])

    assert _QUIET in puts.begun
    assert 4000 < begun < 5500


async def test_a_cancelled_put_leaves_its_turn_to_the_next_one(puts: _Puts) -> None:
    gone, next_one = puts.add(_BUSY, 2)
    await asyncio.sleep(0)
    puts.queue.end()
    gone.cancel()  # at the moment of its turn
    await asyncio.gather(gone, return_exceptions=True)
    await asyncio.wait_for(next_one, 10)

    assert puts.begun == [_BUSY]
    assert not puts.queue.begin_at_once()
    puts.queue.end()
    assert puts.queue.begin_at_once()


async def test_a_slow_store_takes_all_puts_that_wait(puts: _Puts) -> None:
    tasks = puts.add(_BUSY, 100)
    await asyncio.sleep(0)
    puts.oldest_s = 0.3

    await asyncio.wait_for(asyncio.gather(*tasks), 10)


async def test_a_busy_app_monitor_leaves_room_to_others(puts: _Puts) -> None:
    tasks = puts.add(_BUSY, 2 * MAX_WAITING)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(puts.queue) <= MAX_WAITING

    quiet = puts.add(_QUIET)
    await asyncio.sleep(0)
    puts.queue.end()
    puts.queue.end()
    await asyncio.wait_for(asyncio.gather(*quiet), 10)
    await _end_tasks(tasks)


async def test_a_put_whose_caller_goes_while_it_waits_is_counted(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    store = await asyncio.to_thread(open_store, settings.database_url)
    async with started(store, settings) as service:
        queue = service.ingest.queue
        assert all(queue.begin_at_once() for _ in range(MAX_IN_PROGRESS))
        content = message(new_id()).SerializeToString()
        task = asyncio.create_task(service.ingest.put(Put(content, Call(), str)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        ended = dict(service.accounting.ledger.ended)
    store.close()

    assert [key for key, amount in ended.items() if amount.batches] == [
        ("", "rejected", "Cancelled")
    ]
