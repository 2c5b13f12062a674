"""Random credentials: bearer tokens, which are stored by their hash, and access keys."""

from __future__ import annotations

__all__ = ["new_access_key", "new_token", "token_hash"]

import hashlib
import secrets
import string

from rum_endpoint.metadata import TOKEN_PREFIX


def new_token() -> str:
    """Return a new token of 256 random bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return the hash that is stored for a token. Tokens are random, so it needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_access_key() -> tuple[str, str]:
    """Return a new access key ID, in the alphabet of AWS's, and its secret of 240 random bits."""
    letters = (secrets.choice(string.ascii_uppercase) for _ in range(18))
    return "OR" + "".join(letters), secrets.token_urlsafe(30)
