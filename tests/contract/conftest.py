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
from tests.support.memory_store import memory_store


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    store = _open(request, tmp_path)
    yield store
    store.close()


def _open(request: pytest.FixtureRequest, folder: Path) -> Store:
    if request.param == "memory":
        return memory_store()
    if request.param == "sqlite":
        return open_store(f"sqlite:///{folder / 'store.sqlite3'}")
    return open_store(request.getfixturevalue("empty_postgres"))


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
