"""Page tokens: opaque to clients, they say where the previous page ended. Pure."""

from __future__ import annotations

__all__ = ["decode_position", "decode_token", "encode_token"]

import base64
import binascii
import json

from rum_service.errors import ValidationException

# Clients may send any number as a token. This one fits in a database column.
_MAX_POSITION = 2**62


def encode_token(*parts: str | int) -> str:
    """Return the token for `parts`."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def decode_token(member: str, token: str, *kinds: type) -> list[str | int]:
    """Return the parts in a token, with the types `kinds`.

    Raises:
        ValidationException: `token`, the value of `member`, is not from `encode_token`.
    """
    try:
        parts = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        parts = None
    if (
        not isinstance(parts, list)
        or [type(part) for part in parts] != list(kinds)
        # A database rejects lone surrogates and NUL. Names never contain them.
        or not all(part.isprintable() for part in parts if isinstance(part, str))
    ):
        raise ValidationException(f"{member} must be the token of a previous page.")
    return parts


def decode_position(member: str, token: str) -> int:
    """Return the number in a token, limited to the values that fit in a database column.

    Raises:
        ValidationException: as `decode_token`.
    """
    position = decode_token(member, token, int)[0]
    return min(max(int(position), 0), _MAX_POSITION)
