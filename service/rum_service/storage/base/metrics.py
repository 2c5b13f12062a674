"""The metric destinations of app monitors."""

from __future__ import annotations

__all__ = ["MetricStore"]

from collections.abc import Sequence
from typing import Protocol

from rum_service.storage.records import MetricDefinitionRecord, MetricDestinationRecord


class MetricStore(Protocol):
    """The metric destinations of app monitors and their definitions, oldest first."""

    def put_destination(
        self, app_monitor: int, kind: str, arn: str, iam_role_arn: str | None
    ) -> bool:
        """Create a destination, or replace its role if it exists. Idempotent.

        Return whether the app monitor exists. If it does not, nothing is created.
        """
        ...

    def destination(self, app_monitor: int, kind: str, arn: str) -> MetricDestinationRecord | None:
        """Return a destination, if it exists."""
        ...

    def list_destinations(
        self, app_monitor: int, *, after: int, limit: int
    ) -> list[MetricDestinationRecord]:
        """Return at most `limit` destinations with keys above `after`."""
        ...

    def delete_destination(self, key: int) -> bool:
        """Delete a destination and its definitions. Return whether it existed."""
        ...

    def create_definitions(
        self, destination: int, new: Sequence[MetricDefinitionRecord], *, limit: int
    ) -> list[str] | None:
        """Create definitions in one transaction. Idempotent: existing ones stay unchanged.

        Returns:
            For each definition, in order, the ID of the stored definition with its digest.
            None: the destination does not exist.

        Raises:
            QuotaReachedError: the destination would have more than `limit` definitions.
        """
        ...

    def list_definitions(
        self, destination: int, *, after: int, limit: int
    ) -> list[MetricDefinitionRecord]:
        """Return at most `limit` definitions with sequences above `after`."""
        ...

    def delete_definitions(self, destination: int, ids: Sequence[str]) -> set[str]:
        """Delete the definitions with these IDs. Return the IDs that existed."""
        ...

    def update_definition(self, destination: int, new: MetricDefinitionRecord) -> bool:
        """Replace the definition that has this ID. Return whether it existed.

        Raises:
            DefinitionTakenError: another definition of the destination has the same digest.
        """
        ...
