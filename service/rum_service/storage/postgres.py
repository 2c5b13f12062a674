"""PostgreSQL, through psycopg: for several service processes on one log, and for replicas."""

from __future__ import annotations

__all__ = ["open_postgres"]

from functools import partial

from sqlalchemy import create_engine
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import URL

from rum_service.storage.dialect import Dialect


def open_postgres(url: URL) -> Dialect:
    """Opens the database of `url`, `postgresql+psycopg://...`; it must exist."""
    # pre_ping: a connection that the server has dropped is replaced before a batch waits on it.
    # synchronous_commit: the promise holds even where the server's own default is laxer.
    # force_custom_plan: a plan that knows no ids compares each stored batch with each of a group:
    # 48 s for a group of 40,000 batches on tables without statistics, 1.7 s with it.
    session = "-c synchronous_commit=on -c plan_cache_mode=force_custom_plan"
    options = {"options": session, "connect_timeout": 10}
    # hide_parameters: what fails is logged, what was to be stored is not.
    open_pool = partial(
        create_engine, url, pool_pre_ping=True, hide_parameters=True, connect_args=options
    )
    return Dialect(
        writer=open_pool(pool_size=2),
        reader=open_pool(pool_size=4, isolation_level="AUTOCOMMIT"),
        insert=insert,
    )
