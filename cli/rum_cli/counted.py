"""Numbers in messages: `1 file`, `2 files`, and lists such as `4, 7 and others`."""

from __future__ import annotations

__all__ = ["counted", "listed"]

from collections.abc import Sequence

_MAX_LISTED = 20


def counted(number: int, one: str, several: str = "") -> str:
    """Return a number with its noun. The plural adds an s, unless `several` is given."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def listed(numbers: Sequence[int]) -> str:
    """Return the first numbers, and whether there are others."""
    more = " and others" if len(numbers) > _MAX_LISTED else ""
    return f"{', '.join(map(str, numbers[:_MAX_LISTED]))}{more}"
