"""Access keys and tokens in a SQL database: a part of `SqlStore`."""

from __future__ import annotations

__all__ = ["SqlCredentials"]

from dataclasses import asdict

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from rum_service.storage.base import NameTakenError
from rum_service.storage.database import SqlPart
from rum_service.storage.records import CredentialRecord
from rum_service.storage.schema import credentials


class SqlCredentials(SqlPart):
    """Implements `CredentialStore`."""

    def add_credential(self, credential: CredentialRecord) -> None:
        try:
            with self._write_lock, self._writer.begin() as connection:
                connection.execute(insert(credentials).values(asdict(credential)))
        except IntegrityError:
            raise NameTakenError from None

    def credential(self, kind: str, credential_id: str) -> CredentialRecord | None:
        found = (credentials.c.kind == kind) & (credentials.c.id == credential_id)
        with self._reader.connect() as connection:
            row = connection.execute(select(credentials).where(found)).one_or_none()
            return CredentialRecord(**row._mapping) if row else None

    def list_credentials(self) -> list[CredentialRecord]:
        query = select(credentials).order_by(credentials.c.created_ms.desc(), credentials.c.id)
        with self._reader.connect() as connection:
            return [CredentialRecord(**row._mapping) for row in connection.execute(query)]

    def revoke_credential(self, kind: str, credential_id: str, revoked_ms: int) -> bool:
        found = (credentials.c.kind == kind) & (credentials.c.id == credential_id)
        first = func.coalesce(credentials.c.revoked_ms, revoked_ms)
        with self._write_lock, self._writer.begin() as connection:
            revoked = update(credentials).where(found).values(revoked_ms=first)
            return connection.execute(revoked).rowcount == 1
