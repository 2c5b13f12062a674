"""Limits how much is stored for one app monitor in a second."""

from __future__ import annotations

__all__ = ["MonitorLimits"]

import math
from collections.abc import Callable, Mapping

from rum_endpoint.token_buckets import TokenBuckets
from rum_service.errors import ThrottlingException

_BURST_S = 2.0


class MonitorLimits:
    """The limits of one service, the same for each app monitor. For use on one event loop.

    Args:
        rates: the most `requests`, `events` and `bytes` in a second. As many as in two seconds may
            come at once. 0: no limit.
        clock: monotonic, in seconds.
    """

    def __init__(self, rates: Mapping[str, float], *, clock: Callable[[], float]) -> None:
        self._buckets = {
            what: TokenBuckets[int](rate=rate, burst=rate * _BURST_S, clock=clock)
            for what, rate in rates.items()
            if rate
        }

    def __bool__(self) -> bool:
        return bool(self._buckets)

    def take(self, app_monitor: int, *, events: int, size: int) -> None:
        """Count a valid batch.

        Args:
            size: its length in bytes.

        Raises:
            ThrottlingException: the app monitor has reached a limit. The batch is not counted.
        """
        for what, buckets in self._buckets.items():
            if wait_s := buckets.wait_s(app_monitor):
                raise ThrottlingException(
                    f"The app monitor receives too many {what}.",
                    service_code="rum",
                    quota_code=f"{what}-per-app-monitor",
                    retry_after_seconds=max(1, math.ceil(wait_s)),
                )
        amounts = {"requests": 1, "events": events, "bytes": size}
        for what, buckets in self._buckets.items():
            buckets.charge(app_monitor, amounts[what])
