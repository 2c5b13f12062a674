"""At most one projector reads a database, also with a projection of its own."""

from __future__ import annotations

import json
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
from tests.tools.toolbox import tools_needed

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


@pytest.fixture(params=["sqlite", "postgresql"])
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind with the schema of the log."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("url"))
    url = sqlite_url(tmp_path)
    open_store(url).close()
    return url


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'log.sqlite3'}"


def projector(folder: Path, url: str) -> Projector:
    folder.mkdir(exist_ok=True)
    settings = {"OPENRUM_DATABASE_URL": url, "OPENRUM_PROJECTION": "insight.duckdb"}
    return Projector(folder, checks_often=True, **settings)


def backend(admin: psycopg.Connection) -> int:
    """Return the server process of the connection that holds the lock, or 0."""
    found = admin.execute(_LOCKS).fetchone()
    return int(found[0]) if found else 0


def test_a_second_projector_of_a_database_ends_and_names_the_first(
    any_url: str, tmp_path: Path
) -> None:
    with projector(tmp_path / "a", any_url) as first:
        first.wait(0)
        second = projector(tmp_path / "b", any_url).run("run")
        rebuild = projector(tmp_path / "b", any_url).run("rebuild")

        assert first.events() == 0
    reason = f"another projector reads this database: openrum projector, process {first.pid} on"
    assert second.returncode == 2
    assert second.stderr.startswith(f"Error: OPENRUM_DATABASE_URL: {reason}")
    assert socket.gethostname()[:8] in second.stderr
    assert reason in rebuild.stderr


def test_a_projector_starts_after_another_one_was_killed(any_url: str, tmp_path: Path) -> None:
    with projector(tmp_path / "a", any_url) as first:
        first.wait(0)
        assert first.kill() == -signal.SIGKILL
    with projector(tmp_path / "b", any_url) as second:
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
    with tools_needed(), postgres() as server:
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


def test_a_lock_beside_a_sqlite_file_is_taken_again_when_it_was_deleted(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    lock, other = (open_lock(url, key=7, name="test") for _ in range(2))
    lock.hold()
    (tmp_path / "log.sqlite3.test.lock").unlink()
    lock.hold()
    with pytest.raises(LockHeldError, match=f"openrum test, process {os.getpid()} on "):
        other.hold()
    (tmp_path / "log.sqlite3.test.lock").unlink()
    other.hold()

    with pytest.raises(LockHeldError):
        lock.hold()
    other.close()
    lock.hold()
    lock.close()


def test_symbolic_links_to_a_sqlite_file_share_its_lock(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    (tmp_path / "folder").mkdir()
    locks = [
        open_lock(sqlite_url(tmp_path / "folder"), key=7, name="test"),
        open_lock(sqlite_url(tmp_path / "link"), key=7, name="test"),
        open_lock(sqlite_url(tmp_path / "link"), key=8, name="other"),
        open_lock(sqlite_url(tmp_path), key=7, name="test"),
    ]
    locks[0].hold()
    with pytest.raises(LockHeldError):
        locks[1].hold()
    locks[2].hold()
    locks[3].hold()
    for lock in locks:
        lock.close()


def test_a_projector_runs_where_no_lock_can_be_created(tmp_path: Path) -> None:
    """As root, permissions do not prevent it, so a folder has its place."""
    url = sqlite_url(tmp_path)
    open_store(url).close()
    (tmp_path / "log.sqlite3.projector.lock").mkdir()
    with projector(tmp_path / "a", url) as running:
        running.wait(0)
        assert running.stop() == 0

    [warning] = [line for line in running.output.splitlines() if "cannot be locked" in line]
    assert json.loads(warning)["reason"] == "Is a directory"


def test_a_projector_ends_when_another_one_has_the_lock_beside_the_file(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    open_store(url).close()
    other = open_lock(url, key=0, name="projector")
    with projector(tmp_path / "a", url) as running:
        running.wait(0)
        (tmp_path / "log.sqlite3.projector.lock").unlink()
        other.hold()
        code = running.wait_for_end()
    other.close()

    assert code == 70
    assert f"another projector reads this database: openrum projector, process {os.getpid()}" in (
        running.output
    )
