"""PostgreSQL through psycopg: several service processes can share one log and replicate it."""

from __future__ import annotations

__all__ = ["open_postgres"]

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import URL, ExceptionContext

from rum_service.storage.database import BatchRow, Database, Inserted
from rum_service.storage.postgres_connection import BoundedConnection, NoAnswerError, connect

# Arbitrary, but the same in every process, and different from the lock in `migrate`.
_WRITE_LOCK = 0x4C4F47
# One statement, so one round trip, in autocommit: write lock, insertion and commit. The lock comes
# first: no sequence is taken before the row of `lock` exists. Its snapshot is older than the lock,
# which is safe, because ON CONFLICT sees what has been committed since.
# %b sends arrays in binary form: 20 µs of CPU per batch of 50 events, in groups of 16; one
# statement per row costs 58, and %s costs thousands (2026-11).
_INSERT = """
WITH
lock AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(%b::bigint)
),
stored AS (
    INSERT INTO batches (app_monitor, batch_id, digest, received_ms, first_ms, last_ms, event_count,
                         payload, dropped_events, country, checksum)
    SELECT new.*
    FROM lock, unnest(%b::bigint[], %b::bytea[], %b::bytea[], %b::bigint[], %b::bigint[],
                      %b::bigint[], %b::integer[], %b::bytea[], %b::integer[], %b::text[],
                      %b::bigint[]) AS new
    ON CONFLICT DO NOTHING
    RETURNING app_monitor, sequence, first_ms, last_ms
),
widened AS (
    INSERT INTO batch_spans (app_monitor, block, first_ms, last_ms)
    SELECT app_monitor, sequence >> 10, min(first_ms) & ~1023, max(last_ms) | 1023
    FROM stored GROUP BY 1, 2
    ON CONFLICT (app_monitor, block) DO UPDATE
    SET first_ms = least(batch_spans.first_ms, excluded.first_ms),
        last_ms = greatest(batch_spans.last_ms, excluded.last_ms)
    WHERE excluded.first_ms < batch_spans.first_ms OR excluded.last_ms > batch_spans.last_ms
)
SELECT count(*), min(sequence) FROM stored
"""
# Writes to the server's log, so that the commit waits until all earlier commits are durable, also
# on a synchronous standby. A transaction that changes nothing would not wait.
_WAIT_UNTIL_DURABLE = "SELECT pg_logical_emit_message(true, 'openrum', '')"
# A group of 40,000 stored batches takes 1.7 s. With the time to connect again, a server that does
# not answer costs less than 15 s. Readers may scan the whole log for deleted app monitors.
_WRITE_TIMEOUT_S = 11.0
_READ_TIMEOUT_S = 30.0


class PostgresDatabase(Database):
    """A database on a server. The write connection is in autocommit mode."""

    def __init__(self, *, migrator: Engine, **engines: Any) -> None:
        """Args:
        migrator: has no time limits.
        """
        super().__init__(**engines)
        self._migrator = migrator

    def insert_batches(self, rows: Sequence[BatchRow]) -> Inserted:
        if not rows:
            return Inserted(0, None)
        columns = [list(column) for column in zip(*rows, strict=True)]
        with self._kept_connection() as connection:
            return _insert_or_reconnect(connection, columns)

    def give_back_space(self) -> bool:
        return False  # autovacuum lets the space be used again

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        try:
            with self._migrator.connect() as connection, connection.begin():
                yield connection
        finally:
            self._migrator.dispose()

    def _check_committed(self, connection: Connection) -> None:
        _driver(connection).check_confirmed()


def _insert_or_reconnect(connection: Connection, columns: list[list[Any]]) -> Inserted:
    """Insert the rows, on a new connection if the server has closed this one or became a standby.

    Trying again is safe: rows that were committed before it closed are not inserted again.
    """
    try:
        return _insert(connection, columns)
    except NoAnswerError:
        raise  # waiting twice as long would not help
    except psycopg.errors.ReadOnlySqlTransaction:
        pass
    except psycopg.OperationalError:
        if not _driver(connection).closed:
            raise
    connection.invalidate()
    return _insert(connection, columns)


def _insert(connection: Connection, columns: list[list[Any]]) -> Inserted:
    driver = _driver(connection)
    with driver.cursor() as cursor:
        cursor.execute(_INSERT, [_WRITE_LOCK, *columns], prepare=True)
        inserted = Inserted(*cursor.fetchone() or (0, None))
        if inserted.rows < len(columns[0]):
            cursor.execute(_WAIT_UNTIL_DURABLE)
    driver.check_confirmed()
    return inserted


def open_postgres(url: URL) -> PostgresDatabase:
    """Open the database that `url` names. The database must exist."""
    # synchronous_commit: commits are durable even if the server's default is laxer.
    # idle_in_transaction_session_timeout: a process that stops in a transaction must not block the
    # others.
    # client_min_messages: `check_confirmed` needs the warnings.
    options = (
        "-c synchronous_commit=on -c idle_in_transaction_session_timeout=10s"
        " -c client_min_messages=warning"
    )
    # lock_timeout: a statement that was given up must not wait on the server forever.
    writer = _engine(url, f"{options} -c lock_timeout=8s", _WRITE_TIMEOUT_S, pool_size=1)
    migrator = _engine(url, options, None, pool_size=1)
    for engine in (writer, migrator):
        event.listen(engine, "begin", _begin)
        event.listen(engine, "handle_error", _reconnect_after_demotion)
    # force_custom_plan: a generic plan compares each stored batch with each batch of the group.
    # Appending 40,000 stored batches to tables without statistics takes 48 s with a generic plan
    # and 1.7 s without.
    # pool_pre_ping: replace a connection that the server has closed.
    reader = _engine(
        url,
        f"{options} -c plan_cache_mode=force_custom_plan",
        _READ_TIMEOUT_S,
        pool_size=4,
        pool_pre_ping=True,
    )
    return PostgresDatabase(migrator=migrator, writer=writer, reader=reader, insert=insert)


def _engine(url: URL, options: str, timeout_s: float | None, **pool: Any) -> Engine:
    # hide_parameters: errors are logged, and must not contain event data.
    engine = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        connect_args={"options": options},
        **pool,
    )

    @event.listens_for(engine, "do_connect")
    def _connect(
        _dialect: object, _record: object, arguments: list[Any], parameters: dict[str, Any]
    ) -> BoundedConnection:
        return connect(timeout_s, *arguments, **parameters)

    return engine


def _reconnect_after_demotion(context: ExceptionContext) -> None:
    """Close the connection to a server that became a standby: the URL may lead to another one."""
    if isinstance(context.original_exception, psycopg.errors.ReadOnlySqlTransaction):
        context.is_disconnect = True


def _begin(connection: Connection) -> None:
    """Begin a transaction, and allow one write transaction at a time across all processes.

    The sequences of batches then follow the order of commits, which pages of GetAppMonitorData and
    readers of the log rely on: docs/decisions/0009-sequences-follow-commits.md. It also prevents
    deadlocks between groups that contain the same batches in different orders; PostgreSQL would
    fail one of them after a second.
    """
    connection.exec_driver_sql("BEGIN")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITE_LOCK})")


def _driver(connection: Connection) -> BoundedConnection:
    return cast("BoundedConnection", connection.connection.driver_connection)
