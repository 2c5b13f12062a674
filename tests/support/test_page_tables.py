"""The tables that measurements write."""

from __future__ import annotations

from tests.support.page_tables import with_rows

_HEAD = ["Text", "<!-- table: HTTP -->", "| attack | cost |", "|---|---|"]
_END = ["<!-- end -->", "more", ""]


def test_a_page_keeps_the_rows_that_are_not_measured_again() -> None:
    page = "\n".join([*_HEAD, "| old | 1 |", "| gone | 1 |", *_END])

    changed = with_rows(page, "HTTP", {"new": "| new | 2 |"}, ["new", "old", "never measured"])

    assert changed == "\n".join([*_HEAD, "| new | 2 |", "| old | 1 |", *_END])
