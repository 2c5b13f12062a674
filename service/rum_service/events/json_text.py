"""JSON objects in the texts of clients, and their members. Pure."""

from __future__ import annotations

__all__ = ["JsonObject", "object_in", "parse_object", "text_in"]

import json
from collections.abc import Callable
from typing import NoReturn

from rum_service.events.nesting import is_nested_too_deeply

JsonObject = dict[str, object]
_Reader = Callable[[str], object]
_NOTHING: JsonObject = {}


def parse_object(
    text: str, *, parse_int: _Reader = int, parse_float: _Reader = float
) -> JsonObject | None:
    """Return the JSON object in `text`, or None: clients may send any text.

    Args:
        parse_int, parse_float: return the value for a number, or raise ValueError.
    """
    if is_nested_too_deeply(text):
        return None
    try:
        value = json.loads(
            text, parse_constant=_reject, parse_int=parse_int, parse_float=parse_float
        )
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def object_in(parent: JsonObject, name: str) -> JsonObject:
    """Return a member that is an object. Empty if it is missing or something else."""
    value = parent.get(name)
    return value if isinstance(value, dict) else _NOTHING


def text_in(parent: JsonObject, name: str) -> str:
    """Return a member that is a text. Empty if it is missing or something else."""
    value = parent.get(name)
    return value if isinstance(value, str) else ""


def _reject(constant: str) -> NoReturn:
    # NaN and Infinity: Python reads and writes them, but they are not JSON.
    raise ValueError(constant)
