"""Measures what a put costs, beside the bare libraries and other builds.

Usage: python -m bench --help
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from bench.alternatives import alternative_table
from bench.chart import chart
from bench.checkout import OURS, Checkout
from bench.generator import Generators
from bench.page import with_parts
from bench.report import against_table, case_tables, comparison, heading, ratio_table, report
from bench.results import About, Results, machine, newest_kept
from bench.run import Plan, run
from bench.servers import Servers
from bench.stages import stage_table

_RESULTS = Path(__file__).parent / "results"
_MAX_PRELOAD = 20_000_000


@click.command(context_settings={"max_content_width": 100})
@click.option("--short", is_flag=True, help="Measure only what the short run needs.")
@click.option(
    "--rounds",
    default=5,
    show_default=True,
    type=click.IntRange(1, 100),
    help="How often to measure each variant.",
)
@click.option(
    "--scale",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0.001, 100),
    help="The share of the requests to send.",
)
@click.option("--only", default="", help="Parts of the names of cases, separated by |.")
@click.option("--variants", default="", help="Parts of the names of variants, separated by |.")
@click.option(
    "--preload",
    default=100_000,
    show_default=True,
    type=click.IntRange(0, _MAX_PRELOAD),
    metavar="EVENTS",
    help="Events in the preloaded log. 0 leaves out all measurements of reading.",
)
@click.option(
    "--footprint/--no-footprint",
    default=True,
    show_default=True,
    help="Measure start, idle CPU and memory, on fresh servers.",
)
@click.option(
    "--against",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="CHECKOUT",
    help="Measure the servers of another checkout, with its own .venv, in the same rounds.",
)
@click.option(
    "--load-processes",
    default=1,
    show_default=True,
    type=click.IntRange(1, 16),
    help="The number of load generators.",
)
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where databases are created. The disk matters.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The Markdown file to write, instead of a kept one.",
)
@click.option(
    "--page",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A page whose generated tables and chart to update, such as docs/performance.md.",
)
@click.option(
    "--compare",
    is_flag=True,
    help="Print the CPU for each put beside the last kept result. Keep nothing.",
)
def main(
    short: bool,
    rounds: int,
    scale: float,
    only: str,
    variants: str,
    preload: int,
    footprint: bool,
    against: Path | None,
    load_processes: int,
    folder: Path | None,
    out: Path | None,
    page: Path | None,
    compare: bool,
) -> None:
    """Run the benchmark, print the results and keep them under bench/results."""
    other = Checkout.at(against) if against else None
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(dir=folder, prefix="openrum-bench-") as data:
        results = Results(
            About(
                date=f"{now:%Y-%m-%d}",
                commit=_commit(OURS.folder),
                command=_command(against),
                rounds=rounds,
                folder=str(Path(data).parent),
                preloaded_events=preload,
                against=_commit(against) if against else "",
                machine=machine(),
            )
        )
        plan = Plan(
            short=short,
            only=only,
            variants=variants,
            rounds=rounds,
            scale=scale,
            preloaded_events=preload,
            footprint=footprint,
            folder=Path(data),
            against=other,
        )
        began = time.monotonic()
        with (
            Servers(Path(data), against=other) as servers,
            Generators(load_processes) as generators,
        ):
            run(plan, servers, generators, results, tell=_progress)
            if lost := servers.lost():
                raise click.ClickException(f"acknowledged, but not in the database: {lost}")
        _progress(f"measured in {time.monotonic() - began:.0f} s")
    results.finish(os.getloadavg())
    _show(results, scale, out=out, page=page, compare=compare)


def _show(
    results: Results, scale: float, *, out: Path | None, page: Path | None, compare: bool
) -> None:
    text = report(results)
    click.echo(comparison(results, newest_kept(_RESULTS)) if compare else text)
    if page:
        _update_page(page, results, scale)
        click.echo(f"updated {page} and {page.with_suffix('.svg')}")
    if out:
        out.write_text(text)
    elif not compare:
        file = _RESULTS / f"{results.about.date}-{results.about.commit}.json"
        file.write_text(results.to_json())
        file.with_suffix(".md").write_text(text)
        click.echo(f"kept in {file.with_suffix('.md')}")


def _update_page(page: Path, results: Results, scale: float) -> None:
    _progress("measuring stages and alternatives")
    parts = {
        "run": heading(results.about),
        "ratios": ratio_table(results),
        "against": against_table(results) or "This run measured no other version.",
        "cases": case_tables(results),
        "stages": stage_table(min(1.0, scale)),
        "alternatives": alternative_table(min(1.0, scale)),
    }
    page.write_text(with_parts(page.read_text(), parts))
    page.with_suffix(".svg").write_text(chart(results))


def _command(against: Path | None) -> str:
    """Return the command line, without the place of another checkout on this machine."""
    hidden = [argument.replace(str(against), "CHECKOUT") for argument in sys.argv[1:]]
    return shlex.join(["python", "-m", "bench", *(hidden if against else sys.argv[1:])])


def _progress(text: str) -> None:
    click.echo(text, err=True)


def _commit(folder: Path) -> str:
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude", "*"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    return described.stdout.strip() or "unknown"


if __name__ == "__main__":
    main()
