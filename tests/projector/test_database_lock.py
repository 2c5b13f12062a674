"""At most one projector reads a database on PostgreSQL, also with a projection of its own."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from rum_service.storage import open_lock, open_store
from rum_service.storage.database_lock import LockHeldError, LockLostError
from tests.projector.running import Projector, eventually
from tests.tools.postgres import Postgres, postgres

_LOCKS = (
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 1347571530"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.fixture
def url(empty_postgres: str) -> str:
    """A PostgreSQL database with the schema of the log."""
    open_store(empty_postgres).close()
    return empty_postgres


@pytest.fixture
def admin(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        yield connection


def projector(folder: Path, url: str) -> Projector:
    folder.mkdir(exist_ok=True)
    return Projector(folder, OPENRUM_DATABASE_URL=url)


def backend(admin: psycopg.Connection) -> int:
    """Return the server process of the connection that holds the lock, or 0."""
    found = admin.execute(_LOCKS).fetchone()
    return int(found[0]) if found else 0


def test_a_second_projector_of_a_database_ends_and_names_the_first(
    url: str, tmp_path: Path
) -> None:
    with projector(tmp_path / "a", url) as first:
        first.wait(0)
        second = projector(tmp_path / "b", url).run("run")
        rebuild = projector(tmp_path / "b", url).run("rebuild")

        assert first.events() == 0
    reason = f"another projector reads this database: openrum projector, process {first.pid} on"
    assert second.returncode == 2
    assert second.stderr.startswith(f"Error: OPENRUM_DATABASE_URL: {reason}")
    assert socket.gethostname()[:8] in second.stderr
    assert reason in rebuild.stderr


def test_a_projector_starts_after_another_one_was_killed(url: str, tmp_path: Path) -> None:
    with projector(tmp_path / "a", url) as first:
        first.wait(0)
        assert first.kill() == -signal.SIGKILL
    with projector(tmp_path / "b", url) as second:
        second.wait(0)
        assert second.stop() == 0


def test_a_projector_takes_the_lock_again_when_its_connection_is_lost(
    url: str, admin: psycopg.Connection, tmp_path: Path
) -> None:
    with projector(tmp_path, url) as running:
        running.wait(0)
        before = backend(admin)
        admin.execute("SELECT pg_terminate_backend(%s)", [before])
        after = eventually(lambda: backend(admin) not in (0, before))

        assert running.events() == 0
        assert running.stop() == 0
    assert before
    assert after
    assert backend(admin) == 0


def test_a_projector_ends_when_another_one_took_the_lock_meanwhile(
    url: str, admin: psycopg.Connection, tmp_path: Path
) -> None:
    with projector(tmp_path, url) as running:
        running.wait(0)
        admin.execute("SELECT pg_terminate_backend(%s)", [backend(admin)])
        # Waits until the connection is gone.
        admin.execute("SELECT pg_advisory_lock(1347571530)")
        code = running.wait_for_end()

    assert code == 70
    assert "another projector reads this database" in running.output


def test_a_lock_without_a_server_is_lost_and_taken_again() -> None:
    with postgres() as server:
        url = server.create_database("locked")
        lock = open_lock(url, key=7, name="test")
        other = open_lock(url, key=7, name="other")
        lock.hold()
        with pytest.raises(LockHeldError, match=f"openrum test, process {os.getpid()} on "):
            other.hold()
        _restart(server)
        with pytest.raises(LockLostError):
            lock.hold()
        lock.hold()
        with pytest.raises(LockHeldError):
            other.hold()
        lock.close()
        other.hold()
        other.close()


def _restart(server: Postgres) -> None:
    server.stop()
    server.start()


def test_locks_with_other_keys_and_in_other_databases_are_free(postgres_server: Postgres) -> None:
    url, another = (postgres_server.create_database(f"locks_{name}") for name in "ab")
    locks = [
        open_lock(url, key=1, name="test"),
        open_lock(url, key=2, name="test"),
        open_lock(another, key=1, name="test"),
    ]

    for lock in locks:
        lock.hold()
        lock.hold()

    for lock in locks:
        lock.close()
