"""PostgreSQL through psycopg: several service processes can share one log and replicate it."""

from __future__ import annotations

__all__ = ["open_postgres"]

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, Engine, bindparam, create_engine, event, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.pool import NullPool

from rum_service.storage.database import BatchKey, BatchRow, Database, Inserted, StoredRow
from rum_service.storage.postgres_connection import BoundedConnection, NoAnswerError, connect
from rum_service.storage.postgres_drop import drop_partition
from rum_service.storage.postgres_maintenance import prepare
from rum_service.storage.postgres_partitions import DAY_BITS, DAY_MS, Layout, read_layout
from rum_service.storage.records import Removed
from rum_service.storage.schema import batches, future_batches

# Arbitrary, but the same in every process, and different from the locks in `migrate` and
# `postgres_maintenance`.
_WRITE_LOCK = 0x4C4F47
# Writes to the server's log, so that the commit waits until all earlier commits are durable, also
# on a synchronous standby. A transaction that changes nothing would not wait.
_WAIT_UNTIL_DURABLE = "SELECT pg_logical_emit_message(true, 'openrum', '')"
_FIRST_OF_NEWEST = text(
    "SELECT coalesce(pg_sequence_last_value('batches_sequence_seq'), 0) >> :bits << :bits"
)
_NEWEST_FROM = select(func.max(batches.c.sequence)).where(batches.c.sequence >= bindparam("first"))
# A group can have 40,000 batches, and a statement 65,535 parameters.
_KEYS_PER_STATEMENT = 1000
# A group of 40,000 stored batches takes 1.7 s. With the time to connect again, a server that does
# not answer costs less than 15 s. Readers may scan the whole log for deleted app monitors.
_WRITE_TIMEOUT_S = 11.0
_READ_TIMEOUT_S = 30.0
_LAYOUT_READS = 5
# `maintain` is called every minute.
_LATE_MS = 300_000
_LAST_MS, _EVENT_COUNT = 5, 6

_Columns = list[list[Any]]
"""The columns of `BatchRow`, in its order."""


class PostgresDatabase(Database):
    """A database on a server. The write connection is in autocommit mode."""

    probe_sequence = None  # the next one, so that the probe gets into the newest partition

    def __init__(self, *, migrator: Engine, maintainer: Engine, **engines: Any) -> None:
        """Args:
        migrator: takes the write lock and has no time limits.
        maintainer: takes no lock. Its statements may take any time, but wait for locks briefly.
        """
        super().__init__(**engines)
        self._migrator = migrator
        self._maintainer = maintainer
        self._layout: Layout | None = None
        self._not_dropped: Mapping[int, int] | None = None
        """The last argument of `drop_old` for which it found nothing to drop."""

    def insert_batches(self, rows: Sequence[BatchRow]) -> Inserted:
        if not rows:
            return Inserted(0, None)
        columns = [list(column) for column in zip(*rows, strict=True)]
        with self._kept_connection() as connection:
            inserted, searched_from = self._insert_or_reconnect(connection, columns)
        if inserted.rows == len(rows):
            return inserted
        with self.read() as connection:
            return inserted._replace(stored=_stored(connection, rows, searched_from))

    def maintain(self, now_ms: int | None = None) -> None:
        with self._maintaining() as driver:
            prepare(driver, now_ms, write_lock=_WRITE_LOCK)

    def removal_ms(self, before_ms: int) -> int:
        # A day's batches become old together, and their partition is dropped. Until `maintain` is
        # called, the partition also gets the next day's first batches.
        return (before_ms - _LATE_MS) // DAY_MS * DAY_MS + _LATE_MS

    def drop_old(self, before_ms: Mapping[int, int]) -> Mapping[int, Removed]:
        if before_ms == self._not_dropped:
            return {}
        with self._maintaining() as driver:
            dropped: Mapping[int, Removed] | None = {}
            while dropped is not None and not dropped:  # days without batches
                dropped = drop_partition(driver, before_ms, write_lock=_WRITE_LOCK)
        self._not_dropped = dict(before_ms) if dropped is None else None
        return dropped or {}

    @contextmanager
    def _maintaining(self) -> Iterator[BoundedConnection]:
        """Lend a connection in autocommit mode that is closed afterwards."""
        with self._maintainer.connect() as connection:
            yield _driver(connection)

    def give_back_space(self) -> bool:
        return False  # a dropped partition has given it back

    def newest_stored(self, connection: Connection) -> int:
        # Planning a query for all partitions takes 40 ms for a year of them (2026-11).
        first = connection.execute(_FIRST_OF_NEWEST, {"bits": DAY_BITS}).scalar_one()
        newest: int | None = connection.execute(_NEWEST_FROM, {"first": first}).scalar()
        return super().newest_stored(connection) if newest is None else newest

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        try:
            with self._migrator.connect() as connection, connection.begin():
                yield connection
        finally:
            self._migrator.dispose()

    def _insert_or_reconnect(
        self, connection: Connection, columns: _Columns
    ) -> tuple[Inserted, int]:
        """Insert the rows, on a new connection if the server closed this one or became a standby.

        Trying again is safe: rows that were committed before it closed are not inserted again.
        """
        try:
            return self._insert(connection, columns)
        except NoAnswerError:
            raise  # waiting twice as long would not help
        except psycopg.errors.ReadOnlySqlTransaction:
            pass
        except psycopg.OperationalError:
            if not _driver(connection).closed:
                raise
        connection.invalidate()
        inserted, searched_from = self._insert(connection, columns)
        return inserted._replace(again=True), searched_from

    def _insert(self, connection: Connection, columns: _Columns) -> tuple[Inserted, int]:
        driver = _driver(connection)
        inserted, searched_from = self._insert_into_newest(driver, columns)
        if inserted.rows < len(columns[0]):
            driver.execute(_WAIT_UNTIL_DURABLE)
        driver.check_confirmed()
        return inserted, searched_from

    def _insert_into_newest(
        self, driver: BoundedConnection, columns: _Columns
    ) -> tuple[Inserted, int]:
        """Insert the rows. If the partitions have changed since they were read, read them again.

        Also return the lowest sequence that was compared with the rows.
        """
        oldest_ms = 0 if 0 in columns[_EVENT_COUNT] else min(columns[_LAST_MS])
        for _ in range(_LAYOUT_READS):
            layout = self._layout or read_layout(driver)
            self._layout = None
            statement, searched_from = layout.insertion(oldest_ms)
            try:
                found = driver.execute(statement, [_WRITE_LOCK, *columns], prepare=True).fetchone()
            except psycopg.errors.UndefinedTable:  # a partition has been dropped
                continue
            count, first, day = found or (0, None, None)
            if day == layout.day:
                self._layout = layout
                return Inserted(count, first), searched_from
        raise RuntimeError("the partitions of the log change all the time")

    def _check_committed(self, connection: Connection) -> None:
        _driver(connection).check_confirmed()


def _stored(
    connection: Connection, rows: Sequence[BatchRow], searched_from: int
) -> dict[BatchKey, StoredRow]:
    """Return the rows in the log that have the keys of `rows`, from a sequence up."""
    ids: dict[int, list[bytes]] = {}
    for app_monitor, batch_id, *_ in rows:
        ids.setdefault(app_monitor, []).append(batch_id)
    columns = (batches.c[name] for name in StoredRow._fields)
    query = select(batches.c.batch_id, *columns).where(batches.c.sequence >= searched_from)
    found: dict[BatchKey, StoredRow] = {}
    # One app monitor per query: PostgreSQL would compare every row with every (monitor, ID) pair.
    for app_monitor, batch_ids in ids.items():
        for start in range(0, len(batch_ids), _KEYS_PER_STATEMENT):
            some = batch_ids[start : start + _KEYS_PER_STATEMENT]
            of_monitor = query.where(
                batches.c.app_monitor == app_monitor, batches.c.batch_id.in_(some)
            )
            for batch_id, *stored in connection.execute(of_monitor):
                found[app_monitor, batch_id] = StoredRow(*stored)
            missing = [batch_id for batch_id in some if (app_monitor, batch_id) not in found]
            for batch_id, row in _noted(connection, app_monitor, missing):
                found[app_monitor, batch_id] = row
    return found


def _noted(
    connection: Connection, app_monitor: int, batch_ids: Sequence[bytes]
) -> Iterator[tuple[bytes, StoredRow]]:
    """Yield the batches with these IDs that are in `future_batches`."""
    if not batch_ids:
        return
    noted = select(future_batches.c.sequence).where(
        future_batches.c.app_monitor == app_monitor, future_batches.c.batch_id.in_(batch_ids)
    )
    sequences = connection.execute(noted).scalars().all()
    if sequences:
        columns = (batches.c[name] for name in StoredRow._fields)
        query = select(batches.c.batch_id, *columns).where(batches.c.sequence.in_(sequences))
        for batch_id, *stored in connection.execute(query):
            yield batch_id, StoredRow(*stored)


def open_postgres(url: URL) -> PostgresDatabase:
    """Open the database that `url` names. The database must exist."""
    # synchronous_commit: commits are durable even if the server's default is laxer.
    # idle_in_transaction_session_timeout: a process that stops in a transaction must not block the
    # others.
    # client_min_messages: `check_confirmed` needs the warnings.
    # The others: an administrator may have set them for the database. Statements have their limits
    # here, and a snapshot must not be older than the write lock.
    options = (
        "-c synchronous_commit=on -c idle_in_transaction_session_timeout=10s"
        " -c client_min_messages=warning -c statement_timeout=0 -c lock_timeout=0"
        " -c default_transaction_isolation=read\\ committed"
    )
    # lock_timeout: a statement that was given up must not wait on the server forever.
    writer = _engine(url, f"{options} -c lock_timeout=8s", _WRITE_TIMEOUT_S, pool_size=1)
    migrator = _engine(url, options, None, pool_size=1)
    # lock_timeout: everything that comes after a statement that waits for a table waits too.
    maintainer = _engine(url, f"{options} -c lock_timeout=2s", None, poolclass=NullPool)
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
    return PostgresDatabase(
        migrator=migrator, maintainer=maintainer, writer=writer, reader=reader, insert=insert
    )


def _engine(url: URL, options: str, timeout_s: float | None, **pool: Any) -> Engine:
    # The last value of an option counts.
    given = url.query.get("options", "")
    options = " ".join([given if isinstance(given, str) else " ".join(given), options])
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
