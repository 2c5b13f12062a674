"""Creates the partitions of the log in PostgreSQL, and starts each day in a new partition.

This delays puts by milliseconds at most. Puts do not depend on it: until the sequence moves on,
batches are inserted into an earlier day's partition.
"""

from __future__ import annotations

__all__ = ["prepare"]

from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex

from rum_service.storage.postgres_partitions import DAY_BITS, DAY_MS, Partition, read_layout
from rum_service.storage.schema import batches

# Arbitrary, but the same in every process.
_MAINTENANCE_LOCK = 0x504152
# Enough for a maintenance that fails over a weekend.
_DAYS_AHEAD = 3
_OLDEST = Partition(0, "batches_0")

_Connection = psycopg.Connection[Any]

_TODAY = "SELECT (extract(epoch FROM now()) * 1000)::bigint"
# Under the write lock, so that no transaction takes a sequence of the old day and commits it in the
# new one.
_ADVANCE = """
WITH lock AS MATERIALIZED (SELECT pg_advisory_xact_lock(%(lock)s::bigint))
SELECT setval('batches_sequence_seq', %(first)s) FROM lock
WHERE coalesce(pg_sequence_last_value('batches_sequence_seq'), 0) < %(first)s
"""


def prepare(connection: _Connection, now_ms: int | None, *, write_lock: int) -> None:
    """Partition the log if it is not, create the partitions of the next days, begin today's.

    One process at a time does this; others return at once.

    Args:
        connection: in autocommit mode.
        now_ms: the time, in milliseconds since the Unix epoch. None: the server's.
        write_lock: the advisory lock of transactions that write.
    """
    if not _value(connection, "SELECT pg_try_advisory_lock(%s)", _MAINTENANCE_LOCK):
        return
    try:
        today = (now_ms or int(_value(connection, _TODAY))) // DAY_MS
        layout = read_layout(connection)
        if not layout.partitions:
            _partition(connection, today, layout.day)
            layout = read_layout(connection)
        newest = layout.partitions[-1]
        for day in range(max(today, newest.day + 1), today + _DAYS_AHEAD + 1):
            _create(connection, Partition.of_day(day), like=newest)
        started = [found for found in read_layout(connection).partitions if found.day <= today]
        connection.execute(_ADVANCE, {"lock": write_lock, "first": started[-1].first_sequence})
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", [_MAINTENANCE_LOCK])


def _partition(connection: _Connection, today: int, newest_day: int) -> None:
    """Make the existing table the oldest partition of a new table, without copying it.

    A table that has batches also gets today's new batches: services of older versions search one
    partition only, and can be replaced until tomorrow.
    """
    is_empty = not _value(connection, "SELECT EXISTS (SELECT FROM batches)")
    # A copy of another log can have sequences of today or, if a clock was wrong, of later days.
    begins_today = is_empty and newest_day < today
    first = Partition.of_day(today if begins_today else max(today, newest_day) + 1)
    bounds = sql.SQL("CHECK (sequence < {})").format(sql.Literal(first.first_sequence))
    # A valid constraint saves reading the table while it is locked.
    connection.execute("ALTER TABLE batches DROP CONSTRAINT IF EXISTS batches_0_bounds")
    connection.execute(
        sql.SQL("ALTER TABLE batches ADD CONSTRAINT batches_0_bounds {} NOT VALID").format(bounds)
    )
    connection.execute("ALTER TABLE batches VALIDATE CONSTRAINT batches_0_bounds")
    with connection.transaction():
        # Without the write lock: others wait for it while they hold a lock of the table.
        connection.execute("LOCK TABLE batches IN ACCESS EXCLUSIVE MODE")
        connection.execute("ALTER TABLE batches RENAME TO batches_0")
        _create_partitioned(connection)
        connection.execute(
            sql.SQL("ALTER TABLE batches ATTACH PARTITION batches_0 {}").format(
                _range(sql.SQL("MINVALUE"), sql.Literal(first.first_sequence))
            )
        )
        connection.execute("ALTER TABLE batches_0 DROP CONSTRAINT batches_0_bounds")
        _create(connection, first, like=_OLDEST)


def _create_partitioned(connection: _Connection) -> None:
    """Create the table that `batches_0` becomes a partition of, with its names of indexes.

    It has no unique index by batch ID: that would have to contain the sequence.
    """
    for name in (str(batches.primary_key.name), *(str(index.name) for index in batches.indexes)):
        connection.execute(
            sql.SQL("ALTER INDEX {} RENAME TO {}").format(
                sql.Identifier(name), sql.Identifier(f"{name}_0")
            )
        )
    connection.execute(
        "CREATE TABLE batches (LIKE batches_0 INCLUDING DEFAULTS INCLUDING STORAGE"
        " INCLUDING COMPRESSION) PARTITION BY RANGE (sequence)"
    )
    connection.execute("ALTER SEQUENCE batches_sequence_seq OWNED BY batches.sequence")
    connection.execute("ALTER TABLE batches ADD CONSTRAINT pk_batches PRIMARY KEY (sequence)")
    for index in batches.indexes:
        dialect = postgresql.dialect()  # type: ignore[no-untyped-call] # untyped in SQLAlchemy
        statement = CreateIndex(index).compile(dialect=dialect)
        connection.execute(str(statement).encode())


def _create(connection: _Connection, new: Partition, *, like: Partition) -> None:
    """Create a partition. Attaching it later needs a weaker lock than creating it as one."""
    table = sql.Identifier(new.table)
    last = sql.Literal((new.day + 1) << DAY_BITS)
    with connection.transaction():
        connection.execute(
            sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(
                table, sql.Identifier(like.table)
            )
        )
        connection.execute(
            sql.SQL("ALTER TABLE batches ATTACH PARTITION {} {}").format(
                table, _range(sql.Literal(new.first_sequence), last)
            )
        )


def _range(first: sql.Composable, end: sql.Composable) -> sql.Composed:
    return sql.SQL("FOR VALUES FROM ({}) TO ({})").format(first, end)


def _value(connection: _Connection, query: str, *parameters: object) -> Any:
    row = connection.execute(query.encode(), parameters).fetchone()
    return row[0] if row else None
