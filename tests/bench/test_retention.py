"""The measurement of retention. The times that it measures do not matter here."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.retention import Round, main, retention_table


def test_the_ratio_is_of_each_round_and_not_of_the_medians() -> None:
    rounds = [
        Round(without, with_work, removed=500, longest_ms=30.0)
        for without, with_work in ((1000.0, 900.0), (2000.0, 2000.0), (4000.0, 3800.0))
    ]
    found = {"rounds": [asdict(each) for each in rounds], "seconds": 6.0, "batch_events": 20}

    table = retention_table({"removal": {**found, "date": "2026-11"}})

    assert "| 3 of 6 s | 2,000 | 2,000 | 0.95 | 0.90 to 1.00 | 500 | 30 ms |" in table
    assert "Groups of 16 batches of 20 events, 2026-11." in table


@pytest.mark.slow
@pytest.mark.parametrize("case", ["removal", "partitions", "single rows"])
def test_a_short_run_removes_an_old_day(case: str, tmp_path: Path) -> None:
    short = ["--rounds", "1", "--seconds", "3", "--batches", "500", "--batch-events", "1"]
    ran = CliRunner().invoke(
        main, ["--case", case, *short, "--folder", str(tmp_path)], catch_exceptions=False
    )

    assert ran.exit_code == 0, ran.output
    removed = int(ran.output.split(" | ")[-2])
    assert removed == 500 if case == "partitions" else 0 < removed <= 500
