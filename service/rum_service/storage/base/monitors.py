"""The app monitors and their resource policies."""

from __future__ import annotations

__all__ = ["AppMonitorStore", "PolicyStore"]

from collections.abc import Collection, Sequence
from typing import Protocol

from rum_service.storage.records import AppMonitorRecord


class AppMonitorStore(Protocol):
    """The app monitors. IDs and names are unique. Names are case-sensitive."""

    def create(
        self, monitor_id: str, name: str, document: str, *, limit: int | None = None
    ) -> AppMonitorRecord:
        """Create an app monitor.

        Raises:
            NameTakenError: the name or the ID is in use.
            QuotaReachedError: `limit` app monitors exist already.
        """
        ...

    def ids(self) -> set[str]:
        """Return the IDs of all app monitors."""
        ...

    def by_ids(self, monitor_ids: Collection[str]) -> Sequence[AppMonitorRecord]:
        """Return the app monitors with these lower-case IDs that exist, in any order."""
        ...

    def by_name(self, name: str) -> AppMonitorRecord | None:
        """Return the app monitor with this name, if it exists. The name may be any text."""
        ...

    def list(self, *, after: str, limit: int) -> Sequence[AppMonitorRecord]:
        """Return at most `limit` app monitors with names after `after`, sorted by code point."""
        ...

    def update(self, key: int, *, expected: str, document: str) -> bool:
        """Replace the document if it still equals `expected`. Return whether it did."""
        ...

    def delete(self, key: int) -> bool:
        """Delete an app monitor, its metric destinations, its quota and its retention.

        Its batches stay.

        Return whether the app monitor existed.
        """
        ...


class PolicyStore(Protocol):
    """The resource policies. An `AppMonitorRecord` contains the policy of its app monitor."""

    def replace(
        self, app_monitor: int, *, expected: str | None, policy: str | None, revision: str | None
    ) -> bool:
        """Replace the policy and its revision if the revision still equals `expected`.

        None means "no policy" in all three arguments. Return whether the policy was replaced.
        """
        ...
