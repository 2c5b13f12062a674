"""Access keys and tokens."""

from __future__ import annotations

__all__ = ["CredentialStore"]

from collections.abc import Sequence
from typing import Protocol

from rum_service.storage.records import CredentialRecord


class CredentialStore(Protocol):
    """Access keys and tokens. Revoked ones are kept, so that their IDs are never reused."""

    def add(self, credential: CredentialRecord) -> None:
        """Add a credential.

        Raises:
            NameTakenError: a credential of the same kind has the ID.
        """
        ...

    def by_id(self, kind: str, credential_id: str) -> CredentialRecord | None:
        """Return a credential, revoked or not, if it exists."""
        ...

    def by_id_prefix(self, kind: str, prefix: str) -> CredentialRecord | None:
        """Return a credential whose ID starts with `prefix`, if one exists."""
        ...

    def ids(self) -> set[tuple[str, str]]:
        """Return kind and ID of all credentials, revoked or not."""
        ...

    def any_valid(self, now_ms: int) -> bool:
        """Return whether any credential is neither revoked nor expired."""
        ...

    def list(
        self, *, kind: str | None, after: tuple[int, str, str] | None, limit: int
    ) -> Sequence[CredentialRecord]:
        """Return up to `limit` credentials, newest first; ties are in a fixed order.

        Args:
            kind: None lists both kinds.
            after: created_ms, kind and id of the last record of the previous page.
        """
        ...

    def revoke(self, kind: str, credential_id: str, revoked_ms: int) -> bool:
        """Mark a credential as revoked, unless it is already. Return whether it exists."""
        ...
