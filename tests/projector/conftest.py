"""Engines of every kind, to test against the guarantees of `rum_projector.engines.base`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rum_projector.engines.base import Engine
from rum_projector.engines.duckdb import open_duckdb


@pytest.fixture(params=["duckdb"])
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An empty engine of each kind."""
    opened, _ = open_duckdb(
        tmp_path / "insight.duckdb", name="log", memory_bytes=64 << 20, newest=0, now_ms=0
    )
    yield opened
    opened.close()
