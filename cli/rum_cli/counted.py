"""Numbers of things in messages: `1 file`, `2 files`."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, one: str, several: str = "") -> str:
    """Return a number with its noun. The plural adds an s, unless `several` is given."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"
