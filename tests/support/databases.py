"""Databases with the current schema. Without them, most of a short test is the migrations."""

from __future__ import annotations

__all__ = ["ReusedPostgres", "migrated_sqlite"]

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from psycopg import Connection, sql

from rum_service.storage import open_store

# Rows that are deleted remain in the files until a vacuum, and reads visit them.
_MAX_KEPT_BYTES = 256 << 10
# Includes what each table and index is, so that a changed one is not taken for the original.
_OBJECTS = """
SELECT oid, relname, relkind, relnatts, relchecks, relhastriggers, reloptions, (
    SELECT array_agg((attname, atttypid, attnotnull, atthasdef)::text ORDER BY attnum)
    FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum > 0
)
FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY oid
"""
_SEQUENCES = """
SELECT sequencename, coalesce(last_value, start_value), last_value IS NOT NULL
FROM pg_sequences WHERE schemaname = 'public'
"""


def migrated_sqlite(file: Path) -> str:
    """Create an empty SQLite database with the current schema, and return its URL."""
    # With the mode that SQLite gives to its files.
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    with os.fdopen(descriptor, "wb") as new:
        new.write(_migrated())
    return f"sqlite:///{file}"


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder, "migrated.sqlite3")
        open_store(f"sqlite:///{file}").close()
        return file.read_bytes()


class ReusedPostgres:
    """A PostgreSQL database that tests use one after another.

    It is built again for a test if the one before it has changed the schema. Otherwise only rows
    and sequences are restored, which takes a tenth of the time.

    Args:
        url: an empty database.
        build: creates the schema, and the rows that every test finds.
    """

    def __init__(self, url: str, build: Callable[[str], None]) -> None:
        self._url = url
        self._build = build
        self._built: _Contents | None = None

    def restored(self) -> str:
        """Return the URL of the database as it was built. No other connection may be open."""
        address = self._url.replace("+psycopg", "")
        with psycopg.connect(address) as connection:
            if self._built and self._built.objects == _objects(connection):
                self._built.restore(connection)
                return self._url
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        self._build(self._url)
        with psycopg.connect(address) as connection:
            self._built = _Contents(connection)
        return self._url


class _Contents:
    """All tables, rows and sequences of a database."""

    def __init__(self, connection: Connection) -> None:
        self.objects = _objects(connection)
        self._rows: dict[str, bytes] = {}
        for _, name, kind, *_ in self.objects:
            if kind == "r":
                copy = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(name))
                with connection.cursor().copy(copy) as rows:
                    self._rows[name] = b"".join(rows)
        self._sequences = connection.execute(_SEQUENCES).fetchall()

    def restore(self, connection: Connection) -> None:
        connection.execute(self._emptying(connection))
        for name, rows in self._rows.items():
            if rows:
                copy = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(name))
                with connection.cursor().copy(copy) as restoring:
                    restoring.write(rows)
        for sequence in self._sequences:
            connection.execute("SELECT setval(%s::regclass, %s, %s)", sequence)

    def _emptying(self, connection: Connection) -> sql.Composed:
        sizes = dict(
            connection.execute("SELECT relname, pg_total_relation_size(oid) FROM pg_class")
        )
        return sql.SQL("; ").join(
            sql.SQL("TRUNCATE {}" if sizes[name] > _MAX_KEPT_BYTES else "DELETE FROM {}").format(
                sql.Identifier(name)
            )
            for name in self._rows
        )


def _objects(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute(_OBJECTS).fetchall()
