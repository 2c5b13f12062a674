"""The format of IDs: app monitors, batches, events, users and sessions. Pure."""

from __future__ import annotations

__all__ = ["UUID_PATTERN", "are_uuids", "is_uuid"]

import re
from collections.abc import Collection

UUID_PATTERN = "[a-fA-F0-9]{8}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{12}"
is_uuid = re.compile(UUID_PATTERN).fullmatch

_SHAPE = b"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
_DIGITS = b"0123456789abcdefABCDEF"
_TO_SHAPE = bytes.maketrans(_DIGITS + b"x", b"x" * len(_DIGITS) + b"!")


def are_uuids(texts: Collection[str]) -> bool:
    """Return whether every text is a UUID: a quarter of the time of `is_uuid` for each."""
    return "\n".join(texts).encode().translate(_TO_SHAPE) == b"\n".join([_SHAPE] * len(texts))
