"""Access keys and tokens in a SQL database."""

from __future__ import annotations

__all__ = ["SqlCredentials"]

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from rum_service.storage.base import NameTakenError
from rum_service.storage.database import Database
from rum_service.storage.records import CredentialRecord
from rum_service.storage.schema import credentials


class SqlCredentials:
    """Implements `CredentialStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, credential: CredentialRecord) -> None:
        try:
            with self._database.write() as connection:
                connection.execute(insert(credentials).values(asdict(credential)))
        except IntegrityError:
            raise NameTakenError from None

    def by_id(self, kind: str, credential_id: str) -> CredentialRecord | None:
        query = select(credentials).where(
            credentials.c.kind == kind, credentials.c.id == credential_id
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
            return CredentialRecord(**row._mapping) if row else None

    def list(self) -> Sequence[CredentialRecord]:
        query = select(credentials).order_by(credentials.c.created_ms.desc(), credentials.c.id)
        with self._database.read() as connection:
            return [CredentialRecord(**row._mapping) for row in connection.execute(query)]

    def revoke(self, kind: str, credential_id: str, revoked_ms: int) -> bool:
        # A second revocation keeps the time of the first.
        first = func.coalesce(credentials.c.revoked_ms, revoked_ms)
        change = (
            update(credentials)
            .where(credentials.c.kind == kind, credentials.c.id == credential_id)
            .values(revoked_ms=first)
        )
        with self._database.write() as connection:
            return connection.execute(change).rowcount == 1
