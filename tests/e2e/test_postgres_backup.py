"""Backups of PostgreSQL with its own programs, as docs/how-to/back-up.md shows them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rum_service.storage import open_store
from rum_service.storage.postgres_partitions import DAY_MS
from tests.support.batches import batch
from tests.support.running import OpenRum, run_openrum
from tests.tools.postgres import Postgres

_SENT = [batch(events) for events in (2, 3, 4)]


class _Original(NamedTuple):
    """A running server. Its batches are in two partitions."""

    folder: Path
    server: OpenRum
    url: str

    def put(self, document: dict[str, Any]) -> int:
        return self.server.post(f"/appmonitors/{self.server.monitor_id()}", document)[0]


@pytest.fixture
def original(tmp_path: Path, postgres_server: Postgres, name: str) -> Iterator[_Original]:
    url = postgres_server.create_database(f"{name}_original")
    with OpenRum(tmp_path, OPENRUM_DATABASE_URL=url) as server:
        found = _Original(tmp_path, server, url)
        created = run_openrum("keys", "create", OPENRUM_SERVICE=server.grpc, cwd=tmp_path)
        assert created.returncode == 0
        assert found.put(_SENT[0]) == 200
        store = open_store(url)
        store.log.maintain(round(time.time() * 1000) + DAY_MS)
        store.close()
        assert found.put(_SENT[1]) == 200
        yield found
        server.stop()


def _check(folder: Path, url: str) -> subprocess.CompletedProcess[str]:
    return run_openrum("db", "check", OPENRUM_DATABASE_URL=url, cwd=folder)


def _assert_restored(original: _Original, url: str) -> None:
    """Check a restored database, and send all batches again: only the last one is missing."""
    restored = _check(original.folder, url)
    monitor_id = original.server.monitor_id()
    original.server.stop()
    with OpenRum(original.folder, OPENRUM_DATABASE_URL=url) as server:
        statuses = [server.post(f"/appmonitors/{monitor_id}", sent)[0] for sent in _SENT]
        server.stop()
    final = _check(original.folder, url)

    assert restored.stdout == (
        "No problems in 2 batches with 5 events, 1 app monitor, 1 access key\n"
    )
    assert statuses == [200] * 3
    assert final.stdout == "No problems in 3 batches with 9 events, 1 app monitor, 1 access key\n"


@pytest.mark.parametrize("name", ["dump"])
def test_a_dump_of_a_database_in_use_is_restored(
    original: _Original, postgres_server: Postgres, name: str, tmp_path: Path
) -> None:
    file = str(tmp_path / "openrum.dump")
    url = postgres_server.create_database(f"{name}_restored")
    libpq = [each.replace("+psycopg", "") for each in (original.url, url)]
    postgres_server.run("pg_dump", "--format=custom", f"--file={file}", libpq[0])
    assert original.put(_SENT[2]) == 200  # after the dump, so it is lost
    postgres_server.run("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={libpq[1]}", file)

    _assert_restored(original, url)


@pytest.mark.parametrize("name", ["base"])
def test_a_base_backup_of_a_server_in_use_is_restored(
    original: _Original, postgres_server: Postgres, name: str
) -> None:
    with postgres_server.restored_base_backup() as copy:
        assert original.put(_SENT[2]) == 200
        database = f"/{name}_original?"
        url = copy.url.replace("/postgres?", database)
        assert database in url

        _assert_restored(original, url)
