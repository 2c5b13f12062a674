"""PostgreSQL through psycopg: several service processes can share one log and replicate it."""

from __future__ import annotations

__all__ = ["open_postgres"]

from functools import partial

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import URL

from rum_service.storage.database import Database

# Arbitrary, but the same in every process, and different from the lock in `migrate`.
_WRITE_LOCK = 0x4C4F47


def open_postgres(url: URL) -> Database:
    """Open the database that `url` names. The database must exist."""
    # pool_pre_ping: replace a connection that the server has closed before a batch needs it.
    # synchronous_commit: commits are durable even if the server's default is laxer.
    # force_custom_plan: a generic plan compares each stored batch with each batch of the group.
    # Appending 40,000 stored batches to tables without statistics takes 48 s with a generic plan
    # and 1.7 s without.
    # idle_in_transaction_session_timeout: a process that stops in a transaction must not block the
    # others.
    session = (
        "-c synchronous_commit=on -c plan_cache_mode=force_custom_plan"
        " -c idle_in_transaction_session_timeout=10s"
    )
    options = {"options": session, "connect_timeout": 10}
    # hide_parameters: errors are logged, and must not contain event data.
    open_pool = partial(
        create_engine, url, pool_pre_ping=True, hide_parameters=True, connect_args=options
    )
    writer = open_pool(pool_size=2)
    event.listen(writer, "begin", _take_write_lock)
    return Database(
        writer=writer,
        reader=open_pool(pool_size=4, isolation_level="AUTOCOMMIT"),
        insert=insert,
    )


def _take_write_lock(connection: Connection) -> None:
    """Allow one write transaction at a time across all processes.

    The sequences of batches then follow the order of commits, which pages of GetAppMonitorData and
    readers of the log rely on. It also prevents deadlocks between groups that contain the same
    batches in different orders; PostgreSQL would fail one of them after a second.
    """
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITE_LOCK})")
