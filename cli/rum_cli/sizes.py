"""Sizes on the command line: a whole number of bytes, or one with a unit, such as 500MB or 20GB."""

from __future__ import annotations

__all__ = ["SIZE", "parse_size"]

import re
from typing import Any

import click

_UNITS = {
    "": 1,
    "B": 1,
    **{f"{prefix}B": 1000**power for power, prefix in enumerate("kMGT", 1)},
    **{f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGT", 1)},
}
_PATTERN = re.compile(rf"([0-9]{{1,15}}) ?({'|'.join(_UNITS)})")
_MAX_SIZE = 2**63 - 1


def parse_size(text: str) -> int | None:
    """Return the number of bytes, or None if the text has another form or is too large."""
    match = _PATTERN.fullmatch(text)
    size = int(match[1]) * _UNITS[match[2]] if match else None
    return size if size is not None and size <= _MAX_SIZE else None


class _Size(click.ParamType[int]):
    name = "size"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        if isinstance(value, int):
            return value
        size = parse_size(str(value))
        if size is None:
            self.fail(f"{value!r} is not a size; use for example 500MB, 20GB or 1TiB", param)
        return size


SIZE = _Size()
