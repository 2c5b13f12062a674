"""DuckDB: a file that one process at a time can open."""

from __future__ import annotations

__all__ = ["DuckDb", "open_duckdb"]

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
from sqlalchemy import (
    ColumnElement,
    Executable,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.schema import CreateTable, DropTable

from rum_projector.engines import duckdb_erasing as erasing
from rum_projector.engines.arrays import event_arrays, text_and_number_arrays
from rum_projector.engines.base import (
    BrokenError,
    Chunk,
    Cursor,
    CustomMetricRow,
    EngineError,
    ErrorGroupRow,
    QueryTimeoutError,
)
from rum_projector.engines.dialect import run
from rum_projector.event_counts import counts_by_minute
from rum_projector.schema import (
    PARTS,
    VERSION,
    cursors,
    custom_metrics,
    error_groups,
    event_counts,
    events,
    metadata,
)
from rum_service.events.measures import Kind

_Query: TypeAlias = Callable[[Executable], Sequence[tuple[Any, ...]]]

_TARGET = "rebuild"
"""The name of the cursor whose sequence is `Cursor.rebuild_until`."""
_ERASED = "erased"
"""The name of the cursor whose sequence is `Cursor.erased`."""
_SCRUBBED = "scrubbed"
"""The name of the cursor whose sequence is `Cursor.scrubbed`."""
_OTHER_CURSORS = {_TARGET, _ERASED, _SCRUBBED}

_PART_NAMES = [f"part_{number}" for number in range(PARTS)]
_LISTS = " ".join(
    f"WHEN {count} THEN [{', '.join(_PART_NAMES[:count])}]" for count in range(1, PARTS + 1)
)
_INSERT_EVENTS = f"""
INSERT INTO events BY NAME
SELECT * EXCLUDE (part_count, {", ".join(_PART_NAMES)}), CASE part_count {_LISTS} END AS parts
FROM arrived
"""  # noqa: S608 # of constants
_INSERT_GROUPS = """
INSERT INTO error_groups BY NAME SELECT * FROM arrived
ON CONFLICT (monitor, fingerprint) DO UPDATE
SET first_ms = excluded.first_ms, first_release = excluded.first_release, title = excluded.title,
    sample_sequence = excluded.sample_sequence, sample_position = excluded.sample_position
WHERE (excluded.first_ms, excluded.sample_sequence, excluded.sample_position)
    < (error_groups.first_ms, error_groups.sample_sequence, error_groups.sample_position)
"""
# DuckDB opens a file that was cut, and fails when it reads what is missing.
_HEADER_BYTES = 3 * 4096
_BLOCKS = "SELECT block_size, total_blocks FROM pragma_database_size()"
# A query takes at most 5 s.
_CHECKPOINTS, _CHECKPOINT_RETRY_S = 100, 0.1
_INSERT_METRICS = "INSERT INTO custom_metrics BY NAME SELECT * FROM arrived"
_OF_APP_MONITORS = (events, event_counts, error_groups, custom_metrics)
_MAX_SCAN_S = 60.0
_OF_BATCHES = (events, event_counts, custom_metrics)
# Those of one app monitor whose sample is in a batch before a sequence.
_DELETE_EMPTY_GROUPS = """
DELETE FROM error_groups WHERE monitor = $monitor AND sample_sequence < $sequence
AND fingerprint NOT IN (
    SELECT name FROM events WHERE monitor = $monitor AND kind = $kind AND name IS NOT NULL
)
"""
_REPLACE_SAMPLES = """
UPDATE error_groups
SET title = coalesce(earliest.message, ''), sample_sequence = earliest.sequence,
    sample_position = earliest.position
FROM (
    SELECT name, arg_min({'message': message, 'sequence': sequence, 'position': position},
                         (ts, sequence, position)) AS earliest
    FROM events WHERE monitor = $monitor AND kind = $kind AND name IS NOT NULL GROUP BY name
) AS found
WHERE monitor = $monitor AND sample_sequence < $sequence AND fingerprint = found.name
"""


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
        # Percentiles keep all values in memory: two statements over 9 million events took more than
        # 256 MiB. One at a time is as fast, because it uses two threads.
        self._turn = threading.Lock()
        self._is_broken = False

    def cursor(self) -> Cursor:
        if self._is_broken:
            raise BrokenError(f"DuckDB: {self._path} is damaged")
        found = {
            name: row
            for name, *row in self.query(
                select(cursors.c.name, cursors.c.sequence, cursors.c.events, cursors.c.updated_ms)
            )
        }
        sequence, count, updated_ms = found[self._name]
        return Cursor(
            sequence,
            count,
            updated_ms,
            rebuild_until=found[_TARGET][0],
            erased=found[_ERASED][0],
            scrubbed=found[_SCRUBBED][0],
        )

    def write(self, chunk: Chunk, *, after: int, sequence: int, now_ms: int) -> None:
        added = len(chunk.events)
        move = (
            update(cursors)
            .where(cursors.c.name == self._name, cursors.c.sequence == after)
            .values(sequence=sequence, events=cursors.c.events + added, updated_ms=now_ms)
            .returning(cursors.c.sequence)
        )
        with self._transaction() as connection:
            if not run(connection, move):
                raise EngineError("another process has moved the cursor of the projection")
            new = events.c.sequence > after, events.c.sequence <= sequence
            _insert_events(connection, chunk, *new)
            _insert_rows(
                connection,
                _INSERT_GROUPS,
                error_groups,
                ErrorGroupRow._fields,
                list(chunk.error_groups.values()),
            )

    def replace(
        self, chunk: Chunk, *, sequences: Collection[int], after: int, change: int, now_ms: int
    ) -> None:
        with self._transaction() as connection:
            if not run(connection, _move(_ERASED, after, change)):
                raise EngineError("another process has moved the cursor of the projection")
            added = len(chunk.events) - erasing.delete_batches(connection, sequences)
            _insert_events(connection, chunk, events.c.sequence.in_(sequences))
            erasing.find_first_errors(connection, sequences)
            run(
                connection,
                update(cursors)
                .where(cursors.c.name == self._name)
                .values(events=cursors.c.events + added, updated_ms=now_ms),
            )

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
            scrubbed = cursors.c.name == _SCRUBBED
            run(connection, update(cursors).where(scrubbed).values(sequence=erased))
        self._checkpoint()
        return True

    def clear(self, *, rebuild_until: int, now_ms: int) -> None:
        with self._transaction() as connection:
            _create_tables(connection, self._name, rebuild_until=rebuild_until, now_ms=now_ms)

    def app_monitors(self) -> set[int]:
        found: set[int] = set()
        for table in _OF_APP_MONITORS:
            found.update(key for (key,) in self.query(select(table.c.monitor).distinct()))
        return found

    def delete_app_monitors(self, keys: Collection[int]) -> None:
        with self._transaction() as connection:
            for table in _OF_APP_MONITORS:
                run(connection, delete(table).where(table.c.monitor.in_(keys)))
            self._count_events(connection)

    def first_sequences(self) -> dict[int, int]:
        firsts = select(events.c.monitor, func.min(events.c.sequence)).group_by(events.c.monitor)
        return dict(self.query(firsts, timeout_s=_MAX_SCAN_S))

    def delete_before(self, sequences: Mapping[int, int]) -> None:
        with self._transaction() as connection:
            for monitor, sequence in sequences.items():
                for table in _OF_BATCHES:
                    of_monitor = table.c.monitor == monitor, table.c.sequence < sequence
                    run(connection, delete(table).where(*of_monitor))
                of_groups = {"monitor": monitor, "sequence": sequence, "kind": int(Kind.JS_ERROR)}
                connection.execute(_DELETE_EMPTY_GROUPS, of_groups)
                connection.execute(_REPLACE_SAMPLES, of_groups)
            self._count_events(connection)

    def _count_events(self, connection: duckdb.DuckDBPyConnection) -> None:
        remaining = select(func.count()).select_from(events).scalar_subquery()
        of_log = cursors.c.name == self._name
        run(connection, update(cursors).where(of_log).values(events=remaining))

    def query(self, statement: Executable, *, timeout_s: float = 5.0) -> Sequence[tuple[Any, ...]]:
        with self._connection.cursor() as connection:
            return self._limited(connection, statement, timeout_s)

    @contextmanager
    def snapshot(self, *, timeout_s: float) -> Iterator[_Query]:
        end_s = time.monotonic() + timeout_s

        def query(statement: Executable) -> Sequence[tuple[Any, ...]]:
            remaining_s = end_s - time.monotonic()
            if remaining_s <= 0:
                raise QueryTimeoutError
            if not self._turn.acquire(timeout=remaining_s):
                raise QueryTimeoutError
            try:
                return self._limited(connection, statement, end_s - time.monotonic())
            finally:
                self._turn.release()

        with self._connection.cursor() as connection:
            connection.begin()  # closing the connection rolls it back
            yield query

    def _limited(
        self, connection: duckdb.DuckDBPyConnection, statement: Executable, timeout_s: float
    ) -> list[tuple[Any, ...]]:
        timer = threading.Timer(timeout_s, connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            return run(connection, statement)
        except duckdb.InterruptException:
            raise QueryTimeoutError from None
        except duckdb.Error as error:
            raise self._failure(error) from error
        finally:
            timer.cancel()

    def size_bytes(self) -> int:
        files = (self._path, _write_ahead_log(self._path))
        return sum(file.stat().st_size for file in files if file.exists())

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
    aside = None
    try:
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
        if path.exists():
            with path.open("r+b"):  # DuckDB's error would not say that permissions are missing
                pass
    except OSError as error:
        raise EngineError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    connection = _continued(path, name, memory_bytes) if continues else None
    if connection is None:
        aside = _set_aside(path) if path.exists() else None
        connection = _connect(path, memory_bytes)
    engine = DuckDb(path, connection, name)
    if not _tables(connection):
        engine.clear(rebuild_until=newest, now_ms=now_ms)
    return engine, aside


def _continued(path: Path, name: str, memory_bytes: int) -> duckdb.DuckDBPyConnection | None:
    """Open the file if it is empty or continues this log in this version. Else return None."""
    try:
        connection = _connect(path, memory_bytes)
    except duckdb.Error as error:
        if "Could not set lock" in str(error):
            raise EngineError(f"{path} is open in another program") from error
        return None
    try:
        if not _tables(connection):
            return connection
        found = dict(run(connection, select(cursors.c.name, cursors.c.version)))
        continues = found.keys() == {name, *_OTHER_CURSORS} and found[name] == VERSION
        if continues and _is_whole(connection, path):
            return connection
    except duckdb.Error:
        pass
    connection.close()
    return None


def _is_whole(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Return whether the file has all blocks that are used."""
    ((block_bytes, blocks),) = connection.execute(_BLOCKS).fetchall()
    present = (path.stat().st_size - _HEADER_BYTES) // block_bytes
    if present >= blocks:
        return True
    # DuckDB 2.0 removes free blocks from the end of the file, but still counts them.
    sources = [f"pragma_storage_info('{table}')" for table in metadata.tables]
    used = " UNION ALL ".join(
        f"SELECT max(block_id) AS block FROM {source}"  # noqa: S608 # of constants
        for source in (*sources, "pragma_metadata_info()")
    )
    ((last,),) = connection.execute(f"SELECT max(block) FROM ({used})").fetchall()  # noqa: S608
    return bool(last < present)


def _connect(path: Path, memory_bytes: int) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(
        path,
        config={
            "memory_limit": f"{memory_bytes}B",
            # A single query uses two cores. Puts go first: the process runs at nice 10.
            "threads": 2,
            # Returns freed memory to the system: 360 MB after a catch-up become 235 (2026-11).
            "allocator_background_threads": True,
            # A checkpoint writes the last rows of each table again. At 16 MiB, the default, it took
            # 0.8 µs more per event while the projector caught up, and 75 MB more memory (2026-11).
            "checkpoint_threshold": "32MiB",
            # Nothing that a statement names may be loaded, from a file or from the network.
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "enable_external_access": False,
            # Arrays of objects are texts. DuckDB would derive another type from the first ones.
            "pandas_analyze_sample": 0,
        },
    )


def _create_tables(
    connection: duckdb.DuckDBPyConnection, name: str, *, rebuild_until: int, now_ms: int
) -> None:
    for table in metadata.sorted_tables:
        run(connection, DropTable(table, if_exists=True))
        run(connection, CreateTable(table))
    start = {"version": VERSION, "events": 0, "updated_ms": now_ms}
    # Erasures are followed from the first one again, which changes nothing.
    sequences = {name: 0, _TARGET: rebuild_until, _ERASED: 0, _SCRUBBED: 0}
    for cursor, sequence in sequences.items():
        run(connection, insert(cursors).values({**start, "name": cursor, "sequence": sequence}))


def _tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return connection.execute("SHOW TABLES").fetchall()


def _set_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.aside")
    path.replace(aside)
    _write_ahead_log(aside).unlink(missing_ok=True)
    if _write_ahead_log(path).exists():
        _write_ahead_log(path).replace(_write_ahead_log(aside))
    return aside


def _write_ahead_log(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _move(name: str, after: int, sequence: int) -> Executable:
    """Return a statement that moves a cursor and returns a row, if the cursor is at `after`."""
    return (
        update(cursors)
        .where(cursors.c.name == name, cursors.c.sequence == after)
        .values(sequence=sequence)
        .returning(cursors.c.sequence)
    )


def _insert_events(
    connection: duckdb.DuckDBPyConnection, chunk: Chunk, *counted: ColumnElement[bool]
) -> None:
    """Insert a chunk's events, the values of custom metrics, and the counts of the events.

    Args:
        counted: the conditions that these events, and no others, meet.
    """
    if chunk.events:
        arrays = event_arrays(chunk.events)
        chunk.events.clear()
        _insert(connection, _INSERT_EVENTS, arrays)
        del arrays
        columns = list(event_counts.c)
        run(connection, insert(event_counts).from_select(columns, counts_by_minute(*counted)))
    fields = CustomMetricRow._fields
    _insert_rows(connection, _INSERT_METRICS, custom_metrics, fields, chunk.custom_metrics)


def _insert(connection: duckdb.DuckDBPyConnection, text: str, arrays: dict[str, Any]) -> None:
    connection.register("arrived", arrays)
    connection.execute(text)
    connection.unregister("arrived")


def _insert_rows(
    connection: duckdb.DuckDBPyConnection,
    text: str,
    table: Table,
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
) -> None:
    if rows:
        columns = dict(zip(names, zip(*rows, strict=True), strict=True))
        _insert(connection, text, text_and_number_arrays(table, columns))
