"""Lists in environment variables: items separated by commas."""

from __future__ import annotations

__all__ = ["split_items"]

import json


def split_items(value: object, *, example: str) -> object:
    """Split text at commas; return any other value unchanged.

    Spaces around items are ignored. Empty text is an empty list.

    Args:
        example: a valid list to show in an error.

    Raises:
        ValueError: an item is empty, or the text is a JSON array.
    """
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        shown = _json_items(value) or example
        raise ValueError(f"must be separated by commas, without brackets or quotes: {shown}")
    items = [item.strip() for item in value.split(",")]
    if items == [""]:
        return []
    if "" in items:
        raise ValueError(f"has an empty item; separate items by one comma: {example}")
    return items


def _json_items(text: str) -> str | None:
    """Return a JSON array of strings in the accepted form, or None for anything else."""
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return ",".join(items) if all(isinstance(item, str) for item in items) else None
