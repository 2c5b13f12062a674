"""What databases differ in, as one value that `sqlite.py` and `postgres.py` make.

`SqlStore` is put together of parts that share it, one for each kind of thing it keeps.
"""

from __future__ import annotations

__all__ = ["Database", "Insert", "SqlPart"]

import threading
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.dialects import postgresql, sqlite

Insert = sqlite.Insert | postgresql.Insert


@dataclass(frozen=True)
class Database:
    """A database, opened the way its file in this folder says."""

    writer: Engine
    """Every transaction takes the write lock at its beginning, if the database has one."""
    reader: Engine
    """Every statement is a transaction."""
    insert: Callable[..., Insert]
    """The dialect's INSERT, which knows ON CONFLICT DO NOTHING."""


class SqlPart:
    """What all parts of a store on a SQL database have."""

    def __init__(self, dialect: Database) -> None:
        self._writer = dialect.writer
        self._reader = dialect.reader
        self._insert = dialect.insert
        # One connection writes at a time: those of SQLite would only wait for each other.
        self._write_lock = threading.Lock()
