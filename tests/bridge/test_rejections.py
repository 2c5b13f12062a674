"""Rejections that wait, so that they take little CPU."""

from __future__ import annotations

import asyncio

import pytest

from rum_bridge.limits import rejections
from rum_bridge.limits.rejections import Rejections

_PER_S = 1000.0


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejections, "_EARLIEST_S", 0.05)
    monkeypatch.setattr(rejections, "_MOST_PER_S", _PER_S)
    monkeypatch.setattr(rejections, "_TICK_S", 0.01)


async def _until(rejected: list[int], count: int) -> None:
    async with asyncio.timeout(10):
        while len(rejected) < count:
            await asyncio.sleep(0.001)


async def test_the_oldest_are_rejected_first_and_not_at_once() -> None:
    loop = asyncio.get_running_loop()
    rejected: list[int] = []
    times_s: list[float] = []
    waiting = Rejections[int](lambda item: (rejected.append(item), times_s.append(loop.time())))
    began_s = loop.time()
    for item in range(100):
        waiting.add(item)
    waiting.remove(1)
    await _until(rejected, 99)

    assert rejected == [0, *range(2, 100)]
    assert times_s[0] - began_s >= 0.05
    # A late tick rejects more at once, and each one rounds.
    assert times_s[-1] - began_s >= 0.05 + 99 / _PER_S - 0.03
    assert [*waiting] == []


async def test_after_the_latest_time_all_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejections, "_MOST_PER_S", 0.0)
    monkeypatch.setattr(rejections, "_LATEST_S", 0.1)
    rejected: list[int] = []
    waiting = Rejections[int](rejected.append)
    for item in range(100):
        waiting.add(item)
    await _until(rejected, 1)

    assert rejected == [*range(100)]


async def test_a_put_that_comes_later_is_rejected_too() -> None:
    rejected: list[int] = []
    waiting = Rejections[int](rejected.append)
    waiting.add(1)
    await _until(rejected, 1)
    waiting.add(2)
    await _until(rejected, 2)

    assert rejected == [1, 2]


async def test_other_puts_are_rejected_after_one_that_fails() -> None:
    rejected: list[int] = []

    def reject(item: int) -> None:
        rejected.append(item)
        if not item:
            raise ValueError

    failures: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))
    waiting = Rejections[int](reject)
    for item in range(3):
        waiting.add(item)
    await _until(rejected, 3)

    assert rejected == [0, 1, 2]
    assert [type(failure) for failure in failures] == [ValueError]
