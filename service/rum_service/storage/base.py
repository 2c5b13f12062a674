"""What every store guarantees.

    LogStore            the log of accepted batches
    AppMonitorStore     the app monitors that batches belong to, with their tags
    PolicyStore         the resource policies of app monitors
    MetricStore         their metric destinations, and the definitions of those
    CredentialStore     access keys and tokens
    └── Store           all of them, in one database

Methods block and may be called from any thread. A method that raises has changed nothing.
"""

from __future__ import annotations

__all__ = [
    "AppMonitorStore",
    "CredentialStore",
    "DefinitionTakenError",
    "LogStore",
    "MetricStore",
    "NameTakenError",
    "PolicyStore",
    "QuotaReachedError",
    "Store",
]

from collections.abc import Sequence
from typing import Protocol

from rum_service.storage.records import (
    AppMonitorRecord,
    Batch,
    CredentialRecord,
    LoggedBatch,
    MetricDefinitionRecord,
    MetricDestinationRecord,
)


class NameTakenError(Exception):
    """The name or the id of a new app monitor is in use."""


class QuotaReachedError(Exception):
    """There would be more than the caller's limit."""


class DefinitionTakenError(Exception):
    """The destination has this very definition under another id."""


class LogStore(Protocol):
    """The log: batches in the order of their commits, immutable."""

    def append(self, batches: Sequence[Batch]) -> list[bool]:
        """Commits all batches in one transaction; they are on disk when this returns.

        Idempotent: a batch whose id and digest are in the log already is not stored again.

        Returns:
            For each batch, in order: True when the log holds it now, False when its id belongs to a
            batch with another digest, which stays. Of two such batches in one call the first stays.
        """
        ...

    def read(
        self, app_monitor: int, *, below: int | None, after_ms: int, before_ms: int, limit: int
    ) -> list[LoggedBatch]:
        """Returns up to `limit` batches, the newest first.

        Only batches with a sequence under `below` (None: all) that may hold events with
        after_ms <= timestamp <= before_ms. A batch is visible once its append has returned.
        """
        ...

    def dropped_events(self, keys: Sequence[int]) -> dict[int, int]:
        """Sums `dropped_events` over each app monitor's batches; those without are left out."""
        ...

    def purge(self, app_monitor: int, *, limit: int) -> int:
        """Removes up to `limit` batches of an app monitor and returns how many it removed."""
        ...

    def check_writable(self) -> None:
        """Commits something small; raises whatever keeps a batch from being stored."""
        ...


class AppMonitorStore(Protocol):
    """The app monitors. Ids and names are unique, names case-sensitive."""

    def create_app_monitor(
        self, monitor_id: str, name: str, document: str, *, limit: int | None = None
    ) -> AppMonitorRecord:
        """Adds an app monitor.

        Raises:
            NameTakenError: the name or the id is in use.
            QuotaReachedError: there would be more than `limit` app monitors. Processes that share
                a PostgreSQL database may pass it by one each when they create at the same moment.
        """
        ...

    def app_monitor_by_id(self, monitor_id: str) -> AppMonitorRecord | None:
        """Finds an app monitor by its lower-case id."""
        ...

    def app_monitor_by_name(self, name: str) -> AppMonitorRecord | None:
        """Finds an app monitor by its name."""
        ...

    def list_app_monitors(self, *, after: str, limit: int) -> list[AppMonitorRecord]:
        """Returns up to `limit` app monitors with names after `after`, sorted by code point."""
        ...

    def update_app_monitor(self, key: int, expected: str, document: str) -> bool:
        """Replaces the document if it still is `expected`; says whether it was."""
        ...

    def delete_app_monitor(self, key: int) -> bool:
        """Removes the app monitor and its metric destinations, not its batches.

        Says whether it was there.
        """
        ...

    def deleted_app_monitors(self) -> list[int]:
        """Returns the keys of app monitors that are gone but have batches in the log."""
        ...


class PolicyStore(Protocol):
    """The resource policies. Records of app monitors carry theirs."""

    def set_policy(
        self, key: int, *, expected: str | None, policy: str | None, revision: str | None
    ) -> bool:
        """Replaces policy and revision of an app monitor if its revision still is `expected`.

        None stands for no policy, before and after. Says whether it was replaced.
        """
        ...


class MetricStore(Protocol):
    """The destinations of app monitors and their definitions, each in the order of making."""

    def put_destination(
        self, app_monitor: int, kind: str, arn: str, iam_role_arn: str | None
    ) -> bool:
        """Makes the destination, or changes its role. Idempotent.

        Says whether the app monitor is there; where it is not, nothing is made.
        """
        ...

    def destination(self, app_monitor: int, kind: str, arn: str) -> MetricDestinationRecord | None:
        """Finds a destination."""
        ...

    def list_destinations(
        self, app_monitor: int, *, after: int, limit: int
    ) -> list[MetricDestinationRecord]:
        """Returns up to `limit` destinations with keys above `after`."""
        ...

    def delete_destination(self, key: int) -> bool:
        """Removes a destination with its definitions; says whether it was there."""
        ...

    def create_definitions(
        self, destination: int, new: Sequence[MetricDefinitionRecord], *, limit: int
    ) -> list[str] | None:
        """Adds definitions, all in one transaction. Idempotent: one that is there stays as it is.

        Returns:
            For each, in order, the id of the definition with its digest. None where the
            destination is not there.

        Raises:
            QuotaReachedError: the destination would have more than `limit` definitions.
        """
        ...

    def list_definitions(
        self, destination: int, *, after: int, limit: int
    ) -> list[MetricDefinitionRecord]:
        """Returns up to `limit` definitions with sequences above `after`."""
        ...

    def delete_definitions(self, destination: int, ids: Sequence[str]) -> set[str]:
        """Removes the definitions with these ids and returns the ids of those that were there."""
        ...

    def update_definition(self, destination: int, new: MetricDefinitionRecord) -> bool:
        """Replaces the definition with this id; says whether it was there.

        Raises:
            DefinitionTakenError: another definition of the destination has the digest.
        """
        ...


class CredentialStore(Protocol):
    """Access keys and tokens. Revoked ones stay, so that their ids are not used again."""

    def add_credential(self, credential: CredentialRecord) -> None:
        """Adds a credential. Raises NameTakenError where its kind has the id already."""
        ...

    def credential(self, kind: str, credential_id: str) -> CredentialRecord | None:
        """Finds a credential, revoked or not."""
        ...

    def list_credentials(self) -> list[CredentialRecord]:
        """Returns all credentials, the newest first."""
        ...

    def revoke_credential(self, kind: str, credential_id: str, revoked_ms: int) -> bool:
        """Marks a credential as revoked, if it is not yet; says whether it was there."""
        ...


class Store(LogStore, AppMonitorStore, PolicyStore, MetricStore, CredentialStore, Protocol):
    """One database."""

    def close(self) -> None:
        """Gives up connections. Nothing is called after it."""
        ...
