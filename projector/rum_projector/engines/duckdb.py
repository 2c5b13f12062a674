"""DuckDB: a file that one process at a time can open.

DuckDb              transactions
├── duckdb_file     opens the file or sets it aside, and creates the tables
├── duckdb_queries  runs queries with time limits
├── duckdb_cursors  statements that read and move the cursors
├── duckdb_rows     inserts the rows of chunks, and deletes those of old batches
├── duckdb_hours    adds up the counts of whole hours
└── duckdb_erasing  deletes the rows of batches, and their bytes from the file
"""

from __future__ import annotations

__all__ = ["DuckDb", "open_duckdb"]

import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import Executable, delete, func, select

from rum_projector.engines import duckdb_cursors as cursors
from rum_projector.engines import duckdb_erasing as erasing
from rum_projector.engines import duckdb_file as file
from rum_projector.engines import duckdb_hours as hours
from rum_projector.engines import duckdb_rows as rows
from rum_projector.engines.base import BrokenError, Chunk, Cursor, EngineError, Place, Query
from rum_projector.engines.dialect import run
from rum_projector.engines.duckdb_queries import Queries
from rum_projector.schema import OF_BATCHES, OF_HOURS, error_groups, events

# A query takes at most 5 s.
_CHECKPOINTS, _CHECKPOINT_RETRY_S = 100, 0.1
_OF_APP_MONITORS = (*OF_BATCHES, *OF_HOURS, error_groups)
_MAX_SCAN_S = 60.0


class DuckDb:
    """Implements `Engine`.

    Args:
        name: identifies the log, so that a file is not continued with another log.
    """

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        self._path = path
        self._connection = connection
        self._name = name
        self._writing = threading.Lock()
        self._queries = Queries(connection, self._failure)
        self._is_broken = False

    def cursor(self) -> Cursor:
        if self._is_broken:
            raise BrokenError(f"DuckDB: {self._path} is damaged")
        return cursors.cursor_of(self.query(cursors.select_cursors()), self._name)

    def write(self, chunk: Chunk, *, after: Place, until: Place, now_ms: int) -> None:
        added = len(chunk.events)
        move = cursors.advance(self._name, after=after, until=until, added=added, now_ms=now_ms)
        with self._transaction() as connection:
            if not run(connection, move):
                raise EngineError("another process has moved the cursor of the projection")
            rows.insert_events(connection, chunk)
            rows.insert_error_groups(connection, chunk)

    def add_up_hours(self, *, limit: int) -> bool:
        with self._connection.cursor() as connection:
            missing = hours.missing_hours(connection)
        if missing:
            with self._transaction() as connection:
                hours.add_up(connection, missing[:limit])
        return len(missing) > limit

    def replace(
        self, chunk: Chunk, *, sequences: Collection[int], after: int, change: int, now_ms: int
    ) -> None:
        with self._transaction() as connection:
            if not run(connection, cursors.advance_erased(after=after, change=change)):
                raise EngineError("another process has moved the cursor of the projection")
            added = len(chunk.events) - erasing.delete_batches(connection, sequences)
            rows.insert_events(connection, chunk)
            erasing.find_first_errors(connection, sequences)
            run(connection, cursors.add_events(self._name, added, now_ms=now_ms))
            run(connection, cursors.finish_batch(self._name, sequences))

    def scrub(self) -> bool:
        erased = self.cursor().erased
        with self._transaction() as connection:
            erasing.rewrite_tables(connection)
        if not self._checkpoint():
            return False
        with self._transaction() as connection:
            erasing.fill_free_blocks(connection)
        if not self._checkpoint():
            return False
        with self._transaction() as connection:
            erasing.delete_filling(connection)
            run(connection, cursors.set_scrubbed(erased))
        self._checkpoint()
        return True

    def clear(self, *, rebuild_until: int, now_ms: int) -> None:
        with self._transaction() as connection:
            file.create_tables(connection, self._name, rebuild_until=rebuild_until, now_ms=now_ms)

    def app_monitors(self) -> set[int]:
        found: set[int] = set()
        for table in _OF_APP_MONITORS:
            found.update(key for (key,) in self.query(select(table.c.monitor).distinct()))
        return found

    def delete_app_monitors(self, keys: Collection[int]) -> None:
        with self._transaction() as connection:
            for table in _OF_APP_MONITORS:
                run(connection, delete(table).where(table.c.monitor.in_(keys)))
            run(connection, cursors.count_events(self._name))

    def first_sequences(self) -> dict[int, int]:
        firsts = select(events.c.monitor, func.min(events.c.sequence)).group_by(events.c.monitor)
        return dict(self.query(firsts, timeout_s=_MAX_SCAN_S))

    def delete_before(self, sequences: Mapping[int, int]) -> None:
        with self._transaction() as connection:
            for monitor, sequence in sequences.items():
                rows.delete_before(connection, monitor, sequence)
            run(connection, cursors.count_events(self._name))

    def query(self, statement: Executable, *, timeout_s: float = 5.0) -> Sequence[tuple[Any, ...]]:
        return self._queries.query(statement, timeout_s=timeout_s)

    def snapshot(
        self, *, timeout_s: float, alone: bool = True, stop: threading.Event | None = None
    ) -> AbstractContextManager[Query]:
        return self._queries.snapshot(timeout_s=timeout_s, alone=alone, stop=stop)

    def size_bytes(self) -> int:
        return file.size_bytes(self._path)

    def close(self) -> None:
        with self._writing:
            self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open a transaction that commits when the block ends and rolls back when it raises."""
        with self._writing, self._connection.cursor() as connection:
            try:
                connection.begin()
                yield connection
                connection.commit()
            except duckdb.Error as error:
                raise self._failure(error) from error

    def _checkpoint(self) -> bool:
        """Write all changes to the file, and free what they replaced. False: queries run."""
        for _ in range(_CHECKPOINTS):
            try:
                with self._writing, self._connection.cursor() as connection:
                    connection.execute("CHECKPOINT")
                    return True
            except duckdb.TransactionException:
                time.sleep(_CHECKPOINT_RETRY_S)
            except duckdb.Error as error:
                raise self._failure(error) from error
        return False

    def _failure(self, error: duckdb.Error) -> EngineError:
        """Return the error to raise. Its text is one line: the lines below may show values."""
        text = f"DuckDB: {str(error).partition(chr(10))[0][:300]}"
        if "Corrupt database file" in text:
            self._is_broken = True
            return BrokenError(text)
        return EngineError(text)


def open_duckdb(
    path: Path,
    *,
    name: str,
    memory_bytes: int,
    newest: int,
    now_ms: int,
    continues: bool = True,
) -> tuple[DuckDb, Path | None]:
    """Open or create the file, which has to be locked against other projectors.

    A file that is broken, or that has another version or another log, is set aside.

    Args:
        name: identifies the log.
        newest: the newest sequence in the log, for a projection that is created.
        continues: False sets the file aside in any case.

    Returns:
        The engine, and the path to which a file was set aside.

    Raises:
        EngineError: the file cannot be read or written, or another program has opened it.
    """
    connection, aside = file.open_file(
        path, name=name, memory_bytes=memory_bytes, continues=continues
    )
    engine = DuckDb(path, connection, name)
    if not file.has_tables(connection):
        engine.clear(rebuild_until=newest, now_ms=now_ms)
    return engine, aside
