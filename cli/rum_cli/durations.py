"""Durations on the command line: a whole number and a unit, such as 90s, 15m, 12h or 30d."""

from __future__ import annotations

__all__ = ["DURATION", "parse_duration"]

import re
from datetime import timedelta
from typing import Any

import click

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
# At most 6 digits: 999,999 days still fit into a timedelta.
_PATTERN = re.compile(r"([0-9]{1,6})([smhd])")


def parse_duration(text: str) -> timedelta | None:
    """Return the duration, or None if the text has another form."""
    match = _PATTERN.fullmatch(text)
    return timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None


class _Duration(click.ParamType[timedelta]):
    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> timedelta:
        if isinstance(value, timedelta):
            return value
        duration = parse_duration(str(value))
        if duration is None:
            self.fail(f"{value!r} is not a duration; use for example 90s, 15m, 12h or 30d", param)
        return duration


DURATION = _Duration()
