"""What a database must contain at the end: every acknowledged batch, once."""

from __future__ import annotations

__all__ = ["Ledger"]

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field

import psycopg

_COUNT = "SELECT count(*) FROM batches"


@dataclass
class Ledger:
    """The number of batches that a server has acknowledged, beside what its database has."""

    database_url: str
    """As in OPENRUM_DATABASE_URL."""
    acknowledged: int = field(default=0, init=False)

    def stored(self) -> int:
        """Return the number of batches in the database."""
        if self.database_url.startswith("sqlite:///"):
            with closing(sqlite3.connect(self.database_url.removeprefix("sqlite:///"))) as file:
                return int(file.execute(_COUNT).fetchone()[0])
        with psycopg.connect(self.database_url.replace("+psycopg", "", 1)) as connection:
            row = connection.execute(_COUNT).fetchone()
            assert row
            return int(row[0])
