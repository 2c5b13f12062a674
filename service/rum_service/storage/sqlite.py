"""SQLite, the default. A commit returns when the write-ahead log is on disk."""

from __future__ import annotations

__all__ = ["open_sqlite"]

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import URL
from sqlalchemy.pool import ConnectionPoolEntry

from rum_service.storage.database import BatchKey, BatchRow, Database, Inserted, StoredRow
from rum_service.storage.sqlite_checkpoints import Checkpoints, driver_of
from rum_service.storage.sqlite_files import DatabaseFiles

# How long to wait while another process holds a lock.
_BUSY_S = 10.0
_BUSY_TIMEOUT = f"PRAGMA busy_timeout = {round(_BUSY_S * 1000)}"
_RETRY_S = 0.02
# 64 MB. A commit that makes the write-ahead log longer copies it into the file, and puts wait. The
# thread of `Checkpoints` nearly always comes first; commands without it write to the file, too.
_CHECKPOINT_PAGES = 16_000
# 16 MB for the writer, so that the index of batch IDs stays in memory: it has 1,250 pages after ten
# million events in batches of 50. With SQLite's 2 MB, an append takes 9 to 13 % more CPU then than
# with an empty log; with this, as much (2026-11). Readers keep the default.
_WRITER_CACHE = "PRAGMA cache_size = -16384"
# IMMEDIATE: take the write lock now, so that no other writer comes between a read and a write.
_BEGIN = "BEGIN IMMEDIATE"
# Appends use the driver: SQLAlchemy adds 20 µs per transaction and 9 µs per batch. The whole append
# takes 42 µs for a lone event, without the disk (2026-11).
_INSERT = """
INSERT INTO batches (app_monitor, batch_id, digest, received_ms, first_ms, last_ms, event_count,
                     payload, dropped_events, country, checksum)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
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
_STORED = """
SELECT sequence, received_ms, digest, payload, checksum
FROM batches WHERE app_monitor = ? AND batch_id = ?
"""
_NTH_NEWEST = "SELECT sequence FROM batches ORDER BY sequence DESC LIMIT 1 OFFSET ?"


# sqlite3 searches for a way to adapt each value that is bytes or None, as it does not for numbers
# and text. These functions change nothing and are found at once: inserting a batch of one event
# takes 0.7 µs less (Python 3.11, 2026-11).
sqlite3.register_adapter(bytes, bytes)
sqlite3.register_adapter(type(None), lambda none: none)

# New batches need space soon, so some stays in the file: 8 MB and a sixteenth.
_SPARE_PAGES = 2_000
_SPARE_PART = 16
# Puts wait while pages move.
_PAGES_AT_ONCE = 256
_INCREMENTAL = 2

# The write-ahead log grows while a reader is slow, and SQLite would keep its size.
_MAX_IDLE_WAL_BYTES = 64 << 20


class SqliteDatabase(Database):
    """A database in a file.

    Nothing is acknowledged, and no connection is opened, unless the path still leads to the file
    that was opened first.
    """

    _files: DatabaseFiles | None = None
    _checkpoints: Checkpoints | None = None
    _anchor: Connection | None = None
    """Keeps the files open, so that the write-ahead log is not replaced by a new one."""

    def __init__(self, **engines: Any) -> None:
        super().__init__(**engines)
        for engine in (self._writer, self._reader):
            event.listen(engine, "do_connect", self._before_connecting)

    def insert_batches(self, rows: Sequence[BatchRow]) -> Inserted:
        with self._kept_connection() as connection:
            driver = driver_of(connection)
            driver.execute(_BEGIN)
            count = driver.executemany(_INSERT, rows).rowcount
            if count:
                driver.execute(_WIDEN_SPANS, [len(rows)])
            first = None
            if 0 < count < len(rows):
                # Only this transaction writes, so its rows have the highest sequences.
                (first,) = driver.execute(_NTH_NEWEST, [count - 1]).fetchone()
            # Before the commit: a failure of this read must leave nothing stored.
            stored = _stored(driver, rows) if count < len(rows) else {}
            driver.commit()
            self._check_committed(connection)
            return Inserted(count, first, stored)

    def give_back_space(self) -> bool:
        with self.read() as connection:
            mode, pages, unused = (
                connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("auto_vacuum", "page_count", "freelist_count")
            )
        excess = unused - _SPARE_PAGES - pages // _SPARE_PART
        if mode != _INCREMENTAL or excess <= 0:
            return False
        step = min(excess, _PAGES_AT_ONCE)
        with self._kept_connection() as connection:
            driver = driver_of(connection)
            # `execute` would move one page: the pragma has a step for each, but returns no rows.
            driver.executescript(f"{_BEGIN}; PRAGMA incremental_vacuum({step}); COMMIT")
            self._check_committed(connection)
        return bool(excess > step)

    def scrub(self) -> bool:
        # `secure_delete` has overwritten the bytes in the pages. This cuts the write-ahead log to
        # nothing, which has older copies of the pages.
        with self._reader.connect() as connection:
            driver = driver_of(connection)
            # PASSIVE copies the pages while others write. TRUNCATE keeps them from writing, so it
            # must not wait for readers.
            driver.execute("PRAGMA wal_checkpoint(PASSIVE)")
            driver.execute("PRAGMA busy_timeout = 0")
            try:
                (is_busy, _, _) = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                driver.execute(_BUSY_TIMEOUT)
            return not is_busy

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        with super().migrating() as connection:
            yield connection
        self._anchor = self._reader.connect()
        # Reading opens the write-ahead log.
        self._anchor.exec_driver_sql("SELECT count(*) FROM sqlite_master").fetchall()
        _, _, path = self._anchor.exec_driver_sql("PRAGMA database_list").fetchall()[0]
        self._files = DatabaseFiles(path)
        self._checkpoints = Checkpoints(self._reader, self._write_lock)

    def close(self) -> None:
        if self._checkpoints and not self._checkpoints.stop():
            return  # closing would wait for the lock, and the process would not end
        if self._anchor:
            self._anchor.close()
        super().close()

    def _check_committed(self, connection: Connection) -> None:
        # After the commit: a check before it would miss what happens during the fsync.
        if self._checkpoints:
            self._checkpoints.note_commit()
        if self._files:
            self._files.check()

    def _before_connecting(self, *_: object) -> None:
        # SQLite would create an empty database.
        if self._files:
            self._files.check()


def _stored(driver: sqlite3.Connection, rows: Sequence[BatchRow]) -> dict[BatchKey, StoredRow]:
    keys = {(row[0], row[1]) for row in rows}
    return {key: StoredRow(*driver.execute(_STORED, key).fetchone()) for key in keys}


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
    event.listen(writer, "connect", _enlarge_cache)
    event.listen(reader, "connect", _configure)
    event.listen(writer, "begin", _begin)
    return SqliteDatabase(writer=writer, reader=reader, insert=insert)


def _configure(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.execute(_BUSY_TIMEOUT)
    # Before the file has its first page. Later it would write the same to the file again.
    if connection.execute("PRAGMA page_count").fetchone() == (0,):
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    _enable_wal(connection)
    # FULL: each commit waits for fsync. With NORMAL, a power failure loses accepted batches.
    connection.execute("PRAGMA synchronous = FULL")
    # Overwrite what is deleted: an erasure must leave no bytes of it. Appends delete nothing.
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    connection.execute(f"PRAGMA journal_size_limit = {_MAX_IDLE_WAL_BYTES}")


def _enlarge_cache(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.execute(_WRITER_CACHE)


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
