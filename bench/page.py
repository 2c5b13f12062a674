"""Writes the generated parts of a documentation page, and the chart beside it.

A part stands between `<!-- bench: NAME -->` and `<!-- bench end -->`. Everything else on the page
is written by hand.
"""

from __future__ import annotations

__all__ = ["with_part", "with_parts", "write_part"]

import re
from collections.abc import Mapping
from pathlib import Path

_PART = re.compile(r"(<!-- bench: ([a-z-]+) -->\n).*?(<!-- bench end -->)", re.DOTALL)


def with_parts(page: str, parts: Mapping[str, str]) -> str:
    """Return a page with its generated parts replaced.

    Raises:
        ValueError: the page has no place for a part, or names a part that does not exist.
    """
    places = {match[2] for match in _PART.finditer(page)}
    if places != parts.keys():
        raise ValueError(
            f"the page has places for {sorted(places)}, and the parts are {sorted(parts)}"
        )
    return _PART.sub(lambda match: _replaced(match, parts[match[2]]), page)


def with_part(page: str, name: str, text: str) -> str:
    """Return a page with one of its generated parts replaced.

    Raises:
        ValueError: the page has no place for the part.
    """
    if name not in {match[2] for match in _PART.finditer(page)}:
        raise ValueError(f"the page has no place for {name}")
    return _PART.sub(lambda match: _replaced(match, text) if match[2] == name else match[0], page)


def write_part(page: Path, name: str, text: str) -> None:
    """Replace one of the generated parts of a page. Raises ValueError as `with_part` does."""
    page.write_text(with_part(page.read_text(), name, text))


def _replaced(match: re.Match[str], text: str) -> str:
    return f"{match[1]}\n{text.strip()}\n\n{match[3]}"
