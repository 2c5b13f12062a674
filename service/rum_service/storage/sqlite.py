"""SQLite: the embedded default. WAL, and a commit returns when the log of writes is on the disk."""

from __future__ import annotations

__all__ = ["open_sqlite"]

import sqlite3
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import URL
from sqlalchemy.pool import ConnectionPoolEntry

from rum_service.storage.dialect import Dialect


def open_sqlite(url: URL) -> Dialect:
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
    return Dialect(writer, reader, insert)


def _set_up(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    for pragma in (
        "busy_timeout = 10000",
        "journal_mode = WAL",
        # FULL: each commit waits for fsync. With NORMAL a power cut takes acknowledged batches.
        "synchronous = FULL",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # IMMEDIATE: a transaction that reads before it writes cannot lose the write lock in between.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
