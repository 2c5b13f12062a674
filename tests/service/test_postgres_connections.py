"""PostgreSQL closes connections: no write fails because of it, and no promise is broken."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.exc import OperationalError

from rum_service.storage import open_store
from rum_service.storage.base import Store
from rum_service.storage.postgres_connection import NoAnswerError, NotConfirmedError, connect
from rum_service.storage.records import Appended
from tests.support.batches import new_id
from tests.support.logged import content, contents, logged
from tests.support.proxy import proxy
from tests.support.running import wait_until
from tests.tools.postgres import Postgres

STORED = Appended.STORED
_WRITE_LOCK = 0x4C4F47


@dataclass
class Admin:
    """Another connection to the same database."""

    connection: psycopg.Connection

    def waiting_for(self, event: str) -> list[int]:
        """Return the process IDs of the backends that wait for this event."""
        rows = self.connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event = %s",
            [event],
        )
        return [pid for (pid,) in rows]

    def terminate(self) -> int:
        """Close the other connections to the database and return how many there were."""
        rows = self.connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        return len(rows.fetchall())

    def require_standby(self, name: str) -> None:
        """Let commits wait for the standby with this name. An empty name ends this."""
        self.connection.execute(
            sql.SQL("ALTER SYSTEM SET synchronous_standby_names = {}").format(sql.Literal(name))
        )
        self.connection.execute("SELECT pg_reload_conf()")

        def is_loaded() -> bool:
            row = self.connection.execute("SHOW synchronous_standby_names").fetchone()
            return row == (name,)

        wait_until(is_loaded)
        if name:
            wait_until(self._commits_wait)

    def _commits_wait(self) -> bool:
        """Whether a commit waits for the standby: another process than ours decides it, later."""
        with ThreadPoolExecutor(1) as pool:
            committing = pool.submit(self._commit)
            while not committing.done():
                for pid in self.waiting_for("SyncRep"):
                    self.connection.execute("SELECT pg_cancel_backend(%s)", [pid])
            return committing.result()

    def _commit(self) -> bool:
        """Commit a transaction that changes nothing, and return whether its wait was canceled."""
        warnings: list[psycopg.errors.Diagnostic] = []
        dsn = self.connection.info.dsn
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.add_notice_handler(warnings.append)
            connection.execute("SELECT pg_logical_emit_message(true, 'test', '')")
        return bool(warnings)


@pytest.fixture
def url(postgres_server: Postgres) -> str:
    return postgres_server.create_database(f"connections_{new_id()}")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def admin(url: str) -> Iterator[Admin]:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        yield Admin(connection)


def test_an_append_succeeds_after_the_server_closed_the_idle_connection(
    store: Store, admin: Admin
) -> None:
    store.log.append([logged(1)])
    closed = admin.terminate()

    assert closed > 0
    assert store.log.append([logged(2)]) == [STORED]
    assert [content(2), content(1)] == contents(store.log)


def test_an_append_whose_connection_is_closed_while_it_waits_is_stored_once(
    store: Store, admin: Admin
) -> None:
    store.log.append([logged(1)])
    admin.connection.execute("SELECT pg_advisory_lock(%s)", [_WRITE_LOCK])
    with ThreadPoolExecutor(1) as pool:
        appending = pool.submit(store.log.append, [logged(2)])
        wait_until(lambda: admin.waiting_for("advisory"))
        first = admin.waiting_for("advisory")
        admin.terminate()
        wait_until(lambda: admin.waiting_for("advisory"))
        second = admin.waiting_for("advisory")
        admin.connection.execute("SELECT pg_advisory_unlock(%s)", [_WRITE_LOCK])
        outcomes = appending.result(30)

    assert first != second
    assert outcomes == [STORED]
    assert [content(2), content(1)] == contents(store.log)


def test_writes_succeed_after_a_restart_of_the_server(
    store: Store, postgres_server: Postgres
) -> None:
    store.log.append([logged(1)])
    postgres_server.stop()
    postgres_server.start()
    appended = store.log.append([logged(2)])
    postgres_server.stop()
    postgres_server.start()
    store.log.check_writable()
    postgres_server.stop()
    postgres_server.start()
    created = store.monitors.create(new_id(), "shop", "{}")

    assert appended == [STORED]
    assert [created.name] == [found.name for found in store.monitors.list(after="", limit=9)]
    assert [content(2), content(1)] == contents(store.log)


def test_an_append_fails_while_the_server_is_stopped_and_the_next_one_succeeds(
    store: Store, postgres_server: Postgres
) -> None:
    store.log.append([logged(1)])
    postgres_server.stop()
    try:
        with pytest.raises(Exception, match="connection"):
            store.log.append([logged(2)])
    finally:
        postgres_server.start()

    assert store.log.append([logged(2)]) == [STORED]


def test_an_append_moves_to_a_new_connection_when_its_server_becomes_read_only(
    store: Store, admin: Admin
) -> None:
    """After a failover, the old server may still answer, as a standby."""
    store.log.append([logged(1)])
    run = admin.connection.execute
    run("ALTER ROLE postgres SET default_transaction_read_only = off")  # for new connections
    run("ALTER SYSTEM SET default_transaction_read_only = on")
    try:
        run("SELECT pg_reload_conf()")
        wait_until(
            lambda: run("SHOW default_transaction_read_only").fetchone() == ("on",),
        )
        outcomes = store.log.append([logged(2)])
        store.log.append([logged(3)])
    finally:
        run("SET default_transaction_read_only = off")
        run("ALTER SYSTEM RESET default_transaction_read_only")
        run("ALTER ROLE postgres RESET default_transaction_read_only")
        run("SELECT pg_reload_conf()")

    assert outcomes == [STORED]
    assert [content(3), content(2), content(1)] == contents(store.log)


def test_a_statement_without_an_answer_is_given_up_and_the_connection_closed(url: str) -> None:
    connection = connect(0.5, url.replace("+psycopg", ""), autocommit=True)
    with pytest.raises(NoAnswerError):
        connection.execute("SELECT pg_sleep(60)")

    assert connection.closed


@pytest.mark.slow
def test_a_server_that_stops_answering_costs_15_seconds_and_appends_succeed_when_it_is_back(
    url: str, postgres_server: Postgres
) -> None:
    with proxy(postgres_server.socket) as link:
        store = open_store(f"{url.partition('?')[0]}?host=127.0.0.1&port={link.port}")
        store.log.append([logged(1)])
        link.silent = True
        began = time.monotonic()
        with pytest.raises(NoAnswerError):
            store.log.append([logged(2)])
        with pytest.raises(OperationalError):  # it does not connect
            store.log.append([logged(2)])
        took_s = time.monotonic() - began
        link.silent = False
        outcomes = store.log.append([logged(2)])
        store.close()

    assert took_s < 15
    assert outcomes == [STORED]


def test_a_commit_whose_wait_for_the_standby_is_canceled_is_a_failure_and_its_retry_waits(
    store: Store, admin: Admin
) -> None:
    """PostgreSQL reports a success and a warning: a failover would lose the batch."""
    store.log.append([logged(1)])
    admin.require_standby("missing")
    with ThreadPoolExecutor(1) as pool:
        try:
            for _ in range(2):
                appending = pool.submit(store.log.append, [logged(2)])
                wait_until(lambda: admin.waiting_for("SyncRep"))
                (pid,) = admin.waiting_for("SyncRep")
                admin.connection.execute("SELECT pg_cancel_backend(%s)", [pid])
                with pytest.raises(NotConfirmedError):
                    appending.result(30)
            appending = pool.submit(store.log.append, [logged(2)])
            wait_until(lambda: admin.waiting_for("SyncRep"))
        finally:
            admin.require_standby("")
        outcomes = appending.result(30)

    assert outcomes == [STORED]
    assert [content(2), content(1)] == contents(store.log)


def test_a_retry_of_a_commit_that_the_standby_has_not_confirmed_waits_for_the_standby(
    store: Store, admin: Admin
) -> None:
    """The first commit is visible when its connection closes, but a failover would lose it."""
    store.log.append([logged(1)])
    admin.require_standby("missing")
    with ThreadPoolExecutor(1) as pool:
        try:
            appending = pool.submit(store.log.append, [logged(2)])
            wait_until(lambda: admin.waiting_for("SyncRep"))
            first = admin.waiting_for("SyncRep")
            admin.terminate()
            wait_until(lambda: appending.done() or admin.waiting_for("SyncRep"))
            second = admin.waiting_for("SyncRep")
            visible = contents(store.log)
            answered = appending.done()
        finally:
            admin.require_standby("")
        outcomes = appending.result(30)

    assert visible == [content(2), content(1)]
    assert not answered
    assert first != second
    assert outcomes == [STORED]
