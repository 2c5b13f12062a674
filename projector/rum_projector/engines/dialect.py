"""Statements of SQLAlchemy Core as text and parameters for DuckDB.

DuckDB speaks the SQL of PostgreSQL. The package duckdb-engine has had no release since 2025-03.
"""

from __future__ import annotations

__all__ = ["compiled", "run"]

from typing import Any

import duckdb
from sqlalchemy import Executable
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.compiler import SQLCompiler

_DIALECT: Any = postgresql.dialect(paramstyle="qmark")  # type: ignore[no-untyped-call] # of SQLAlchemy


def compiled(statement: Executable) -> tuple[str, list[Any]]:
    """Return a statement's text and its parameters."""
    found: Any = statement.compile(  # type: ignore[attr-defined] # every executable clause has it
        dialect=_DIALECT, compile_kwargs={"render_postcompile": True}
    )
    if not isinstance(found, SQLCompiler):  # CREATE TABLE and the like have no parameters
        return str(found), []
    return found.string, [found.params[name] for name in found.positiontup or ()]


def run(connection: duckdb.DuckDBPyConnection, statement: Executable) -> list[tuple[Any, ...]]:
    """Execute a statement and return its rows."""
    text, parameters = compiled(statement)
    return connection.execute(text, parameters).fetchall()
