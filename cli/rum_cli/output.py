"""The one style of the tables and of the JSON that the commands print.

Tables have no lines, so that a terminal and `grep` both read them well. Identifiers are never cut.
A terminal wraps the other columns to its width; other outputs get one unwrapped line per row.
JSON is one object per line, with the member names of the API: `Name`, `AppMonitorName`.
"""

from __future__ import annotations

__all__ = [
    "Column",
    "is_narrow",
    "json_option",
    "print_json",
    "print_json_text",
    "print_table",
    "printable",
    "utc",
]

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import click

_GAP = 2
_MIN_WIDTH = 6
# Wider than any row that a batch of at most 16 MiB can fill sensibly; rich needs some number.
_UNLIMITED = 100_000
_LINE_BREAKS = str.maketrans("\r\n\t", "   ")

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class Column:
    """A table column.

    Args:
        whole: Never wrap or cut its cells, whatever the width of the terminal.
    """

    def __init__(self, title: str, *, whole: bool = False) -> None:
        self.title = title
        self.whole = whole


def json_option(command: Decorated) -> Decorated:
    """Add the option --json, passed on as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, one object per line.")(
        command
    )


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON object as a line."""
    print_json_text(json.dumps(document, ensure_ascii=False))


def print_json_text(text: str) -> None:
    """Print the text of one JSON object as a line.

    On a terminal, characters that control it are escaped: any page may have sent them.
    """
    # JSON has line breaks between its tokens only. Inside of strings they are escaped.
    line = text.translate(_LINE_BREAKS)
    click.echo(_escaped(line) if sys.stdout.isatty() else line)


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under the titles of the columns."""
    from rich.console import Console
    from rich.table import Column as RichColumn
    from rich.table import Table
    from rich.text import Text

    # Text, not markup: a page may have sent anything, brackets and control characters included.
    cells = [[printable(cell) for cell in row] for row in rows]
    console = Console(markup=False, emoji=False, highlight=False, soft_wrap=False)
    widths = [
        max([len(column.title), *(len(row[index]) for row in cells)])
        for index, column in enumerate(columns)
    ]
    console.width = _table_width(columns, widths, console.width if console.is_terminal else None)
    table = Table(
        *(
            RichColumn(
                column.title,
                overflow="fold",
                no_wrap=column.whole,
                min_width=width if column.whole else min(width, _MIN_WIDTH),
            )
            for column, width in zip(columns, widths, strict=True)
        ),
        box=None,
        pad_edge=False,
        padding=(0, _GAP, 0, 0),
    )
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    with console.capture() as capture:
        console.print(table)
    for line in capture.get().splitlines():
        click.echo(line.rstrip())


def _table_width(columns: Sequence[Column], widths: Sequence[int], terminal: int | None) -> int:
    """Return the width to draw in: the terminal's, but no less than whole columns need."""
    if terminal is None:
        return _UNLIMITED
    needed = sum(
        (width if column.whole else min(width, _MIN_WIDTH)) + _GAP
        for column, width in zip(columns, widths, strict=True)
    )
    return max(terminal, needed)


def printable(text: str) -> str:
    """Return the text without characters that control a terminal: any page may have sent it."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _escaped(text: str) -> str:
    """Return JSON with the same meaning, whose characters are all printable."""
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


def utc(timestamp: str) -> str:
    """Return an RFC 3339 time in UTC as people read it, to the second; empty if it is empty."""
    return f"{datetime.fromisoformat(timestamp):%Y-%m-%d %H:%M:%S}" if timestamp else ""


def is_narrow(columns: int) -> bool:
    """Return whether standard output is a terminal of fewer columns."""
    import shutil

    return sys.stdout.isatty() and shutil.get_terminal_size().columns < columns
