"""Databases that tests use one after another are as they were built."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import Connection

from rum_service.storage import open_store
from tests.support.databases import ReusedPostgres, migrated_sqlite


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        yield connection


def _build(url: str) -> None:
    with _connected(url) as connection:
        connection.execute("CREATE TABLE kept (n bigserial, text text)")
        connection.execute("INSERT INTO kept (text) VALUES ('first'), (NULL)")
        connection.execute("CREATE TABLE empty (n int PRIMARY KEY)")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE kept SET text = 'other'",
        "INSERT INTO kept (text) SELECT repeat('x', 100) FROM generate_series(1, 10000)",
        "INSERT INTO empty VALUES (1)",
        "DROP TABLE kept",
        "CREATE TABLE another (n int)",
        "ALTER TABLE empty ADD COLUMN m int",
        "ALTER TABLE empty ADD CHECK (n > 0)",
        "ALTER TABLE kept ALTER COLUMN text SET DEFAULT 'x'",
        "CREATE INDEX ON kept (text)",
    ],
)
def test_whatever_a_test_has_changed_is_restored(empty_postgres: str, change: str) -> None:
    reused = ReusedPostgres(empty_postgres, _build)
    with _connected(reused.restored()) as connection:
        connection.execute(change)
    with _connected(reused.restored()) as connection:
        rows = connection.execute("SELECT n, text FROM kept").fetchall()
        inserted = connection.execute(
            "INSERT INTO kept DEFAULT VALUES RETURNING n, text"
        ).fetchone()
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        ).fetchall()
        connection.execute("INSERT INTO empty VALUES (-1)")
        indexes = connection.execute(
            "SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'"
        ).fetchone()

    assert rows == [(1, "first"), (2, None)]
    assert inserted == (3, None)
    assert tables == [("empty",), ("kept",)]
    assert indexes == (1,)


def test_a_migrated_database_is_like_one_that_was_opened_for_the_first_time(
    tmp_path: Path,
) -> None:
    new, migrated = tmp_path / "new.sqlite3", tmp_path / "migrated.sqlite3"
    open_store(f"sqlite:///{new}").close()
    migrated_sqlite(migrated)

    assert migrated.stat().st_mode == new.stat().st_mode
    assert migrated.read_bytes() == new.read_bytes()
