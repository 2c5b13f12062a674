"""A database of an older version is brought up to date, with all that it holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text

import rum_service.storage
from rum_service.storage import open_store
from rum_service.storage.schema import metadata


def upgrade(connection: Connection, revision: str) -> None:
    config = Config()
    scripts = Path(rum_service.storage.__file__).parent / "migrations"
    config.set_main_option("script_location", str(scripts))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/openrum.sqlite3"


def test_a_database_of_the_first_version_keeps_its_batches(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        upgrade(connection, "0001")
        connection.execute(
            text("INSERT INTO app_monitors (id, name, document) VALUES ('i', 'shop', '{}')")
        )
        connection.execute(
            text("INSERT INTO batches VALUES (7, 1, x'01', x'02', 3, 3, 3, 1, x'04')")
        )
    engine.dispose()
    store = open_store(url)
    try:
        record = store.monitors.by_name("shop")
        read = store.log.read(1, below=None, after_ms=0, before_ms=9, limit=9)

        assert record
        assert (record.policy, record.policy_revision, record.has_events) == (None, None, True)
        assert [(batch.sequence, batch.payload) for batch in read] == [(7, b"\x04")]
        assert store.log.dropped_events([1]) == {}
    finally:
        store.close()


def test_the_migrations_make_the_tables_of_the_code(url: str) -> None:
    open_store(url).close()
    engine = create_engine(url)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()

    assert differences == []
