"""The measurement of the projector. The times that it measures do not matter here."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import NamedTuple

import pytest

from bench.checkout import Projector
from bench.demo.fill import fill
from bench.load import Load
from bench.projection import catch_up, figures, interference, progress


class Log(NamedTuple):
    """A generated log."""

    url: str
    events: int


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    url = f"sqlite:///{tmp_path_factory.mktemp('log')}/log.sqlite3"
    return Log(url, fill(url, 1_000))


def test_a_short_catch_up_projects_every_event(log: Log, tmp_path: Path) -> None:
    found = catch_up(log.url, str(tmp_path / "catch-up.duckdb"))

    assert found["events"] == log.events
    assert found["bytes per event"] > 1


def test_the_progress_is_that_of_the_running_projector(log: Log, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="does not answer"):
        progress(tmp_path)
    with Projector(tmp_path, OPENRUM_DATABASE_URL=log.url):
        found = progress(tmp_path)

    assert 0 <= int(found.partition(" ")[0].replace(",", "")) <= log.events
    assert "events are projected" in found


def test_figures_compare_the_medians_of_turns() -> None:
    caught_up = {
        "events": 600_000.0,
        "events per CPU second": 101_000.0,
        "events per second": 99_000.0,
        "bytes per event": 34.2,
        "peak MB": 290.0,
    }
    loads = {
        "without": [Load(1.0, array("d", [ms / 1000] * 10)) for ms in (4.0, 5.0, 90.0)],
        "with": [Load(1.0, array("d", [ms / 1000] * 10)) for ms in (7.0, 7.5, 8.0)],
    }

    table = figures(caught_up, loads, rate=200)

    assert "| 99,000 events per second, 101,000 per second of CPU |" in table
    assert "5.0 ms without a projector, 7.5 ms beside one that catches up: 1.50 times" in table


@pytest.mark.slow
def test_puts_are_measured_beside_a_projector(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path}/log.sqlite3"
    fill(url, 1_000)
    (tmp_path / "var").mkdir()

    loads = interference(tmp_path, url, rate=50, seconds=0.5, turns=1)

    assert [len(loads[name]) for name in ("without", "with")] == [1, 1]
    assert {len(load.latencies_s) for found in loads.values() for load in found} == {25}
