"""Page tokens: opaque to clients, they say where the previous page ended. Pure."""

from __future__ import annotations

__all__ = ["decode_token", "encode_token"]

import base64
import binascii
import json

from rum_service.errors import ValidationException

# What fits in a column of the database: clients may send any number.
_MAX_NUMBER = 2**62


def encode_token(*parts: str | int) -> str:
    """Return the token for `parts`."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def decode_token(token: str, *kinds: type) -> list[int] | list[str] | list[str | int]:
    """Return the parts in a token, with the types `kinds`. Numbers are not negative.

    Raises:
        ValidationException: the token is not from `encode_token`.
    """
    try:
        parts = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        parts = None
    if (
        not isinstance(parts, list)
        or [type(part) for part in parts] != list(kinds)
        or not all(0 <= part <= _MAX_NUMBER for part in parts if isinstance(part, int))
        or not all(part.isprintable() for part in parts if isinstance(part, str))
    ):
        raise ValidationException("nextToken must be the token of a previous page.")
    return parts
