"""The measurement of a growing log. The times that it measures do not matter here."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.growth import growth_table, main
from bench.page import with_part

_FIRST = {
    "means_us": [200.0, 400.0, 300.0],
    "medians_us": [190.0],
    "service_cpu_us": [30.0],
    "server_cpu_us": [0.0],
    "newest_page_ms": [2.0],
    "oldest_page_ms": [1.0, 1.0, 5.0],
    "size_mb": 10.0,
}


def test_each_row_compares_the_last_part_with_the_first() -> None:
    last = {**_FIRST, "means_us": [330.0], "size_mb": 1234.5}
    kept = {"events": 1_000_000, "batch_events": 50, "date": "2026-11"}

    table = growth_table({"SQLite": {**kept, "first": _FIRST, "last": last}})

    assert "SQLite, 1,000,000 events in batches of 50, 1,234 MB, 2026-11:" in table
    assert "| time for each batch, with the checkpoints | 300 µs | 330 µs | 1.10 |" in table
    assert "| page of the oldest events | 1.00 ms | 1.00 ms | 1.00 |" in table
    assert "server" not in table


@pytest.mark.parametrize("database", ["SQLite", "PostgreSQL"])
def test_a_short_run_measures_every_row(database: str, tmp_path: Path) -> None:
    chosen = ["--database", database, "--events", "20000", "--pages", "2"]
    ran = CliRunner().invoke(main, [*chosen, "--folder", str(tmp_path)], catch_exceptions=False)

    assert ran.exit_code == 0, ran.output
    assert f"{database}, 20,000 events" in ran.output
    assert ran.output.count("| page of the ") == 2
    assert list(tmp_path.iterdir()) == []


def test_one_part_of_a_page_is_replaced() -> None:
    page = "".join(
        f"<!-- bench: {name} -->\nold {name}\n<!-- bench end -->\n" for name in ("a", "b")
    )

    replaced = with_part(page, "a", "new a\n")

    assert replaced == page.replace("old a\n", "\nnew a\n\n")
    with pytest.raises(ValueError, match="no place for c"):
        with_part(page, "c", "")
