"""Page tokens: opaque to clients, they say where the previous page ended. Pure."""

from __future__ import annotations

__all__ = ["decode_token", "encode_token"]

import base64
import binascii
import json
from typing import Any, TypeVar, overload

from rum_service.errors import ValidationException

A = TypeVar("A", str, int)
B = TypeVar("B", str, int)
C = TypeVar("C", str, int)

# Clients may send any number in a token. This one fits in a database column.
_MAX_NUMBER = 2**62


def encode_token(*parts: str | int) -> str:
    """Return the token for `parts`."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


@overload
def decode_token(member: str, token: str, first: type[A], /) -> tuple[A]: ...
@overload
def decode_token(member: str, token: str, first: type[A], second: type[B], /) -> tuple[A, B]: ...
@overload
def decode_token(
    member: str, token: str, first: type[A], second: type[B], third: type[C], /
) -> tuple[A, B, C]: ...
def decode_token(member: str, token: str, *kinds: type) -> tuple[Any, ...]:
    """Return the parts in a token. Numbers are limited to 0 to 2**62.

    Args:
        member: the member of the request that has the token.
        kinds: the type of each part.

    Raises:
        ValidationException: the token is not from `encode_token`, or has other parts.
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
    return tuple(part if isinstance(part, str) else _limited(part) for part in parts)


def _limited(number: int) -> int:
    return min(max(number, 0), _MAX_NUMBER)
