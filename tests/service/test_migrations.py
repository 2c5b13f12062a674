"""Opening a store migrates its database to the current schema, one process at a time."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import zstandard
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, text

import rum_service.storage
from rum_service.storage import open_store
from rum_service.storage.records import Appended, AppMonitorRecord, Usage
from rum_service.storage.schema import BATCH_BYTES, metadata
from tests.support.logged import content, contents, logged, read


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'openrum.sqlite3'}"
    return str(request.getfixturevalue("empty_postgres"))


@pytest.fixture
def engine(url: str) -> Engine:
    """Direct access to the database, without the store."""
    return create_engine(url)


def test_the_migrations_create_the_tables_in_the_code(url: str, engine: Engine) -> None:
    open_store(url).close()
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, metadata)
        indexes = {
            (table.name, index["name"])
            for table in metadata.sorted_tables
            for index in inspect(connection).get_indexes(table.name)
            if not index.get("duplicates_constraint")
        }
    engine.dispose()

    assert differences == []
    assert indexes == {
        (table.name, index.name) for table in metadata.sorted_tables for index in table.indexes
    }


def test_a_database_of_the_first_version_keeps_its_batches(url: str, engine: Engine) -> None:
    config = Config()
    migrations = Path(rum_service.storage.__file__).parent / "migrations"
    config.set_main_option("script_location", str(migrations))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text("INSERT INTO app_monitors (id, name, document) VALUES ('i', 'shop', '{}')")
        )
        connection.execute(
            text("INSERT INTO batches VALUES (7, 1, :batch_id, :digest, 3, 3, 3, 1, :payload)"),
            {"batch_id": b"\x01", "digest": b"\x02", "payload": zstandard.compress(b"\x04")},
        )
    engine.dispose()
    store = open_store(url)
    monitor = store.monitors.by_name("shop")
    batches = read(store.log, after_ms=3, before_ms=3)
    dropped = store.log.dropped_events([1])
    store.close()

    assert monitor == AppMonitorRecord(1, "i", "shop", "{}", has_events=True)
    assert [(batch.sequence, batch.content) for batch in batches] == [(7, b"\x04")]
    assert dropped == {}


def test_batches_of_an_older_version_are_found_by_time(url: str, engine: Engine) -> None:
    config = Config()
    migrations = Path(rum_service.storage.__file__).parent / "migrations"
    config.set_main_option("script_location", str(migrations))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        for sequence in (1, 2, 1023, 1024, 5000):
            connection.execute(
                text(
                    "INSERT INTO batches (sequence, app_monitor, batch_id, digest, received_ms,"
                    " first_ms, last_ms, event_count, payload)"
                    " VALUES (:sequence, 1, :batch_id, :digest, 0, :ms, :ms, 1, :payload)"
                ),
                {
                    "sequence": sequence,
                    "batch_id": b"%d" % sequence,
                    "digest": b"",
                    "ms": (sequence - 1023) * 1_000_000,
                    "payload": zstandard.compress(b"%d" % sequence),
                },
            )
    engine.dispose()
    store = open_store(url)
    found = {
        sequence: contents(store.log, after_ms=ms, before_ms=ms)
        for sequence in (1, 2, 1023, 1024, 5000)
        for ms in [(sequence - 1023) * 1_000_000]
    }
    everything = contents(store.log)
    store.close()

    assert found == {sequence: [b"%d" % sequence] for sequence in found}
    assert everything == [b"5000", b"1024", b"1023", b"2", b"1"]


def test_batches_of_an_older_version_are_counted_in_steps(url: str, engine: Engine) -> None:
    config = Config()
    migrations = Path(rum_service.storage.__file__).parent / "migrations"
    config.set_main_option("script_location", str(migrations))
    sequences = range(1, 5001)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        connection.execute(
            text("INSERT INTO app_monitors (id, name, document) VALUES ('i', 'shop', '{}')")
        )
        connection.execute(
            text(
                "INSERT INTO batches (sequence, app_monitor, batch_id, digest, received_ms,"
                " first_ms, last_ms, event_count, payload)"
                " VALUES (:sequence, 1, :batch_id, :none, 0, 0, 0, 1, :payload)"
            ),
            [
                {
                    "sequence": sequence,
                    "batch_id": b"%d" % sequence,
                    "none": b"",
                    "payload": bytes(sequence % 100),
                }
                for sequence in sequences
            ],
        )
    engine.dispose()
    store = open_store(url)
    steps = 1
    while store.usage.count():
        steps += 1
    usage = store.usage.read()
    store.close()

    assert steps > 1
    assert usage == {
        1: Usage("shop", sum(n % 100 for n in sequences) + len(sequences) * BATCH_BYTES)
    }


def test_opening_a_database_again_changes_nothing(url: str) -> None:
    first = open_store(url)
    first.log.append([logged(1)])
    first.close()
    second = open_store(url)
    found = contents(second.log)
    second.close()

    assert found == [content(1)]


def test_a_newer_database_is_rejected_and_not_changed(url: str, engine: Engine) -> None:
    open_store(url).close()
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ValueError, match=r"^the database has schema 9999, and .* up to 0"):
        open_store(url)
    with engine.connect() as connection:
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    engine.dispose()

    assert version == "9999"


_OPEN = """
import sys
from rum_service.storage import open_store

open_store(sys.argv[1]).close()
print("alembic" in sys.modules)
"""


def test_a_current_database_is_opened_without_alembic(url: str) -> None:
    starts = [
        subprocess.run(
            [sys.executable, "-c", _OPEN, url], capture_output=True, text=True, check=True
        )
        for _ in range(2)
    ]

    assert [start.stdout for start in starts] == ["True\n", "False\n"]


def test_several_processes_can_migrate_an_empty_database_at_once(url: str) -> None:
    starts = 4
    together = threading.Barrier(starts)

    def start(number: int) -> list[Appended]:
        together.wait()
        store = open_store(url)
        try:
            return store.log.append([logged(number)])
        finally:
            store.close()

    with ThreadPoolExecutor(starts) as pool:
        results = list(pool.map(start, range(starts)))
    store = open_store(url)
    found = contents(store.log)
    store.close()

    assert results == [[Appended.STORED]] * starts
    assert sorted(found) == [content(number) for number in range(starts)]
