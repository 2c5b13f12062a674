"""Brings a database to the schema of this code, with Alembic."""

from __future__ import annotations

__all__ = ["migrate"]

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

# Any number will do, as long as every process asks for the same one.
_POSTGRES_LOCK = 0x52554D


def migrate(engine: Engine) -> None:
    """Applies what is missing; processes that start together wait for each other.

    Raises:
        ValueError: the database cannot be opened, or is newer than this code.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                lock = text("SELECT pg_advisory_xact_lock(:key)")
                connection.execute(lock, {"key": _POSTGRES_LOCK})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise ValueError(f"the database is newer than this version ({error})") from None
    except SQLAlchemyError as error:
        # Only the driver's own words: SQLAlchemy's would repeat the statement.
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise ValueError(f"the database cannot be opened: {reason}") from None
