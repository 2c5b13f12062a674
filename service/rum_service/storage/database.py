"""A SQL database that is open. `sqlite.py` and `postgres.py` open one; the `sql_*` parts use it."""

from __future__ import annotations

__all__ = ["Database", "Insert"]

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.dialects import postgresql, sqlite

Insert = sqlite.Insert | postgresql.Insert


class Database:
    """The connections to a database, and the INSERT statement of its dialect. Thread-safe."""

    def __init__(self, *, writer: Engine, reader: Engine, insert: Callable[..., Insert]) -> None:
        """Args:
        writer: takes the write lock, if the database has one, when a transaction begins.
        reader: runs each statement in its own transaction.
        insert: the dialect's INSERT, which supports ON CONFLICT.
        """
        self.insert = insert
        self.dialect = writer.dialect
        self._writer = writer
        self._reader = reader
        self._write_lock = threading.Lock()
        self._write_connection: Connection | None = None

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction. It commits when the block ends and rolls back when the block raises.

        Only one block runs at a time: several SQLite writers would only wait for each other. The
        connection is kept for the next block: taking one from the pool costs as much as the commit
        of a small group. A block that raises closes it.
        """
        with self._write_lock:
            connection = self._write_connection or self._writer.connect()
            self._write_connection = None
            try:
                with connection.begin():
                    yield connection
            except BaseException:
                connection.close()
                raise
            self._write_connection = connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a connection on which each statement sees everything committed before it."""
        with self._reader.connect() as connection:
            yield connection

    def close(self) -> None:
        """Close all connections."""
        with self._write_lock:
            if self._write_connection:
                self._write_connection.close()
                self._write_connection = None
        self._writer.dispose()
        self._reader.dispose()
