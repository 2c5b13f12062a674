"""Page tokens: what a page ended with, in a form that clients pass back unread. Pure."""

from __future__ import annotations

__all__ = ["decode_position", "decode_token", "encode_token"]

import base64
import binascii
import json

from rum_service.errors import ValidationException

# What a database column holds: any number may come back as a token.
_HIGHEST = 2**62


def encode_token(*parts: str | int) -> str:
    """Returns the token of `parts`."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def decode_token(member: str, token: str, *kinds: type) -> list[str | int]:
    """Returns the parts of a token, one of each of `kinds`.

    Raises:
        ValidationException: `member` holds something that `encode_token` did not make.
    """
    try:
        parts = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        parts = None
    if (
        not isinstance(parts, list)
        or [type(part) for part in parts] != list(kinds)
        # Half a character or a NUL is in no name, and a database fails of it.
        or not all(part.isprintable() for part in parts if isinstance(part, str))
    ):
        raise ValidationException(f"{member} is not a token of a page before.")
    return parts


def decode_position(member: str, token: str) -> int:
    """Returns the one number of a token, as a database takes it. Raises as `decode_token`."""
    position = decode_token(member, token, int)[0]
    return min(max(int(position), 0), _HIGHEST)
