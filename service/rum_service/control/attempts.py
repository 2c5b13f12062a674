"""Changes to a record that other callers change at the same time."""

from __future__ import annotations

__all__ = ["until_done"]

from collections.abc import Awaitable, Callable
from typing import TypeVar

from rum_service.errors import ConflictException

T = TypeVar("T")

# An attempt fails only if another change has succeeded meanwhile.
_MAX_ATTEMPTS = 20


async def until_done(attempt: Callable[[], Awaitable[T | None]], app_monitor: str) -> T:
    """Repeat `attempt` until it returns something other than None: another change came first.

    Args:
        app_monitor: the name, for the exception.

    Raises:
        ConflictException: other changes came first 20 times.
    """
    for _ in range(_MAX_ATTEMPTS):
        if (result := await attempt()) is not None:
            return result
    raise ConflictException(
        "Others change the app monitor all the time. Try again later.", app_monitor, "AppMonitor"
    )
