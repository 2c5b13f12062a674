"""PostgreSQL, through psycopg: for several service processes on one log, and for replicas."""

from __future__ import annotations

__all__ = ["open_postgres"]

from sqlalchemy import create_engine
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import URL

from rum_service.storage.dialect import Dialect


def open_postgres(url: URL) -> Dialect:
    """Opens the database of `url`, `postgresql+psycopg://...`; it must exist."""
    # pre_ping: a connection that the server has dropped is replaced before a batch waits on it.
    # synchronous_commit: the promise holds even where the server's own default is laxer.
    options = {"options": "-c synchronous_commit=on", "connect_timeout": 10}
    writer = create_engine(url, pool_pre_ping=True, pool_size=2, connect_args=options)
    reader = create_engine(
        url, pool_pre_ping=True, pool_size=4, connect_args=options, isolation_level="AUTOCOMMIT"
    )
    return Dialect(writer, reader, insert)
