"""Migrate a database to the current schema, with Alembic."""

from __future__ import annotations

__all__ = ["NEWEST", "is_current", "migrate"]

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from rum_service.storage.database import Database

_MIGRATIONS = Path(__file__).parent / "migrations"
# Each migration's file name begins with its revision.
NEWEST = max(file.name for file in (_MIGRATIONS / "versions").glob("*.py")).partition("_")[0]
"""The schema of this version. Later ones sort after it."""
# Arbitrary, but the same in every process.
_POSTGRES_LOCK = 0x52554D


def migrate(database: Database) -> None:
    """Apply the missing migrations. Processes that start together wait for each other.

    Raises:
        ValueError: the database cannot be opened, or has a newer schema than this version knows.
    """
    try:
        with database.migrating() as connection:
            if connection.dialect.name == "postgresql":
                lock = text("SELECT pg_advisory_xact_lock(:key)")
                connection.execute(lock, {"key": _POSTGRES_LOCK})
            if not is_current(connection):
                _upgrade(connection)
    except SQLAlchemyError as error:
        # Use only the driver's message: SQLAlchemy's contains the statement too.
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise ValueError(f"the database cannot be opened: {reason}") from None


def is_current(connection: Connection) -> bool:
    """Return whether a database has the schema of this version."""
    return _revisions(connection) == [NEWEST]


def _revisions(connection: Connection) -> list[str]:
    """Return the revisions that Alembic has noted in the database. Empty: none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return []
    return list(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())


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
        raise ValueError(f"the database is newer than this version ({error})") from None
