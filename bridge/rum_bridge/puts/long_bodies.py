"""Runs the decoding of long bodies in a thread, one at a time.

A body of 1.5 MB takes about 40 ms (2026-11). In the thread, it delays other requests only for as
long as one step keeps the interpreter's lock.
"""

from __future__ import annotations

__all__ = ["LONG_BYTES", "LongBodies"]

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from rum_bridge.limits.budget import ByteBudget
from rum_bridge.limits.throttled import too_many_waiting

LONG_BYTES = 256 << 10
# So many of the longest take about a second.
_MAX_WAITING = 24
_T = TypeVar("_T")


class LongBodies:
    """The thread and its queue. Use it from one event loop only."""

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self._thread = ThreadPoolExecutor(1, "long-bodies")
        self._waiting = 0

    async def run(self, body: bytes, decode: Callable[[], _T]) -> _T:
        """Return what `decode` returns, after the bodies that came before.

        Args:
            body: what is decoded. It counts against the budget meanwhile.

        Raises:
            HttpError: too many bodies or bytes are waiting (429).
        """
        if self._waiting >= _MAX_WAITING:
            raise too_many_waiting()
        self._budget.reserve(len(body), is_long=True)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, decode)
        finally:
            self._waiting -= 1
            self._budget.release(len(body))
