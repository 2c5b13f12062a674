"""The benchmark runs. The measured times do not matter here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.running import environment

ROOT = Path(__file__).parents[2]


def test_the_benchmark_measures_each_variant_and_loses_no_batch(
    tmp_path: Path,
) -> None:
    out = tmp_path / "results.md"
    parts = ("--only", "REST, 1 event|gRPC, 1 event", "--variants", "no-op|signed|naive")
    limits = ("--rounds", "1", "--scale", "0.001", "--folder", str(tmp_path), "--out", str(out))
    done = subprocess.run(
        [sys.executable, "-m", "bench", *parts, *limits],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    rows = [line for line in done.stdout.splitlines() if line.count("|") == 8]

    assert (done.returncode, done.stderr) == (0, "")
    assert len(rows) == 2 * 2 + 3 + 2  # two table heads of two lines, and the variants
    assert out.read_text() in done.stdout
