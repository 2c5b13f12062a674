"""PostgreSQL, through psycopg: for several service processes on one log, and for replicas."""

from __future__ import annotations

__all__ = ["open_postgres"]

from functools import partial

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import URL

from rum_service.storage.database import Database

# Any number will do, as long as every process asks for the same one; `migrate` has another.
_WRITE_LOCK = 0x4C4F47


def open_postgres(url: URL) -> Database:
    """Opens the database of `url`, `postgresql+psycopg://...`; it must exist."""
    # pre_ping: a connection that the server has dropped is replaced before a batch waits on it.
    # synchronous_commit: the promise holds even where the server's own default is laxer.
    # force_custom_plan: a plan that knows no ids compares each stored batch with each of a group:
    # 48 s for a group of 40,000 batches on tables without statistics, 1.7 s with it.
    # idle_in_transaction: a process that is halted while it writes does not hold up the others.
    session = (
        "-c synchronous_commit=on -c plan_cache_mode=force_custom_plan"
        " -c idle_in_transaction_session_timeout=10s"
    )
    options = {"options": session, "connect_timeout": 10}
    # hide_parameters: what fails is logged, what was to be stored is not.
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
    """Lets one transaction write at a time, whichever process it is of.

    So the log has the order of its commits, which pages and whoever follows the log rely on: a
    sequence is taken before its commit. And groups that hold the same batches in different orders
    do not wait for each other: PostgreSQL ends such a deadlock after a second, with an error.
    """
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITE_LOCK})")
