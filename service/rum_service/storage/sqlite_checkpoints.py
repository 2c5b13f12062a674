"""Copies SQLite's write-ahead log into the database file while batches are appended.

SQLite would do this within a commit once the log is long, and all puts would wait for it: 10 to
360 ms every few seconds, with ten million events and 200 puts per second (2026-11).
"""

from __future__ import annotations

__all__ = ["Checkpoints", "driver_of"]

import sqlite3
import threading
from contextlib import AbstractContextManager, suppress
from typing import cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from rum_service.storage.sqlite_files import FilesReplacedError

_INTERVAL_S = 1.0
# 32 MB. Batch IDs are random, so the pages of their index change again and again.
_LONG_LOG_PAGES = 8_000
# A disk that does not answer must not keep the process from ending. SQLite survives that.
_STOP_S = 5.0


class Checkpoints:
    """A thread that runs from the creation of this object until `stop`.

    Args:
        engine: connects to the database without beginning transactions.
        write_lock: nobody in this process commits while it is held.
        interval_s: how often to copy what has been committed.
        long_log_pages: from this length on, the log has to begin anew.
    """

    def __init__(
        self,
        engine: Engine,
        write_lock: AbstractContextManager[object],
        *,
        interval_s: float = _INTERVAL_S,
        long_log_pages: int = _LONG_LOG_PAGES,
    ) -> None:
        self._engine = engine
        self._write_lock = write_lock
        self._interval_s = interval_s
        self._long_log_pages = long_log_pages
        self._is_due = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._repeat, name="checkpoints", daemon=True)
        self._thread.start()

    def note_commit(self) -> None:
        """Say that the log has grown."""
        self._is_due = True

    def stop(self) -> bool:
        """End the thread. Return whether it has ended.

        A checkpoint that runs gets some seconds. Afterwards it may still hold the lock.
        """
        self._stopping.set()
        self._thread.join(_STOP_S)
        return not self._thread.is_alive()

    def _repeat(self) -> None:
        while not self._stopping.wait(self._interval_s):
            if self._is_due:
                self._is_due = False
                # The next commit meets the same fault, and reports it.
                with suppress(SQLAlchemyError, sqlite3.Error, FilesReplacedError):
                    self._run()

    def _run(self) -> None:
        with self._engine.connect() as connection:
            driver = driver_of(connection)
            if _copy(driver) >= self._long_log_pages:
                # SQLite begins the log anew with the next commit, if all of it has been copied.
                # Only the pages of the last few commits are left.
                with self._write_lock:
                    _copy(driver)


def _copy(driver: sqlite3.Connection) -> int:
    """Copy what no reader needs, without waiting. Return the length of the log in pages."""
    _, pages, _ = driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return int(pages)


def driver_of(connection: Connection) -> sqlite3.Connection:
    """Return the connection of the driver."""
    return cast("sqlite3.Connection", connection.connection.driver_connection)
