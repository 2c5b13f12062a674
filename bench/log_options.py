"""The options of the benchmarks that put at a fixed rate beside a large log, and that log."""

from __future__ import annotations

__all__ = ["Options", "large_log", "options_of"]

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.demo.fill import fill


@dataclass(frozen=True)
class Options:
    """How much to generate, and how long to measure."""

    events: int
    rate: float
    seconds: float
    turns: int
    log: Path | None
    page: bool = False
    """Whether to write the figures into a page of the documentation."""


def options_of(description: str | None, *, page: Path | None = None) -> Options:
    """Return the options of the command line.

    Args:
        page: the page into which `--page` writes the figures.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--events", type=int, default=600_000)
    parser.add_argument("--rate", type=float, default=200, help="puts per second")
    parser.add_argument("--seconds", type=float, default=5, help="of each turn")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--log", type=Path, help="an SQLite file to use instead of a generated one")
    if page:
        parser.add_argument("--page", action="store_true", help=f"write them into {page.name}")
    return Options(**vars(parser.parse_args()))


@contextmanager
def large_log(options: Options) -> Iterator[tuple[Path, str]]:
    """Yield an empty folder for a server, and the URL of a database with a month of events."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "var").mkdir()
        url = f"sqlite:///{options.log or folder / 'openrum.sqlite3'}"
        if not options.log:
            fill(url, options.events)
        yield folder, url
