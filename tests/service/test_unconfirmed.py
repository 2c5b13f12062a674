"""A batch that a failed append has stored is counted as stored by the next try."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import Engine, event

from rum_service.ingest.commits import Commits
from rum_service.storage import open_store
from rum_service.storage.records import Appended
from rum_service.storage.unconfirmed import Unconfirmed
from tests.support.logged import content, contents, logged

STORED, DUPLICATE, CONFLICT = Appended.STORED, Appended.DUPLICATE, Appended.CONFLICT
_GROUP = [logged(1), logged(2), logged(3, version=1), logged(2), logged(4)]
_OUTCOMES = [STORED, DUPLICATE, CONFLICT, DUPLICATE, STORED]


@contextmanager
def _listening(name: str, function: object) -> Iterator[None]:
    event.listen(Engine, name, function)
    try:
        yield
    finally:
        event.remove(Engine, name, function)


def test_a_group_whose_duplicates_cannot_be_read_is_counted_as_stored_in_sqlite(
    tmp_path: Path,
) -> None:
    """Denies the column that only the read of duplicates needs, once."""
    armed: list[str] = []

    def authorize(action: int, _table: object, column: object, *_: object) -> int:
        if armed and action == sqlite3.SQLITE_READ and column == "digest":
            armed.clear()
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK

    with _listening("connect", lambda driver, _: driver.set_authorizer(authorize)):
        store = open_store(f"sqlite:///{tmp_path / 'openrum.sqlite3'}")
        commits = Commits(store.log.append, clock=lambda: 0.0)
        commits.commit([logged(2, received_ms=1), logged(3, received_ms=1)])
        armed.append("digest")
        outcomes = commits.commit(_GROUP)
        retried = commits.commit([logged(n, received_ms=2_000) for n in (1, 4)])
        found = contents(store.log)
        store.close()

    assert not armed
    assert commits.failures == 1
    assert retried == [DUPLICATE, DUPLICATE]
    assert outcomes == _OUTCOMES
    assert [content(4), content(1), content(3), content(2)] == found


def test_a_group_whose_duplicates_cannot_be_read_is_counted_as_stored_in_postgresql(
    empty_postgres: str,
) -> None:
    """Hides the table after the commit, until the read of duplicates has failed."""
    armed: list[str] = []

    def rename(old: str, new: str) -> None:
        with psycopg.connect(empty_postgres.replace("+psycopg", "")) as connection:
            connection.execute(f"ALTER TABLE {old} RENAME TO {new}")

    def hide(_1: object, _2: object, statement: str, *_: object) -> None:
        if armed == ["hide"] and "batches.digest" in statement:
            armed[:] = ["show"]
            rename("batches", "hidden")

    def show(_: object) -> None:
        if armed == ["show"]:
            armed.clear()
            rename("hidden", "batches")

    store = open_store(empty_postgres)
    commits = Commits(store.log.append, clock=lambda: 0.0)
    commits.commit([logged(2, received_ms=1), logged(3, received_ms=1)])
    with _listening("before_cursor_execute", hide), _listening("handle_error", show):
        armed.append("hide")
        outcomes = commits.commit(_GROUP)
    retried = commits.commit([logged(n, received_ms=2_000) for n in (1, 4)])
    found = contents(store.log)
    store.close()

    assert not armed
    assert commits.failures == 1
    assert retried == [DUPLICATE, DUPLICATE]
    assert outcomes == _OUTCOMES
    assert [content(4), content(1), content(3), content(2)] == found


def test_only_the_time_of_the_failed_append_identifies_its_row() -> None:
    unconfirmed = Unconfirmed()
    unconfirmed.add([logged(1, received_ms=1), logged(1, received_ms=2)])
    batch_id = logged(1).batch_id

    assert not unconfirmed.take(1, batch_id, 3)
    assert not unconfirmed.take(2, batch_id, 2)
    assert [unconfirmed.take(1, batch_id, 2) for _ in range(2)] == [True, False]


def test_the_batches_of_the_latest_failures_are_remembered() -> None:
    unconfirmed = Unconfirmed()
    for start in (0, 6_000):
        unconfirmed.add(logged(start + number) for number in range(6_000))
    taken = [unconfirmed.take(1, logged(n).batch_id, 1_000) for n in range(12_000)]

    assert taken == [True] * 4_000 + [False] * 2_000 + [True] * 6_000
