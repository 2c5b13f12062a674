"""Delete rows of batches from DuckDB, and their bytes from its file.

DuckDB marks deleted rows, and keeps their bytes: in blocks that other rows use, and in free blocks.
So all tables are copied, which frees every block that has an old row. Then a table of numbers is
written that takes all free blocks, and deleted.
"""

from __future__ import annotations

__all__ = [
    "delete_batches",
    "delete_filling",
    "fill_free_blocks",
    "find_first_errors",
    "rewrite_tables",
]

from collections.abc import Collection

import duckdb
from sqlalchemy import MetaData, Table, delete, func, insert, select, tuple_
from sqlalchemy.schema import CreateTable, DropTable

from rum_projector.engines.dialect import run
from rum_projector.engines.duckdb_hours import remove_hours_of
from rum_projector.schema import OF_BATCHES, OF_HOURS, error_groups, event_counts, events, hours
from rum_service.events.measures import Kind

_TABLES = (*OF_BATCHES, *OF_HOURS, hours, error_groups)
_FILLING = "filling"
_COLUMNS = 8
_FREE = "SELECT free_blocks, block_size FROM pragma_database_size()"
# Numbers that look random cannot be compressed.
_FILL = f"""
CREATE TABLE {_FILLING} AS
SELECT {", ".join(f"hash(number + {column}) AS c{column}" for column in range(_COLUMNS))}
FROM range(?) AS numbers(number)
"""  # noqa: S608 # of constants
# More than the free blocks: the table has to take the last of them, too.
_MORE_BLOCKS = 8


def delete_batches(connection: duckdb.DuckDBPyConnection, sequences: Collection[int]) -> int:
    """Delete the rows of batches, but not error groups. Return the number of events."""
    ((deleted,),) = run(connection, select(func.count()).where(events.c.sequence.in_(sequences)))
    remove_hours_of(connection, event_counts.c.sequence.in_(sequences))
    for table in OF_BATCHES:
        run(connection, delete(table).where(table.c.sequence.in_(sequences)))
    return int(deleted)


def find_first_errors(connection: duckdb.DuckDBPyConnection, sequences: Collection[int]) -> None:
    """Find the first errors of groups again whose first error was in these batches."""
    were_first = error_groups.c.sample_sequence.in_(sequences)
    groups = run(
        connection, select(error_groups.c.monitor, error_groups.c.fingerprint).where(were_first)
    )
    if not groups:
        return
    run(connection, delete(error_groups).where(were_first))
    order = (events.c.ts, events.c.sequence, events.c.position)
    place = func.row_number().over(partition_by=(events.c.monitor, events.c.name), order_by=order)
    errors = (
        select(
            events.c.monitor,
            events.c.name,
            events.c.ts,
            events.c.release,
            func.coalesce(events.c.message, "").label("title"),
            events.c.sequence,
            events.c.position,
            place.label("place"),
        )
        .where(
            events.c.kind == int(Kind.JS_ERROR),
            tuple_(events.c.monitor, events.c.name).in_(groups),
        )
        .subquery()
    )
    first = select(*(column for column in errors.c if column.name != "place")).where(
        errors.c.place == 1
    )
    names = [column.name for column in error_groups.columns]
    run(connection, insert(error_groups).from_select(names, first))


def rewrite_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Replace each table by a copy, without deleted rows."""
    for table in _TABLES:
        copy = table.to_metadata(MetaData(), name=f"{table.name}_copy")
        run(connection, DropTable(copy, if_exists=True))
        run(connection, CreateTable(copy))
        names = [column.name for column in table.columns]
        run(connection, insert(copy).from_select(names, select(table)))
        run(connection, DropTable(table))
        connection.execute(f"ALTER TABLE {copy.name} RENAME TO {table.name}")


def fill_free_blocks(connection: duckdb.DuckDBPyConnection) -> None:
    """Create a table that takes all free blocks of the file."""
    run(connection, DropTable(Table(_FILLING, MetaData()), if_exists=True))
    ((free_blocks, block_bytes),) = connection.execute(_FREE).fetchall()
    rows = (free_blocks + _MORE_BLOCKS) * block_bytes // (_COLUMNS * 8)
    connection.execute(_FILL, [rows])


def delete_filling(connection: duckdb.DuckDBPyConnection) -> None:
    """Delete the table that `fill_free_blocks` has created."""
    run(connection, DropTable(Table(_FILLING, MetaData())))
