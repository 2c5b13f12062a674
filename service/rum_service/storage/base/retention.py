"""How many bytes app monitors use, and how long their batches are kept."""

from __future__ import annotations

__all__ = ["RetentionStore", "UsageStore"]

from collections.abc import Mapping
from typing import Protocol

from rum_service.storage.records import Removed, Retention, Usage


class UsageStore(Protocol):
    """How many bytes the batches of each app monitor use, and the quotas of app monitors."""

    def count(self) -> bool:
        """Add new batches to the sums of their app monitors, with a bounded amount of work.

        Return whether batches remain. Then `read` may return too little.
        """
        ...

    def read(self) -> dict[int, Usage]:
        """Return the usage of each app monitor by its key, up to the last commit."""
        ...

    def set_quota(self, app_monitor: int, quota: int | None) -> bool:
        """Set an app monitor's quota. Return whether the app monitor exists."""
        ...


class RetentionStore(Protocol):
    """How long the batches of app monitors are kept, and the removal of older ones."""

    @property
    def held_s(self) -> float:
        """For how many seconds others could not write because this store removed batches."""
        ...

    def read(self) -> dict[int, Retention]:
        """Return the retention of each app monitor by its key."""
        ...

    def first_sequences(self) -> dict[int, int]:
        """Return the sequence of the oldest batch of each app monitor that has batches."""
        ...

    def removed_before(self, app_monitor: int) -> int | None:
        """Return `Retention.removed_before_ms` of one app monitor."""
        ...

    def set_days(self, app_monitor: int, days: int | None) -> bool:
        """Set an app monitor's own retention. Return whether the app monitor exists."""
        ...

    def count_before(self, app_monitor: int, before_ms: int) -> int:
        """Return how many of the app monitor's batches were received before a time.

        If the clock was set back, the number can differ by the batches received meanwhile.
        """
        ...

    def claim(self, *, now_ms: int, until_ms: int, held_ms: int | None) -> bool:
        """Claim the removal for one service. Return False if another service has claimed it.

        Args:
            held_ms: the `until_ms` of this service's previous claim, which it may extend.
        """
        ...

    def removal_ms(self, before_ms: int) -> int:
        """Return the latest time, at most `before_ms`, to pass to `remove`.

        With PostgreSQL a day's batches become old together. Then their partition is dropped, and
        the batches need not be deleted one by one.
        """
        ...

    def remove(
        self, before_ms: Mapping[int, int], *, limit: int, max_bytes: int
    ) -> dict[int, Removed]:
        """Remove old batches of some app monitors in one transaction, oldest first.

        Usage, spans of blocks and `Retention.removed_before_ms` change in the same transaction.

        Args:
            before_ms: by app monitor, remove batches received before this time.
            limit: remove at most this number of batches.
            max_bytes: remove no more batches once their payloads have this length together.

        Returns:
            The result of each app monitor that this step has reached, in the order of the
            argument.
        """
        ...

    def give_back_space(self) -> bool:
        """Return a part of the unused disk space to the system. Return whether more is left."""
        ...
