"""Compare the cost of a put with a no-op server and a naive one: `python -m bench --help`."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import click
import uvloop

from bench.cases import CASES
from bench.report import report
from bench.rounds import run_rounds
from bench.servers import Servers

_RESULTS = Path(__file__).parent / "results"


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Times each variant is measured.")
@click.option("--scale", default=1.0, show_default=True, help="Fraction of the requests to send.")
@click.option("--only", default="", help="Cases with this in their name; separate several with |.")
@click.option(
    "--variants", default="", help="Variants with this in their name; separate several with |."
)
@click.option("--folder", type=click.Path(path_type=Path), help="Folder for the databases.")
@click.option("--out", type=click.Path(path_type=Path), help="File to write the results to.")
def main(
    rounds: int, scale: float, only: str, variants: str, folder: Path | None, out: Path | None
) -> None:
    """Run the benchmark, print its results and save them under bench/results."""
    uvloop.install()
    commit = _commit()
    cases = [
        case.with_variants(variants.split("|"))
        for case in CASES
        if any(part in case.name for part in only.split("|"))
    ]
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix="openrum-bench-") as data,
        Servers(Path(data)) as servers,
    ):
        results = run_rounds(servers, cases, rounds, scale)
        if lost := servers.lost():
            raise click.ClickException(f"acknowledged batches that are not on disk: {lost}")
    now = datetime.now(UTC)
    command = shlex.join(["python", "-m", "bench", *sys.argv[1:]])
    text = report(
        results, command=command, commit=f"{now:%Y-%m-%d}, {commit}", folder=Path(data).parent
    )
    out = out or _RESULTS / f"{now:%Y-%m-%d}-{commit}.md"
    out.write_text(text)
    click.echo(text)
    click.echo(f"saved as {out}")


def _commit() -> str:
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude", "*"],
        capture_output=True,
        text=True,
        check=False,
        cwd=_RESULTS.parent,
    )
    return described.stdout.strip() or "unknown"


if __name__ == "__main__":
    main()
