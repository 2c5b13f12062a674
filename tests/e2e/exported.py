"""Running `openrum export` and reading its files."""

from __future__ import annotations

__all__ = ["export", "lines", "rows"]

import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

import duckdb

from tests.support.running import run_openrum


def export(
    database: Path, name: str, folder: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run `openrum export` on a SQLite database."""
    url = f"sqlite:///{database}"
    # One process: each takes a second to start.
    command = ("export", name, "--output", str(folder), "--jobs", "1", *arguments)
    return run_openrum(*command, OPENRUM_DATABASE_URL=url, cwd=database.parent)


def rows(folder: Path, select: str = "*") -> list[dict[str, Any]]:
    """Return the rows of an export to Parquet, in the order of the log."""
    files = str(folder / "*" / "*.parquet")
    query = f"SELECT {select} FROM read_parquet(?) ORDER BY sequence, position"
    with duckdb.connect() as connection:
        found = connection.execute(query, [files])
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def lines(folder: Path) -> list[dict[str, Any]]:
    """Return the documents of an export to JSON lines, in the order of days and parts."""
    return [
        json.loads(line)
        for file in sorted(folder.glob("*/*.jsonl.gz"))
        for line in gzip.decompress(file.read_bytes()).splitlines()
    ]
