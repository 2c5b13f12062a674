"""Stores to hold the guarantees of `rum_service.storage.base` against."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rum_service.storage import open_store
from rum_service.storage.base import Store
from tests.support.memory_store import memory_store


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    store = _opened(request, tmp_path)
    yield store
    store.close()


def _opened(request: pytest.FixtureRequest, folder: Path) -> Store:
    if request.param == "memory":
        return memory_store()
    if request.param == "sqlite":
        return open_store(f"sqlite:///{folder / 'store.sqlite3'}")
    return open_store(request.getfixturevalue("empty_postgres"))
