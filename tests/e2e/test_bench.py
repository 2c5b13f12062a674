"""The benchmark runs. The times that it measures do not matter here."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.ratios import ROWS
from tests.support.running import environment

ROOT = Path(__file__).parents[2]
_PAGE = ROOT / "docs" / "performance.md"


def _bench(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    tiny = ("--rounds", "1", "--scale", "0.001", "--folder", str(folder))
    return subprocess.run(
        [sys.executable, "-m", "bench", *tiny, *arguments],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """docs/performance.md after a run that measures everything of the short run."""
    folder = tmp_path_factory.mktemp("bench")
    copy = folder / _PAGE.name
    shutil.copy(_PAGE, copy)
    done = _bench(folder, "--short", "--preload", "2000", "--page", str(copy), "--compare")

    # Acknowledged batches that are not in the database fail the run.
    assert done.returncode == 0, done.stderr
    assert "| gRPC, 50 events: OpenRUM on PostgreSQL |" in done.stdout
    assert copy.with_suffix(".svg").read_text().startswith("<svg ")
    return copy.read_text()


@pytest.mark.slow
def test_every_ratio_is_measured(page: str) -> None:
    missing = [row.name for row in ROWS if f"| {row.name} |" not in page]

    assert missing == []
    assert "not measured" not in page


@pytest.mark.slow
def test_every_stage_is_measured(page: str) -> None:
    stages = re.findall(
        r"^\| (?:bridge|service|writer): .*\| ([0-9.]+) \| ([0-9.]+) \|$", page, re.M
    )

    assert len(stages) >= 8
    assert all(float(value) > 0 for stage in stages for value in stage)


@pytest.mark.slow
def test_another_checkout_is_measured_in_the_same_run(tmp_path: Path) -> None:
    """The other checkout is this one, whose .venv runs the test."""
    out = tmp_path / "results.md"
    other = tmp_path / "other"
    other.mkdir()
    (other / "proto").symlink_to(ROOT / "proto")
    (other / ".venv").symlink_to(Path(sys.prefix))
    chosen = ("--only", "gRPC, 1 event|32 batches", "--variants", "no-op|OpenRUM|against")
    skipped = ("--preload", "0", "--no-footprint", "--short", "--load-processes", "2")
    done = _bench(tmp_path, *chosen, *skipped, "--against", str(other), "--out", str(out))

    assert done.returncode == 0, done.stderr
    assert re.search(
        r"^\| gRPC, 32 batches of 1 event \| [0-9.]+ \| [0-9.]+ \|", out.read_text(), re.M
    )
    assert str(other) not in out.read_text()
