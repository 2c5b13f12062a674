"""How much of the time the removal of old batches takes while puts wait.

docs/decisions/0029-batches-are-kept-for-days.md gives the reasons.
"""

from __future__ import annotations

__all__ = ["Backlog", "busy_share"]

from collections.abc import Mapping
from itertools import pairwise

# Seconds that old batches have waited for their removal, and the share of the time. A little of the
# time is enough for most servers. Beyond that, a disk that does not become full is worth more than
# fast puts: the share grows until as many batches are removed as are stored. The last delay is a
# quarter of the shortest retention.
_SHARES = ((600.0, 0.03), (3_600.0, 0.05), (21_600.0, 0.8))


def busy_share(delay_s: float) -> float:
    """Return the share of the time for removal while puts wait.

    Args:
        delay_s: how long old batches have waited for their removal.
    """
    if delay_s <= _SHARES[0][0]:
        return _SHARES[0][1]
    for (low_s, low), (high_s, high) in pairwise(_SHARES):
        if delay_s <= high_s:
            return low + (high - low) * (delay_s - low_s) / (high_s - low_s)
    return _SHARES[-1][1]


class Backlog:
    """How long the old batches of app monitors have waited for their removal."""

    def __init__(self) -> None:
        self._since_s: dict[int, float] = {}
        self.delay_s = 0.0
        """The longest wait of a batch. It begins when this service knew that the batch was old."""

    def update(self, late_s: Mapping[int, float], now_s: float) -> None:
        """Note the app monitors that have old batches.

        Args:
            late_s: by app monitor, for how long its oldest batch has been too old. This is days at
                once after a retention was shortened or no service ran, and nobody has waited yet.
        """
        self._since_s = {key: self._since_s.get(key, now_s) for key in late_s}
        self.delay_s = max(
            (min(late, now_s - self._since_s[key]) for key, late in late_s.items()), default=0.0
        )

    def end(self, app_monitor: int) -> None:
        """Note that an app monitor has no more old batches."""
        self._since_s.pop(app_monitor, None)
