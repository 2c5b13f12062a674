"""The tables of docs/reference/attacks.md: one row for each attack, by its name."""

from __future__ import annotations

__all__ = ["HEAD", "with_rows"]

from collections.abc import Mapping, Sequence

HEAD = (
    "| attack | bytes sent | CPU, ms | memory, MiB | longest wait of another client, ms |",
    "|---|---|---|---|---|",
)


def with_rows(page: str, table: str, rows: Mapping[str, str], names: Sequence[str]) -> str:
    """Return a page whose table has these rows.

    Args:
        page: the text. It has a comment `<!-- table: NAME -->` before the table, and
            `<!-- end -->` behind it.
        rows: the new rows, by the name of their attack. Others stay.
        names: the attacks that belong to the table, in order.
    """
    before, mark, rest = page.partition(f"<!-- table: {table} -->\n")
    kept, end, after = rest.partition("<!-- end -->")
    known = {line.split(" | ")[0].removeprefix("| "): line for line in kept.splitlines()}
    known.update(rows)
    lines = [*HEAD, *(known[name] for name in names if name in known)]
    return "".join([before, mark, *(f"{line}\n" for line in lines), end, after])
