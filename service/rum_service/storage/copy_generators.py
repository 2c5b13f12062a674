"""The generators of keys: AUTOINCREMENT of SQLite, sequences of PostgreSQL."""

from __future__ import annotations

__all__ = ["copy_generators"]

from sqlalchemy import Connection, Table, text

from rum_service.storage.schema import metadata


def copy_generators(source: Connection, target: Connection) -> None:
    """Set the target's next keys above the source's, because keys are never reused."""
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is None:
            continue
        if last := _last_generated(source, table, column.name):
            _set_last(target, table, column.name, last)


def _last_generated(connection: Connection, table: Table, column: str) -> int:
    if connection.dialect.name == "sqlite":
        query = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        return connection.execute(query, {"name": table.name}).scalar() or 0
    query = text(
        "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence(:name, :column)), 0)"
    )
    last: int = connection.execute(query, {"name": table.name, "column": column}).scalar_one()
    return last


def _set_last(connection: Connection, table: Table, column: str, last: int) -> None:
    if connection.dialect.name == "sqlite":
        values = {"name": table.name, "last": last}
        connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), values)
        connection.execute(text("INSERT INTO sqlite_sequence VALUES (:name, :last)"), values)
    else:
        query = text("SELECT setval(pg_get_serial_sequence(:name, :column), :last)")
        connection.execute(query, {"name": table.name, "column": column, "last": last})
