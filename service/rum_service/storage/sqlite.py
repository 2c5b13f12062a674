"""SQLite: the embedded default. WAL, and a commit returns when the log of writes is on the disk."""

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

# How long a lock of another process is waited for.
_BUSY_S = 10.0
_TRY_AGAIN_S = 0.02


def open_sqlite(url: URL) -> Database:
    """Opens, or makes, the file of `url`. An in-memory database is refused: it keeps no promise."""
    if not url.database or url.database == ":memory:":
        raise ValueError("a file is needed, as in sqlite:///var/openrum.sqlite3")
    Path(url.database).parent.mkdir(0o700, parents=True, exist_ok=True)
    # None: transactions begin where this file says, not where the driver guesses.
    # hide_parameters: what fails is logged, what was to be stored is not.
    open_pool = partial(
        create_engine, url, hide_parameters=True, connect_args={"isolation_level": None}
    )
    writer, reader = open_pool(), open_pool()
    event.listen(writer, "connect", _set_up)
    event.listen(reader, "connect", _set_up)
    event.listen(writer, "begin", _begin)
    return Database(writer, reader, insert)


def _set_up(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.execute(f"PRAGMA busy_timeout = {round(_BUSY_S * 1000)}")
    _write_ahead(connection)
    # FULL: each commit waits for fsync. With NORMAL a power cut takes acknowledged batches.
    connection.execute("PRAGMA synchronous = FULL")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switches to WAL. The first switch of a file does not heed busy_timeout: it is tried again."""
    give_up = time.monotonic() + _BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
        time.sleep(_TRY_AGAIN_S)


def _begin(connection: Connection) -> None:
    # IMMEDIATE: a transaction that reads before it writes cannot lose the write lock in between.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
