"""A database is brought to the schema of the code, by one process at a time, and never back."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, text

from rum_service.storage import open_store
from rum_service.storage.records import Appended
from rum_service.storage.schema import metadata
from tests.support.logged import logged, payload, payloads


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'openrum.sqlite3'}"
    return str(request.getfixturevalue("empty_postgres"))


@pytest.fixture
def engine(url: str) -> Engine:
    """A look at the database past the store."""
    return create_engine(url)


def test_a_fresh_database_has_the_tables_of_the_code(url: str, engine: Engine) -> None:
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


def test_opening_again_changes_nothing(url: str) -> None:
    first = open_store(url)
    first.log.append([logged(1)])
    first.close()
    second = open_store(url)
    found = payloads(second.log)
    second.close()

    assert found == [payload(1)]


def test_a_newer_database_is_refused_and_stays_as_it_is(url: str, engine: Engine) -> None:
    open_store(url).close()
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ValueError, match=r"^the database is newer than this version \(.*9999.*\)$"):
        open_store(url)
    with engine.connect() as connection:
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    engine.dispose()

    assert version == "9999"


def test_processes_that_start_together_on_an_empty_database_all_start(url: str) -> None:
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
        answers = list(pool.map(start, range(starts)))
    store = open_store(url)
    found = payloads(store.log)
    store.close()

    assert answers == [[Appended.STORED]] * starts
    assert sorted(found) == [payload(number) for number in range(starts)]
