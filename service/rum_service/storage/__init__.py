"""The store keeps batches, app monitors, and what belongs to them. `open_store` opens one."""

from __future__ import annotations

__all__ = [
    "ReplicaUrlError",
    "inspect_database",
    "open_copy",
    "open_lock",
    "open_store",
    "read_slices",
    "repair_database",
    "sealed_secret",
    "upgrade_database",
]

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from rum_service.storage.base import Store
from rum_service.storage.damage import DamagedBatches
from rum_service.storage.database import Database, reason_of
from rum_service.storage.database_copy import CopyInterruptedError, DatabaseCopy
from rum_service.storage.database_lock import DatabaseLock
from rum_service.storage.database_url import is_same_database, parse_url, sqlite_file
from rum_service.storage.file_lock import FileLock
from rum_service.storage.inspection import Inspection
from rum_service.storage.migrate import check_current, migrate
from rum_service.storage.replica import SqlReplica
from rum_service.storage.slices import LogSlices
from rum_service.storage.sql_credentials import SqlCredentials
from rum_service.storage.sql_erasures import SqlErasures
from rum_service.storage.sql_log import SqlLog
from rum_service.storage.sql_metrics import SqlMetrics
from rum_service.storage.sql_monitors import SqlMonitors
from rum_service.storage.sql_policies import SqlPolicies
from rum_service.storage.sql_repair import LogRepair
from rum_service.storage.sql_retention import SqlRetention
from rum_service.storage.sql_source_maps import SqlSourceMaps
from rum_service.storage.sql_usage import SqlUsage
from rum_service.storage.sqlite import open_sqlite


class ReplicaUrlError(ValueError):
    """The URL of the replica is wrong. The text never contains the password."""


def open_store(url: str, *, replica_url: str = "") -> Store:
    """Open the database and migrate its schema to the current version. Blocks.

    Args:
        replica_url: a standby of the same database. It need not be running. Empty: there is none.

    Raises:
        ValueError: the database cannot be opened. The text never contains the password.
        ReplicaUrlError: `replica_url` cannot be used.
    """
    replica = _open_replica(replica_url) if replica_url else None
    database = _open(url)
    try:
        migrate(database)
    except ValueError:
        database.close()
        raise
    store = _store(database)
    if not replica:
        return store
    return replace(store, replica=SqlReplica(database, replica, store.damaged))


def _open_replica(url: str) -> Database:
    try:
        parsed = parse_url(url)
    except ValueError as error:
        raise ReplicaUrlError(str(error)) from None
    if sqlite_file(parsed):
        raise ReplicaUrlError("only PostgreSQL has replicas")
    # Connections of the store itself need a server that accepts writes.
    standby = {"target_session_attrs": "prefer-standby", **parsed.query}
    return _open_parsed(parsed.set(query=standby))


def upgrade_database(url: str) -> str | None:
    """Migrate an existing database to the current schema. Blocks.

    Returns:
        The schema that it had. None: it was empty.

    Raises:
        ValueError: the database does not exist, cannot be opened, or has a newer schema.
    """
    with closing(_open(url, create=False)) as database:
        return migrate(database)


def inspect_database(url: str) -> tuple[Store, Inspection]:
    """Open an existing database to check it. Call `Inspection.close` afterwards. Blocks.

    Raises:
        ValueError: the database does not exist, cannot be read, or has another schema.
    """
    database, inspection = _inspected(url)
    return _store(database), inspection


def repair_database(url: str) -> tuple[Store, Inspection, LogRepair]:
    """Open an existing database to check and repair it. Call `Inspection.close` afterwards. Blocks.

    Raises:
        ValueError: the database does not exist, cannot be read, or has another schema.
    """
    database, inspection = _inspected(url)
    return _store(database), inspection, LogRepair(database)


def sealed_secret(url: str) -> bytes | None:
    """Return the sealed secret of an access key in an existing database, if it has one. Blocks.

    Raises:
        ValueError: the database does not exist.
        SQLAlchemyError: its schema has no access keys, or it cannot be read.
    """
    with closing(_open(url, create=False)) as database:
        found = SqlCredentials(database).list(kind="key", after=None, limit=1)
    return found[0].sealed_secret if found else None


def read_slices(url: str) -> tuple[Store, LogSlices]:
    """Open an existing database to read the log. Call `Store.close` afterwards. Blocks.

    Raises:
        ValueError: the database does not exist, cannot be read, or has another schema.
    """
    database, _ = _inspected(url)
    return _store(database), LogSlices(database)


def open_lock(url: str, *, key: int, name: str) -> DatabaseLock:
    """Return a lock of the database, which is not held yet.

    Args:
        key: identifies the lock in PostgreSQL, below 2**31.
        name: the kind of process. It identifies the lock beside a SQLite file, and is in messages
            to other processes.

    Raises:
        ValueError: `url` is not a database URL.
    """
    parsed = parse_url(url)
    if file := sqlite_file(parsed):
        return FileLock(file, name=name)
    from rum_service.storage.postgres_lock import PostgresLock

    return PostgresLock(parsed, key=key, name=name)


@contextmanager
def open_copy(source_url: str, target_url: str) -> Iterator[DatabaseCopy]:
    """Open a copy from one database to another one, which is created if needed. Blocks.

    The source is only read.

    Raises:
        ValueError: the source cannot be read, has another schema or a batch twice, or the target
            has other data.
        CopyInterruptedError: one of the databases failed.
    """
    if is_same_database(source_url, target_url):
        raise ValueError("both URLs name the same database")
    with closing(_open(source_url, create=False)) as source:
        try:
            with source.read() as connection:
                check_current(connection)
        except SQLAlchemyError as error:
            raise ValueError(f"the source cannot be read: {reason_of(error)}") from None
        with closing(_open(target_url)) as target:
            migrate(target)
            try:
                yield DatabaseCopy(source, target)
            except IntegrityError:  # the message of the driver has the values of the row
                raise ValueError("the target cannot keep a row of the source") from None
            except SQLAlchemyError as error:
                raise CopyInterruptedError(reason_of(error)) from None


def _store(database: Database) -> Store:
    damaged = DamagedBatches()
    return Store(
        log=SqlLog(database, damaged),
        monitors=SqlMonitors(database),
        policies=SqlPolicies(database),
        metrics=SqlMetrics(database),
        credentials=SqlCredentials(database),
        usage=SqlUsage(database),
        retention=SqlRetention(database),
        source_maps=SqlSourceMaps(database),
        erasures=SqlErasures(database),
        close=database.close,
        damaged=damaged,
    )


def _inspected(url: str) -> tuple[Database, Inspection]:
    """Open an existing database that has the current schema. Raises ValueError."""
    database = _open(url, create=False)
    try:
        return database, Inspection(database)
    except ValueError:
        database.close()
        raise


def _open(url: str, *, create: bool = True) -> Database:
    parsed = parse_url(url)
    file = sqlite_file(parsed)
    if file and not create and not file.is_file():
        raise ValueError(f"{file} does not exist")
    return _open_parsed(parsed)


def _open_parsed(url: URL) -> Database:
    if sqlite_file(url):
        return open_sqlite(url)
    # Only here: the driver takes 10 MB of memory.
    from rum_service.storage.postgres import open_postgres

    return open_postgres(url)
