"""Access keys and tokens in a SQL database."""

from __future__ import annotations

__all__ = ["SqlCredentials"]

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import exists, func, insert, select, tuple_, update
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

    def by_id_prefix(self, kind: str, prefix: str) -> CredentialRecord | None:
        # Not LIKE, which ignores case in SQLite.
        query = select(credentials).where(
            credentials.c.kind == kind, func.substr(credentials.c.id, 1, len(prefix)) == prefix
        )
        with self._database.read() as connection:
            row = connection.execute(query.limit(1)).one_or_none()
            return CredentialRecord(**row._mapping) if row else None

    def ids(self) -> set[tuple[str, str]]:
        with self._database.read() as connection:
            rows = connection.execute(select(credentials.c.kind, credentials.c.id))
            return {(row.kind, row.id) for row in rows}

    def any_valid(self, now_ms: int) -> bool:
        expires_ms = credentials.c.expires_ms
        valid = credentials.c.revoked_ms.is_(None) & (expires_ms.is_(None) | (expires_ms > now_ms))
        with self._database.read() as connection:
            return bool(connection.execute(select(exists().where(valid))).scalar())

    def list(
        self, *, kind: str | None, after: tuple[int, str, str] | None, limit: int
    ) -> Sequence[CredentialRecord]:
        columns = credentials.c
        query = select(credentials).order_by(columns.created_ms.desc(), columns.kind, columns.id)
        if kind is not None:
            query = query.where(columns.kind == kind)
        if after is not None:
            created_ms, *last = after
            tied = (columns.created_ms == created_ms) & (
                tuple_(columns.kind, columns.id) > tuple_(*last)
            )
            query = query.where((columns.created_ms < created_ms) | tied)
        query = query.limit(limit)
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
