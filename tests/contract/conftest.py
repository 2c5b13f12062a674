"""Stores of every kind, to test against the guarantees of `rum_service.storage.base`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rum_service.storage import open_store
from rum_service.storage.base import (
    AppMonitorStore,
    CredentialStore,
    LogStore,
    MetricStore,
    PolicyStore,
    Store,
)
from rum_service.storage.postgres_partitions import DAY_MS
from tests.support.databases import ReusedPostgres, migrated_sqlite
from tests.support.memory_store import memory_store
from tests.tools.postgres import Postgres

_A_DAY = 20_000
"""A number of days since 1970."""


@pytest.fixture(params=["memory", "sqlite", "postgres", "postgres-partitioned"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    store = _open(request, tmp_path)
    yield store
    store.close()


def _open(request: pytest.FixtureRequest, folder: Path) -> Store:
    if request.param == "memory":
        return memory_store()
    if request.param == "sqlite":
        return open_store(migrated_sqlite(folder / "store.sqlite3"))
    if request.param == "postgres":
        return open_store(request.getfixturevalue("migrated_postgres"))
    return open_store(request.getfixturevalue("_partitioned_postgres").restored())


@pytest.fixture(scope="session")
def _partitioned_postgres(postgres_server: Postgres) -> ReusedPostgres:
    return ReusedPostgres(
        postgres_server.create_database("restored_with_partitions"), _with_partitions
    )


def _with_partitions(url: str) -> None:
    store = open_store(url)
    for day in range(3):
        store.log.maintain((_A_DAY + day) * DAY_MS)
    store.close()


@pytest.fixture
def log(any_store: Store) -> LogStore:
    return any_store.log


@pytest.fixture
def monitors(any_store: Store) -> AppMonitorStore:
    return any_store.monitors


@pytest.fixture
def policies(any_store: Store) -> PolicyStore:
    return any_store.policies


@pytest.fixture
def metrics(any_store: Store) -> MetricStore:
    return any_store.metrics


@pytest.fixture
def credentials(any_store: Store) -> CredentialStore:
    return any_store.credentials
