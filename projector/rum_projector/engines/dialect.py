"""Statements of SQLAlchemy Core as text and parameters for DuckDB.

DuckDB speaks the SQL of PostgreSQL. The package duckdb-engine has had no release since 2025-03.
"""

from __future__ import annotations

__all__ = ["compiled", "run"]

from typing import Any

import duckdb
from sqlalchemy import Executable
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.util import LRUCache

_DIALECT: Any = postgresql.dialect(paramstyle="qmark")  # type: ignore[no-untyped-call] # of SQLAlchemy
# Compiling a statement takes 3 ms, which is more than DuckDB needs for many of them (2026-11).
_CACHE: LRUCache[Any, Any] = LRUCache(500)


def compiled(statement: Executable) -> tuple[str, list[Any]]:
    """Return a statement's text and its parameters."""
    if isinstance(statement, ExecutableDDLElement):  # it has no parameters
        return str(statement.compile(dialect=_DIALECT)), []
    # As `sqlalchemy.Connection` does it: there is no public function for it.
    clause: Any = statement
    found, extracted, *_ = clause._compile_w_cache(_DIALECT, compiled_cache=_CACHE, column_keys=[])
    values = found.construct_params(extracted_parameters=extracted, _no_postcompile=True)
    expanded = found._process_parameters_for_postcompile(values)
    return expanded.statement, [expanded.parameters[name] for name in expanded.positiontup or ()]


def run(connection: duckdb.DuckDBPyConnection, statement: Executable) -> list[tuple[Any, ...]]:
    """Execute a statement and return its rows."""
    text, parameters = compiled(statement)
    return connection.execute(text, parameters).fetchall()
