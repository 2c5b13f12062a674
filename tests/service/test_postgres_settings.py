"""What an administrator has set for a database of PostgreSQL does not break the service."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from rum_service.storage import open_lock, open_store
from rum_service.storage.base import Store
from rum_service.storage.postgres import open_postgres
from rum_service.storage.records import Appended
from tests.support.batches import new_id
from tests.support.logged import logged
from tests.support.running import wait_until
from tests.tools.postgres import Postgres

_WRITE_LOCK = 0x4C4F47
# Longer than the time limits that are set for the database.
_WAITS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
AND wait_event = 'advisory' AND clock_timestamp() - query_start > interval '300 ms'
"""

_IDLE = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle'
AND clock_timestamp() - state_change > interval '100 ms'
"""


@contextmanager
def _database(server: Postgres, **settings: str) -> Iterator[tuple[psycopg.Connection, str]]:
    """Create a database with these settings. Yield a connection without them, and its URL."""
    url = server.create_database(f"settings_{new_id()}")
    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as admin:
        database = sql.Identifier(str(admin.info.dbname))
        for name, value in settings.items():
            change = sql.SQL("ALTER DATABASE {} SET {} = {}")
            admin.execute(change.format(database, sql.Identifier(name), sql.Literal(value)))
        yield admin, url


@contextmanager
def _stores(
    server: Postgres, number: int, **settings: str
) -> Iterator[tuple[psycopg.Connection, list[Store]]]:
    """Open a database with these settings so many times."""
    with _database(server, **settings) as (admin, url), ExitStack() as stack:
        yield admin, [stack.enter_context(closing(open_store(url))) for _ in range(number)]


@pytest.mark.parametrize("setting", ["statement_timeout", "lock_timeout"])
def test_time_limits_of_the_database_do_not_end_a_wait_for_another_writer(
    postgres_server: Postgres, setting: str
) -> None:
    with _stores(postgres_server, 1, **{setting: "200ms"}) as (admin, (store,)):
        admin.execute("SELECT pg_advisory_lock(%s)", [_WRITE_LOCK])
        with ThreadPoolExecutor(1) as pool:
            appending = pool.submit(store.log.append, [logged(1)])
            wait_until(lambda: admin.execute(_WAITS).fetchone() == (1,) or appending.done())
            admin.execute("SELECT pg_advisory_unlock(%s)", [_WRITE_LOCK])

            assert appending.result() == [Appended.STORED]


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_the_isolation_of_the_database_does_not_make_writers_conflict(
    postgres_server: Postgres, level: str
) -> None:
    with _stores(postgres_server, 2, default_transaction_isolation=level) as (admin, stores):
        admin.execute("SELECT pg_advisory_lock(%s)", [_WRITE_LOCK])
        with ThreadPoolExecutor(2) as pool:
            appending = [pool.submit(store.log.append, [logged(1)]) for store in stores]
            wait_until(lambda: admin.execute(_WAITS).fetchone() == (2,))
            admin.execute("SELECT pg_advisory_unlock(%s)", [_WRITE_LOCK])
            outcomes = sorted(each.result()[0].name for each in appending)

    assert outcomes == ["DUPLICATE", "STORED"]


def test_a_database_with_another_encoding_is_rejected_with_advice(
    postgres_server: Postgres,
) -> None:
    url = postgres_server.create_database(f"encoding_{new_id()}", encoding="LATIN1")

    with pytest.raises(ValueError, match=r"the database has the encoding LATIN1.*createdb"):
        open_store(url)


def test_options_in_the_url_apply_unless_the_service_needs_others(
    postgres_server: Postgres,
) -> None:
    url = postgres_server.create_database(f"options_{new_id()}")
    options = quote("-c search_path=rum -c synchronous_commit=off")
    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as admin:
        admin.execute("CREATE SCHEMA rum")
        with closing(open_store(f"{url}&options={options}")) as store:
            store.log.maintain()
            stored = store.log.append([logged(1)])
        schemas = admin.execute(
            "SELECT DISTINCT schemaname FROM pg_tables WHERE tablename LIKE 'batches%'"
        ).fetchall()
    engine = open_postgres(make_url(f"{url}&options={options}"))
    with closing(engine), engine.write() as connection:
        commit = connection.exec_driver_sql("SHOW synchronous_commit").scalar_one()

    assert stored == [Appended.STORED]
    assert schemas == [("rum",)]
    assert commit == "on"


def test_an_idle_lock_is_kept_although_the_database_closes_idle_connections(
    postgres_server: Postgres,
) -> None:
    with _database(postgres_server, idle_session_timeout="1ms") as (admin, url):
        lock = open_lock(url, key=7, name="test")
        lock.hold()
        wait_until(lambda: admin.execute(_IDLE).fetchone() == (1,))
        lock.hold()
        lock.close()


def test_connections_have_a_name(postgres_server: Postgres) -> None:
    with _stores(postgres_server, 1) as (admin, (store,)):
        store.log.append([logged(1)])
        names = admin.execute(
            "SELECT DISTINCT application_name FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()

    assert names == [("openrum",)]


def test_a_database_without_an_encoding_keeps_texts(postgres_server: Postgres) -> None:
    """`initdb` creates such databases where LANG is C."""
    url = postgres_server.create_database(f"encoding_{new_id()}", encoding="SQL_ASCII")
    with closing(open_store(url)) as store:
        store.monitors.create(new_id(), "shop", '{"Domain": "größe"}')
        found = store.monitors.by_name("shop")

    assert found
    assert found.document == '{"Domain": "größe"}'
