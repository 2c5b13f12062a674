"""A SQL database that is open. `sqlite.py` and `postgres.py` open one; the `sql_*` parts use it."""

from __future__ import annotations

__all__ = ["BatchKey", "BatchRow", "Database", "Insert", "Inserted", "StoredRow", "reason_of"]

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import RootTransaction
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from rum_service.storage.records import Removed
from rum_service.storage.schema import batches

Insert = sqlite.Insert | postgresql.Insert

_NEWEST = select(func.coalesce(func.max(batches.c.sequence), 0))


BatchRow = tuple[int, bytes, bytes, int, int, int, int, bytes, int, str | None, int]
"""The values of a new batch: app monitor, batch ID, digest, received_ms, first_ms, last_ms, event
count, payload, dropped events, country, checksum."""


BatchKey = tuple[int, bytes]
"""App monitor and batch ID."""


class StoredRow(NamedTuple):
    """The columns that tell whether a batch in the log equals the one to insert."""

    sequence: int
    received_ms: int
    digest: bytes
    payload: bytes
    checksum: int | None


class Inserted(NamedTuple):
    """What `Database.insert_batches` inserted."""

    rows: int
    first_sequence: int | None = None
    """Their lowest sequence. May be None if all rows were inserted or none."""
    stored: Mapping[BatchKey, StoredRow] = {}
    """All the rows in the log that have these keys. Empty if all rows were inserted."""
    again: bool = False
    """Whether an earlier attempt got no response. It may have stored rows with the same time."""


class Database(ABC):
    """The connections to a database, and the statements that depend on its dialect. Thread-safe."""

    probe_sequence: int | None = -1
    """The sequence of a batch that is deleted at once. None: the next one. No batch has -1."""

    def __init__(self, *, writer: Engine, reader: Engine, insert: Callable[..., Insert]) -> None:
        """Args:
        writer: takes the write lock, if the database has one, when a transaction begins.
        reader: runs each statement in its own transaction.
        insert: the dialect's INSERT, which supports ON CONFLICT.
        """
        self.insert = insert
        self._writer = writer
        self._reader = reader
        self._write_lock = threading.Lock()
        self._write_connection: Connection | None = None

    @abstractmethod
    def insert_batches(self, rows: Sequence[BatchRow]) -> Inserted:
        """Insert the rows whose app monitor and batch ID are new, in one transaction.

        Their sequences are in the order of the rows, and above those of all earlier commits. The
        rows are on disk when this returns, and so are the rows that had the IDs already. If it
        raises, the rows may have been inserted: a commit may succeed without an answer.
        """

    @abstractmethod
    def give_back_space(self) -> bool:
        """Return a part of the unused disk space to the system. Return whether more is left."""

    def removal_ms(self, before_ms: int) -> int:
        """Return the latest time, at most `before_ms`, before which batches can be removed at once.

        The default is that time itself.
        """
        return before_ms

    def drop_old(self, before_ms: Mapping[int, int]) -> Mapping[int, Removed]:
        """Remove many old batches without deleting each one, if the database can do that.

        Args:
            before_ms: by app monitor, its batches received before this time are old.

        Returns:
            What was removed, by app monitor. More may be left.
        """
        return {}

    def maintain(self, now_ms: int | None = None) -> None:
        """Perform regular maintenance of the log. May block for minutes.

        Args:
            now_ms: the time, in milliseconds since the Unix epoch. None: the server's.
        """
        return

    def newest_stored(self, connection: Connection) -> int:
        """Return the highest sequence in the log. 0: the log is empty."""
        newest: int = connection.execute(_NEWEST).scalar_one()
        return newest

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction. It commits when the block ends and rolls back when the block raises.

        Only one block runs at a time: several SQLite writers would only wait for each other.
        """
        with self._kept_connection() as connection:
            with self._begin(connection):
                yield connection
            self._check_committed(connection)

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """Open a transaction like `write`, which may take any time."""
        with self.write() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a connection on which each statement sees everything committed before it."""
        with self._reader.connect() as connection:
            yield connection

    def scrub(self) -> bool:
        """Overwrite deleted bytes that the database keeps. Return whether that succeeded."""
        return True

    def close(self) -> None:
        """Close all connections."""
        with self._write_lock:
            if self._write_connection:
                self._write_connection.close()
                self._write_connection = None
        self._writer.dispose()
        self._reader.dispose()

    @contextmanager
    def _kept_connection(self) -> Iterator[Connection]:
        """Lend the connection for writing to one thread at a time.

        It is kept for the next block: taking one from the pool costs as much as committing a
        small group. A block that raises closes it, which ends its transaction.
        """
        with self._write_lock:
            connection = self._write_connection or self._writer.connect()
            self._write_connection = None
            try:
                yield connection
            except BaseException:
                connection.close()
                raise
            self._write_connection = connection

    @abstractmethod
    def _check_committed(self, connection: Connection) -> None:
        """Raise if the last commit on `connection` may be lost."""

    def _begin(self, connection: Connection) -> RootTransaction:
        """Begin a transaction. A connection that the server has closed is replaced.

        Nothing has been executed in the transaction yet, so trying again is safe.
        """
        try:
            return connection.begin()
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            return connection.begin()  # connects again


def reason_of(error: SQLAlchemyError) -> str:
    """Return the driver's message. That of SQLAlchemy contains the statement too."""
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]
