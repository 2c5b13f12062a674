"""SQLite, the default. A commit returns when the write-ahead log is on disk."""

from __future__ import annotations

__all__ = ["open_sqlite"]

import sqlite3
import time
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import URL
from sqlalchemy.pool import ConnectionPoolEntry

from rum_service.storage.database import Database

# How long to wait while another process holds a lock.
_BUSY_S = 10.0
_RETRY_S = 0.02


def open_sqlite(url: URL) -> Database:
    """Open or create the file that `url` names.

    Raises:
        ValueError: `url` names an in-memory database, which would lose accepted batches.
    """
    if not url.database or url.database == ":memory:":
        raise ValueError("the URL must name a file, as in sqlite:///var/openrum.sqlite3")
    Path(url.database).parent.mkdir(0o700, parents=True, exist_ok=True)
    # isolation_level None: `_begin` starts transactions, not the driver.
    # hide_parameters: errors are logged, and must not contain event data.
    open_pool = partial(
        create_engine, url, hide_parameters=True, connect_args={"isolation_level": None}
    )
    writer, reader = open_pool(), open_pool()
    event.listen(writer, "connect", _configure)
    event.listen(reader, "connect", _configure)
    event.listen(writer, "begin", _begin)
    return Database(writer=writer, reader=reader, insert=insert)


def _configure(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.execute(f"PRAGMA busy_timeout = {round(_BUSY_S * 1000)}")
    _enable_wal(connection)
    # FULL: each commit waits for fsync. With NORMAL, a power failure loses accepted batches.
    connection.execute("PRAGMA synchronous = FULL")


def _enable_wal(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL. SQLite ignores busy_timeout for the first switch, so retry it."""
    deadline = time.monotonic() + _BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(_RETRY_S)


def _begin(connection: Connection) -> None:
    # IMMEDIATE: take the write lock now, so that no other writer comes between a read and a write.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
