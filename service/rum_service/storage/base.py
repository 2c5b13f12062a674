"""What every store guarantees.

    LogStore            the log of accepted batches
    AppMonitorStore     the app monitors that batches belong to
    CredentialStore     access keys and tokens
    └── Store           all of them, in one database

Methods block and may be called from any thread. A method that raises has changed nothing.
"""

from __future__ import annotations

__all__ = ["AppMonitorStore", "CredentialStore", "LogStore", "NameTakenError", "Store"]

from collections.abc import Sequence
from typing import Protocol

from rum_service.model import AppMonitorRecord, Batch, CredentialRecord, LoggedBatch


class NameTakenError(Exception):
    """The name or the id of a new app monitor is in use."""


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

    def purge(self, app_monitor: int, *, limit: int) -> int:
        """Removes up to `limit` batches of an app monitor and returns how many it removed."""
        ...

    def check_writable(self) -> None:
        """Commits something small; raises whatever keeps a batch from being stored."""
        ...


class AppMonitorStore(Protocol):
    """The app monitors. Ids and names are unique, names case-sensitive."""

    def create_app_monitor(self, monitor_id: str, name: str, document: str) -> AppMonitorRecord:
        """Adds an app monitor. Raises NameTakenError."""
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
        """Removes the app monitor, not its batches; says whether it was there."""
        ...

    def deleted_app_monitors(self) -> list[int]:
        """Returns the keys of app monitors that are gone but have batches in the log."""
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


class Store(LogStore, AppMonitorStore, CredentialStore, Protocol):
    """One database."""

    def close(self) -> None:
        """Gives up connections. Nothing is called after it."""
        ...
