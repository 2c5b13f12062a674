"""Parts of the service that work in the background until they end."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from rum_service.background import Background


class Part(Background):
    """Counts the tasks that work, and those that were interrupted."""

    def __init__(self) -> None:
        super().__init__()
        self.working = self.interrupted = 0
        self.changed = asyncio.Condition()

    async def work(self) -> None:
        async with self.changed:
            self.working += 1
            self.changed.notify_all()
        try:
            await asyncio.Event().wait()
        finally:
            self.working -= 1
            self.interrupted += 1

    async def begin(self) -> asyncio.Task[None]:
        return self._in_background(self.work())

    async def wait_for(self, working: int) -> None:
        async with self.changed, asyncio.timeout(30):
            await self.changed.wait_for(lambda: self.working == working)

    _run = work


async def test_the_end_of_a_part_interrupts_all_its_work() -> None:
    async with Part() as part:
        await part.begin()
        await part.wait_for(2)
        before = part.interrupted

    assert (before, part.working, part.interrupted) == (0, 0, 2)


async def test_work_goes_on_when_its_caller_is_cancelled() -> None:
    async with Part() as part:

        async def call() -> None:
            await asyncio.shield(await part.begin())

        caller = asyncio.create_task(call())
        await part.wait_for(2)
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        left = part.working

    assert (left, part.interrupted) == (2, 2)


async def test_the_failure_of_a_part_is_logged() -> None:
    class Failing(Background):
        async def _run(self) -> None:
            raise ValueError("unexpected")

    with capture_logs() as logs:
        async with Failing(), asyncio.timeout(30):
            while not logs:
                await asyncio.sleep(0)

    assert [(line["event"], line["part"]) for line in logs] == [
        ("work in the background failed", "Failing")
    ]
