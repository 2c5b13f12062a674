"""Opens an empty log in SQLite or PostgreSQL, with the CPU time of the server."""

from __future__ import annotations

__all__ = ["DATABASES", "LogDatabase", "opened"]

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bench.cpu import cpu_seconds, descendants
from bench.log_batches import LogBatches
from rum_service.storage import open_store
from rum_service.storage.base import Store
from tests.tools.postgres import postgres

DATABASES = ("SQLite", "PostgreSQL")
# Autovacuum as on a usual server; the tests' server has none for ten minutes.
_SERVER = {"shared_buffers": "256MB", "autovacuum_naptime": "1min"}
_MONITOR_ID = "7f6bd4b0-5c3e-4a53-9c7e-3a1d2b0c9e11"
_DRIVER = "postgresql+psycopg"


@dataclass
class LogDatabase:
    """An empty log with one app monitor."""

    name: str
    url: str
    store: Store
    app_monitor: int
    """Its key."""
    _cpu_s: dict[int, float] = field(default_factory=dict)

    def batches(self, events: int) -> LogBatches:
        """Return the maker of batches with this number of events."""
        return LogBatches(_MONITOR_ID, self.app_monitor, events=events)

    def create_monitor(self, name: str) -> int:
        """Create another app monitor. Return its key."""
        return self.store.monitors.create(name, name, "{}").key

    @property
    def size_bytes(self) -> int:
        """The size of the database on disk."""
        if self.name == "SQLite":
            file = Path(self.url.removeprefix("sqlite:///"))
            return sum(each.stat().st_size for each in file.parent.glob(f"{file.name}*"))
        return int(self.query("SELECT pg_database_size(current_database())")[0][0])

    def checkpoint(self) -> None:
        """Write all changed pages to the files. SQLite does that by itself all the time."""
        if self.name == "PostgreSQL":
            self.query("CHECKPOINT")

    def query(self, *statements: str) -> list[tuple[Any, ...]]:
        """Execute statements on a new connection of PostgreSQL. Return the rows of the last one."""
        url = self.url.replace(_DRIVER, "postgresql")
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def server_cpu_s(self) -> float:
        """Return the CPU time of the database server since the last call.

        That of processes which have ended since, such as an autovacuum worker, is not included.
        """
        used_s = {}
        for pid in descendants(os.getpid()):
            try:
                used_s[pid] = cpu_seconds([pid])
            except OSError:  # it has ended
                continue
        since = sum(value - self._cpu_s.get(pid, 0.0) for pid, value in used_s.items())
        self._cpu_s = used_s
        return since


@contextmanager
def opened(name: str, folder: Path | None) -> Iterator[LogDatabase]:
    """Open an empty database of one of the kinds in DATABASES.

    Args:
        folder: where the file of SQLite is created.
    """
    if name == "SQLite":
        with (
            tempfile.TemporaryDirectory(dir=folder, prefix="openrum-bench-") as place,
            _opened(name, f"sqlite:///{place}/openrum.sqlite3") as database,
        ):
            yield database
    else:
        with (
            postgres(_SERVER) as server,
            _opened(name, server.create_database("bench")) as database,
        ):
            yield database


@contextmanager
def _opened(name: str, url: str) -> Iterator[LogDatabase]:
    with closing(open_store(url)) as store:
        key = store.monitors.create(_MONITOR_ID, "shop", "{}").key
        yield LogDatabase(name, url, store, key)
