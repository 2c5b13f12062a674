"""Text from clients, bounded and safe to store in any database. Pure."""

from __future__ import annotations

__all__ = ["clean"]

import re

# Databases reject NUL or lone surrogates, and terminals obey control characters.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def clean(text: object, limit: int) -> str:
    """Return `text` on one line in at most `limit` characters. Empty if it is not a string."""
    if not isinstance(text, str):
        return ""
    if len(text) > limit:
        text = f"{text[: limit - 1]}…"
    return text if text.isprintable() else _UNSAFE.sub(" ", text).strip()
