"""Tables of pages in docs/reference that measurements write: one row for each name."""

from __future__ import annotations

__all__ = ["with_rows"]

from collections.abc import Mapping, Sequence


def with_rows(page: str, table: str, rows: Mapping[str, str], names: Sequence[str]) -> str:
    """Return a page whose table has these rows.

    Args:
        page: the text. It has a comment `<!-- table: NAME -->` before the table, and
            `<!-- end -->` behind it.
        rows: the new rows, by their names, which are in the first column. Others stay.
        names: the rows that belong to the table, in order.
    """
    before, mark, rest = page.partition(f"<!-- table: {table} -->\n")
    kept, end, after = rest.partition("<!-- end -->")
    head, line_below, *old = kept.splitlines()
    known = {line.split(" | ")[0].removeprefix("| "): line for line in old}
    known.update(rows)
    lines = [head, line_below, *(known[name] for name in names if name in known)]
    return "".join([before, mark, *(f"{line}\n" for line in lines), end, after])
