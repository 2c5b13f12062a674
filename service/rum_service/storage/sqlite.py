"""SQLite, the default. A commit returns when the write-ahead log is on disk."""

from __future__ import annotations

__all__ = ["open_sqlite"]

import sqlite3
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import cast

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import URL
from sqlalchemy.pool import ConnectionPoolEntry

from rum_service.storage.database import BatchRow, Database, Inserted

# How long to wait while another process holds a lock.
_BUSY_S = 10.0
_RETRY_S = 0.02
# IMMEDIATE: take the write lock now, so that no other writer comes between a read and a write.
_BEGIN = "BEGIN IMMEDIATE"
# Appends use the driver: SQLAlchemy adds 20 µs per transaction and 9 µs per batch. The whole append
# of a lone event takes 42 µs without the disk (2026-11).
_INSERT = """
INSERT INTO batches (app_monitor, batch_id, digest, received_ms, first_ms, last_ms, event_count,
                     payload, dropped_events)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""
# 10 is BLOCK_BITS. NOT INDEXED: otherwise SQLite reads a whole index to group by app monitor.
# A group takes at most as many sequences as it has batches, so this reads all its rows; rows before
# them do no harm.
_WIDEN_SPANS = """
INSERT INTO batch_spans (app_monitor, block, first_ms, last_ms)
SELECT app_monitor, sequence >> 10, min(first_ms) & ~1023, max(last_ms) | 1023
FROM batches NOT INDEXED WHERE sequence > last_insert_rowid() - ? GROUP BY 1, 2
ON CONFLICT (app_monitor, block) DO UPDATE
SET first_ms = min(first_ms, excluded.first_ms), last_ms = max(last_ms, excluded.last_ms)
WHERE excluded.first_ms < first_ms OR excluded.last_ms > last_ms
"""
_NTH_NEWEST = "SELECT sequence FROM batches ORDER BY sequence DESC LIMIT 1 OFFSET ?"


class SqliteDatabase(Database):
    """A database in a file."""

    def insert_batches(self, rows: Sequence[BatchRow]) -> Inserted:
        with self._kept_connection() as connection:
            driver = cast("sqlite3.Connection", connection.connection.driver_connection)
            driver.execute(_BEGIN)
            count = driver.executemany(_INSERT, rows).rowcount
            if count:
                driver.execute(_WIDEN_SPANS, [len(rows)])
            first = None
            if 0 < count < len(rows):
                # Only this transaction writes, so its rows have the highest sequences.
                (first,) = driver.execute(_NTH_NEWEST, [count - 1]).fetchone()
            driver.commit()
            return Inserted(count, first)

    def _check_committed(self, connection: Connection) -> None:
        """What SQLite has committed is on disk."""


def open_sqlite(url: URL) -> SqliteDatabase:
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
    return SqliteDatabase(writer=writer, reader=reader, insert=insert)


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
    connection.exec_driver_sql(_BEGIN)
