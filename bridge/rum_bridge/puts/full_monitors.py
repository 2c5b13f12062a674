"""Rejects puts for app monitors that have reached their quota, before their bodies are read."""

from __future__ import annotations

__all__ = ["QUOTA_CODE", "FullMonitors"]

from collections.abc import Callable

from rum_bridge.errors import HttpError

QUOTA_CODE = "stored-bytes"
# The service is asked again after this time, so that a raised quota applies soon.
_FULL_S = 2.0
_MAX_FULL = 1_000


class FullMonitors:
    """The app monitors for which the service has rejected a put a moment ago.

    The service rejects a put for this reason after it has authorized its caller. Others get the
    same error here, without the name of the app monitor.

    Args:
        clock: monotonic, in seconds.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._full: dict[str, tuple[float, int | None]] = {}

    def check(self, app_monitor_id: str) -> None:
        """Return unless puts for the app monitor are rejected.

        Raises:
            HttpError: they are (429).
        """
        if not self._full or app_monitor_id not in self._full:  # as nearly always
            return
        until, retry_after_s = self._full[app_monitor_id]
        if self._clock() >= until:
            del self._full[app_monitor_id]
            return
        raise HttpError(
            429,
            "ThrottlingException",
            "The app monitor has reached its quota of stored bytes.",
            {"serviceCode": "rum", "quotaCode": QUOTA_CODE},
            retry_after_s,
        )

    def learn(self, app_monitor_id: str, error: HttpError) -> None:
        """Remember an app monitor if the service says that its quota is reached."""
        if error.members.get("quotaCode") != QUOTA_CODE or app_monitor_id in self._full:
            return
        if len(self._full) >= _MAX_FULL:
            self._full.clear()
        self._full[app_monitor_id] = self._clock() + _FULL_S, error.retry_after_s
