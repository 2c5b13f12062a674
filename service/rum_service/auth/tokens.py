"""Bearer tokens: 256 random bits, known by their hash. Pure."""

from __future__ import annotations

__all__ = ["TOKEN_PREFIX", "new_token", "token_hash"]

import hashlib
import secrets

# Tells our tokens from whatever else a page may put into its Authorization header.
TOKEN_PREFIX = "openrum_"  # noqa: S105 - a prefix, not a secret


def new_token() -> str:
    """Returns a new token."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Returns what is kept of a token. It is random, so a plain hash gives nothing away."""
    return hashlib.sha256(token.encode()).hexdigest()
