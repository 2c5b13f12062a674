"""A check of the store that waits in the queue of the writer, as a batch does."""

from __future__ import annotations

__all__ = ["StoreCheck"]

import asyncio
from collections.abc import Callable


class StoreCheck:
    """One check. Create it on the event loop, and run it on the thread that writes."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.ended: asyncio.Future[None] = loop.create_future()
        """Has the exception of the check, if it failed."""

    def run(self, check: Callable[[], None]) -> None:
        """Check the store."""
        failure: Exception | None = None
        try:
            check()
        except Exception as error:
            failure = error
        self._loop.call_soon_threadsafe(self._end, failure)

    def _end(self, failure: Exception | None) -> None:
        if self.ended.done():
            return
        if failure:
            self.ended.set_exception(failure)
        else:
            self.ended.set_result(None)
