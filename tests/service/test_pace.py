"""The pace at which waiting puts begin."""

from __future__ import annotations

import asyncio

from rum_service.ingest.pace import ALL, Pace


class _Begun:
    """Records what the pace lets begin."""

    def __init__(self, *, waiting: int) -> None:
        self.waiting = waiting
        self.counts: list[int] = []
        self.lull = asyncio.Event()

    def begin(self, most: int) -> bool:
        if most:
            self.counts.append(most)
        if most == ALL:
            self.lull.set()
        self.waiting -= min(most, self.waiting)
        return self.waiting > 0


async def test_one_put_begins_for_four_that_arrive() -> None:
    begun = _Begun(waiting=100)
    pace = Pace(begun.begin)
    for _ in range(40):
        pace.arrive()

    assert begun.counts == [1] * 10


async def test_all_begin_when_no_more_arrive() -> None:
    begun = _Begun(waiting=100)
    pace = Pace(begun.begin)
    for _ in range(3):
        pace.arrive()
    pace.resume()
    await asyncio.wait_for(begun.lull.wait(), 10)

    assert begun.counts == [ALL]


async def test_puts_that_arrive_delay_the_others() -> None:
    begun = _Begun(waiting=ALL)
    pace = Pace(begun.begin)
    loop = asyncio.get_running_loop()
    end = loop.time() + 0.05
    pace.resume()
    while loop.time() < end:
        pace.arrive()
        await asyncio.sleep(0)

    assert not begun.lull.is_set()
    await asyncio.wait_for(begun.lull.wait(), 10)


async def test_a_pace_can_be_resumed_when_nothing_waits_any_more() -> None:
    begun = _Begun(waiting=1)
    pace = Pace(begun.begin)
    for _ in range(2):
        begun.waiting = 1
        begun.lull.clear()
        pace.resume()
        await asyncio.wait_for(begun.lull.wait(), 10)
