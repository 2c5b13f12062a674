"""What databases differ in, as one value that `sqlite.py` and `postgres.py` make."""

from __future__ import annotations

__all__ = ["Dialect", "Insert"]

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.dialects import postgresql, sqlite

Insert = sqlite.Insert | postgresql.Insert


@dataclass(frozen=True)
class Dialect:
    """A database, opened the way its file in this folder says."""

    writer: Engine
    """Every transaction takes the write lock at its beginning, if the database has one."""
    reader: Engine
    """Every statement is a transaction."""
    insert: Callable[..., Insert]
    """The dialect's INSERT, which knows ON CONFLICT DO NOTHING."""
