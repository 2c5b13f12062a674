"""The file of DuckDB: continue it or set it aside, and create its tables."""

from __future__ import annotations

__all__ = ["create_tables", "has_tables", "open_file", "size_bytes"]

from pathlib import Path

import duckdb
from sqlalchemy.schema import CreateTable, DropTable

from rum_projector.engines.base import EngineError
from rum_projector.engines.dialect import run
from rum_projector.engines.duckdb_cursors import is_of_log, new_cursors, select_cursors
from rum_projector.schema import metadata

# DuckDB opens a file that was cut, and fails when it reads what is missing.
_HEADER_BYTES = 3 * 4096
_BLOCKS = "SELECT block_size, total_blocks FROM pragma_database_size()"


def open_file(
    path: Path, *, name: str, memory_bytes: int, continues: bool
) -> tuple[duckdb.DuckDBPyConnection, Path | None]:
    """Open the file if it continues the log `name`, else set it aside and create another one.

    Returns:
        The connection, and the path to which a file was set aside.

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
    return connection, aside


def has_tables(connection: duckdb.DuckDBPyConnection) -> bool:
    """Return whether the file has any table."""
    return bool(connection.execute("SHOW TABLES").fetchall())


def create_tables(
    connection: duckdb.DuckDBPyConnection, name: str, *, rebuild_until: int, now_ms: int
) -> None:
    """Create all tables, empty, and the cursors of the log `name`. Older tables are dropped."""
    for table in metadata.sorted_tables:
        run(connection, DropTable(table, if_exists=True))
        run(connection, CreateTable(table))
    run(connection, new_cursors(name, rebuild_until=rebuild_until, now_ms=now_ms))


def size_bytes(path: Path) -> int:
    """Return the size of the file and of its write-ahead log."""
    return sum(file.stat().st_size for file in (path, _write_ahead_log(path)) if file.exists())


def _continued(path: Path, name: str, memory_bytes: int) -> duckdb.DuckDBPyConnection | None:
    """Open the file if it is empty or continues this log in this version. Else return None."""
    try:
        connection = _connect(path, memory_bytes)
    except duckdb.Error as error:
        if "Could not set lock" in str(error):
            raise EngineError(f"{path} is open in another program") from error
        return None
    try:
        if not has_tables(connection):
            return connection
        found = run(connection, select_cursors())
        if is_of_log(found, name) and _is_whole(connection, path):
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


def _set_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.aside")
    path.replace(aside)
    _write_ahead_log(aside).unlink(missing_ok=True)
    if _write_ahead_log(path).exists():
        _write_ahead_log(path).replace(_write_ahead_log(aside))
    return aside


def _write_ahead_log(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")
