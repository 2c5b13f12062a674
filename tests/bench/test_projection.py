"""The measurement of the projector. The times that it measures do not matter here."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from bench.checkout import Projector
from bench.demo.fill import fill
from bench.projection import catch_up, interference, progress


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


@pytest.mark.slow
def test_puts_are_measured_beside_a_projector(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path}/log.sqlite3"
    fill(url, 1_000)
    (tmp_path / "var").mkdir()
    capsys.readouterr()

    interference(tmp_path, url, rate=50, seconds=0.5, turns=1)

    lines = capsys.readouterr().out.splitlines()
    assert "events are projected" in lines[0]
    assert [line.split(":")[0] for line in lines[1:]] == ["without", "without", "with", "with"]
