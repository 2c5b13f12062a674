"""Migrate a database to the current schema, with Alembic."""

from __future__ import annotations

__all__ = ["migrate"]

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from rum_service.storage.database import Database

# Arbitrary, but the same in every process.
_POSTGRES_LOCK = 0x52554D


def migrate(database: Database) -> None:
    """Apply the missing migrations. Processes that start together wait for each other.

    Raises:
        ValueError: the database cannot be opened, or has a newer schema than this version knows.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    try:
        with database.migrating() as connection:
            if connection.dialect.name == "postgresql":
                lock = text("SELECT pg_advisory_xact_lock(:key)")
                connection.execute(lock, {"key": _POSTGRES_LOCK})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise ValueError(f"the database is newer than this version ({error})") from None
    except SQLAlchemyError as error:
        # Use only the driver's message: SQLAlchemy's contains the statement too.
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise ValueError(f"the database cannot be opened: {reason}") from None
