"""Decides whether session replays are stored.

aws-rum-web sends a replay as events of one type, by far the largest.
"""

from __future__ import annotations

__all__ = ["OFF", "OVER_QUOTA", "REPLAY_EVENT", "Replays"]

from collections.abc import Callable

import structlog

from rum_endpoint.token_buckets import TokenBuckets
from rum_service.auth.policy import Policy
from rum_service.monitors import Monitor

logger = structlog.get_logger()

REPLAY_EVENT = "com.amazon.rum.rrweb_event"
OFF = "ReplaysOff"
"""The reason of replay events that are dropped because the setting says so."""
OVER_QUOTA = "ReplayBytesPerDay"
"""The reason of replay events that are dropped because their app monitor has sent too many."""

_DAY_S = 86_400.0
# A bucket that is refilled all the time would let single events pass, which nobody can play: a
# replay needs its beginning. After a pause, an hour's share is there at once.
_PAUSE_S = 3600.0


class Replays:
    """The rules of one service, the same for each app monitor. For use on one event loop.

    Args:
        stored: False: none are stored.
        bytes_per_day: the most bytes of replay events that each app monitor may send in a day,
            before compression. As many may come at once. 0: no limit.
        clock: monotonic, in seconds.
    """

    def __init__(self, *, stored: bool, bytes_per_day: int, clock: Callable[[], float]) -> None:
        self._stored = stored
        self._clock = clock
        self._resume_at: dict[int, float] = {}
        self._buckets: TokenBuckets[int] | None = None
        if bytes_per_day:
            rate = bytes_per_day / _DAY_S
            self._buckets = TokenBuckets(rate=rate, burst=bytes_per_day, clock=clock)

    @property
    def may_drop(self) -> bool:
        """Whether any replay event can be dropped."""
        return not self._stored or self._buckets is not None

    def take(self, monitor: Monitor[Policy], size: int) -> str:
        """Return the reason to drop a batch's replay events, or an empty string to keep them.

        Args:
            size: their length in bytes. Dropped events do not count.
        """
        if not self._stored:
            return OFF
        if self._buckets is None:
            return ""
        now = self._clock()
        if now < self._resume_at.get(monitor.key, now):
            return OVER_QUOTA
        if not self._buckets.take(monitor.key, size):
            self._resume_at.pop(monitor.key, None)
            return ""
        self._resume_at[monitor.key] = now + _PAUSE_S
        logger.warning(
            "replays dropped for an hour: the app monitor has reached its bytes per day",
            app_monitor=monitor.name,
        )
        return OVER_QUOTA
