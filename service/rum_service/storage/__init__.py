"""Stores: where batches and app monitors are kept. `open_store` picks one by URL."""

from __future__ import annotations

__all__ = ["open_store"]

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from rum_service.storage.base import Store
from rum_service.storage.migrate import migrate
from rum_service.storage.postgres import open_postgres
from rum_service.storage.sql import SqlStore
from rum_service.storage.sqlite import open_sqlite

_OPENERS = {"sqlite": open_sqlite, "postgresql+psycopg": open_postgres}


def open_store(url: str) -> Store:
    """Opens the database and brings its schema up to date. Blocks.

    Raises:
        ValueError: the URL names no database that can be opened; the text holds no password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # the second's text may hold a piece of the password
        raise ValueError("not a database URL; sqlite:///var/openrum.sqlite3 is one") from None
    opener = _OPENERS.get(parsed.drivername)
    if opener is None:
        known = " or ".join(f"{name}://" for name in _OPENERS)
        raise ValueError(f"{parsed.drivername}:// is not supported; use {known}")
    if parsed.host and "@" in f"{parsed.host}{parsed.database}":
        # What is taken for the host may be a piece of the password, and would be in the text.
        raise ValueError("an @ in a user name or password is written %40, a / is %2F, a : is %3A")
    store = SqlStore(dialect := opener(parsed))
    try:
        migrate(dialect.writer)
    except ValueError:
        store.close()
        raise
    return store
