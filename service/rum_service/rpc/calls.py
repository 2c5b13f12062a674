"""Counts all calls but puts, by their method and their outcome."""

from __future__ import annotations

__all__ = ["CallCounts", "outcome_of"]

import asyncio
from time import perf_counter

from rum_endpoint.histogram import SECONDS, Histogram
from rum_service.errors import InternalServerException, RumError


class CallCounts:
    """The counts of one service. Use it from one event loop only."""

    def __init__(self) -> None:
        self.seconds: dict[str, Histogram] = {}
        """How long calls take, by method: `GetAppMonitor`."""
        self.outcomes: dict[tuple[str, str], int] = {}
        """The number of calls by method, and OK or the name of the exception."""

    def end(self, method: str, began_s: float, error: BaseException | None) -> None:
        """Count a call that began at this time of `perf_counter`."""
        seconds = self.seconds.get(method)
        if seconds is None:
            seconds = self.seconds[method] = Histogram(SECONDS)
        seconds.observe(perf_counter() - began_s)
        key = method, outcome_of(error)
        self.outcomes[key] = self.outcomes.get(key, 0) + 1


def outcome_of(error: BaseException | None) -> str:
    """Return OK or the name of the exception that the caller gets."""
    if error is None:
        return "OK"
    if isinstance(error, asyncio.CancelledError):
        return "Cancelled"
    failure = type(error) if isinstance(error, RumError) else InternalServerException
    return failure.__name__
