"""Migrate a database to the current schema, with Alembic."""

from __future__ import annotations

__all__ = ["NEWEST", "check_current", "check_not_newer", "migrate"]

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from rum_service.storage.database import Database, reason_of

_MIGRATIONS = Path(__file__).parent / "migrations"
# Each migration's file name begins with its revision.
NEWEST = max(file.name for file in (_MIGRATIONS / "versions").glob("*.py")).partition("_")[0]
"""The schema of this version. Later ones sort after it."""
# Arbitrary, but the same in every process.
_POSTGRES_LOCK = 0x52554D


def migrate(database: Database) -> str | None:
    """Apply the missing migrations. Processes that start together wait for each other.

    Returns:
        The schema that the database had. None: it was empty.

    Raises:
        ValueError: the database cannot be opened, or has a newer schema than this version knows.
    """
    try:
        with database.migrating() as connection:
            if connection.dialect.name == "postgresql":
                lock = text("SELECT pg_advisory_xact_lock(:key)")
                connection.execute(lock, {"key": _POSTGRES_LOCK})
            found = _revision(connection)
            if found is None and connection.dialect.name == "postgresql":
                _check_encoding(connection)
            if found != NEWEST:
                check_not_newer(found)
                _upgrade(connection)
            return found
    except SQLAlchemyError as error:
        raise ValueError(f"the database cannot be opened: {reason_of(error)}") from None


def check_current(connection: Connection) -> None:
    """Raise ValueError unless the database has the schema of this version."""
    found = _revision(connection)
    check_not_newer(found)
    if found is None:
        raise ValueError("the database is empty")
    if found != NEWEST:
        raise ValueError(
            f"the database has schema {found}, and this version of OpenRUM needs {NEWEST};"
            " upgrade it: openrum db upgrade"
        )


def check_not_newer(revision: str | None) -> None:
    """Raise ValueError if a schema is newer than this version."""
    if revision and revision > NEWEST:
        raise ValueError(
            f"the database has schema {revision}, and this version of OpenRUM knows schemas up to"
            f" {NEWEST}; use the version that upgraded it, or a later one"
        )


def _revision(connection: Connection) -> str | None:
    """Return the revision that Alembic has noted in the database. None: none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _check_encoding(connection: Connection) -> None:
    encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    if encoding not in ("UTF8", "SQL_ASCII"):  # the latter keeps all bytes unchanged
        raise ValueError(
            f"the database has the encoding {encoding}, which cannot keep all texts; create another"
            " one: createdb --template=template0 --encoding=UTF8 NAME"
        )


def _upgrade(connection: Connection) -> None:
    # Only here: Alembic takes 9 MB of memory and 50 ms (2026-11).
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise ValueError(f"the database has an unknown schema ({error})") from None
