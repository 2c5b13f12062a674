"""Times on the command line."""

from __future__ import annotations

__all__ = ["Moment"]

from datetime import UTC, datetime
from typing import Any

import click

from rum_cli.durations import parse_duration


class Moment(click.ParamType[int]):
    """A point in time: ISO 8601, Unix milliseconds, or a duration before now."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        if isinstance(value, int):
            return value
        text = str(value)
        try:
            if text.isascii() and text.isdigit():
                return int(text)
            if (ago := parse_duration(text)) is not None:
                return round((datetime.now(UTC) - ago).timestamp() * 1000)
            return round(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000)
        except (ValueError, OverflowError):
            self.fail(f"{text!r} is not a time; use 2026-01-31T12:00, 1790000000000 or 15m", param)
