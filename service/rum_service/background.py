"""Work in the background, for as long as a part of the service runs."""

from __future__ import annotations

__all__ = ["Background"]

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

import structlog

logger = structlog.get_logger()


class Background(ABC):
    """A part whose context manager begins its work, and at its end interrupts what still runs.

    For use on one event loop.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._in_background(self._logged())
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _logged(self) -> None:
        try:
            await self._run()
        except Exception:
            # Nobody waits for the task: without this, the part would stop silently.
            logger.exception("work in the background failed", part=type(self).__name__)

    @abstractmethod
    async def _run(self) -> None:
        """Do the work that begins with the context manager."""

    def _in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin other work, and return its task."""
        task = asyncio.create_task(work)
        # An event loop keeps only weak references to its tasks.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
