"""Parse JSON at a bounded cost: its length, its structure and its depth are limited.

orjson takes a fifth of the time of the standard library (2026-11). Lone surrogates, which
it rejects and Python clients write, are replaced. A byte order mark is ignored, as RFC 8259 allows.
"""

from __future__ import annotations

__all__ = ["MAX_NESTING", "check_nesting", "load_json", "parse_json"]

from itertools import chain
from typing import Any

import orjson

from rum_bridge.errors import validation_error
from rum_bridge.surrogates import without_lone_surrogates

MAX_NESTING = 100
# An empty list has two bytes, and takes 56 in memory and 0.3 µs. Of 610 captured bodies, the
# densest has a list or an object in 41 bytes, and one of either or a comma in 14. In short bodies
# nothing is counted: what fits into them takes less than 40 ms (2026-11).
_UNCOUNTED_BYTES = 256 << 10
_BYTES_PER_CONTAINER = 40
_BYTES_PER_VALUE = 12
_CONTAINERS = {dict, list}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # Windows programs write it at the start of a file.
_NOT_JSON = "The body is not JSON."
_TOO_DEEP = f"The body is nested more than {MAX_NESTING} levels deep."


def load_json(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body, nested at most `MAX_NESTING` levels deep.

    Raises:
        HttpError: a ValidationException.
    """
    document = parse_json(body)
    check_nesting(document)
    return document


def parse_json(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body, nested as deep as orjson parses.

    Raises:
        HttpError: a ValidationException.
    """
    _check_structure(body)
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = _load_unusual(body)
    if not isinstance(document, dict):
        raise validation_error("The body must be a JSON object.")
    return document


def check_nesting(document: dict[str, Any]) -> None:
    """Reject lists and objects that are nested more than `MAX_NESTING` deep."""
    level: list[Any] = [document]
    for _ in range(MAX_NESTING):
        values = [*chain.from_iterable(c.values() if type(c) is dict else c for c in level)]
        # Most values are strings and numbers, and the last level has the most of them.
        if _CONTAINERS.isdisjoint(map(type, values)):
            return
        level = [value for value in values if type(value) in _CONTAINERS]
    raise validation_error(_TOO_DEEP)


def _check_structure(body: bytes) -> None:
    """Reject a long body with many lists, objects or values for its length, before it is parsed.

    Text counts too: the details of events are JSON in strings.
    """
    if len(body) <= _UNCOUNTED_BYTES:
        return
    containers = len(body) - len(body.translate(None, b"[{"))
    values = len(body) - len(body.translate(None, b"[{,"))
    if containers > len(body) // _BYTES_PER_CONTAINER or values > len(body) // _BYTES_PER_VALUE:
        raise validation_error("The body has too many lists, objects or values for its length.")


def _load_unusual(body: bytes) -> object:
    """Parse JSON with a byte order mark, or with lone surrogates.

    A broken character does not lose the batch.

    It is parsed a second time. To search each body first, so that it is parsed once, would cost all
    bodies 3.6 µs for 10 events and 16 µs for 50, about as much as to parse them. It would save an
    eighth of the time for a body with a lone surrogate, and bodies with pairs, as boto3 writes
    emoji, would take three times as long (2026-11).
    """
    try:
        return orjson.loads(without_lone_surrogates(body.removeprefix(_BYTE_ORDER_MARK)))
    except orjson.JSONDecodeError as error:
        # orjson parses 1,024 levels.
        too_deep = str(error).startswith("depth limit exceeded")
        raise validation_error(_TOO_DEEP if too_deep else _NOT_JSON) from None
