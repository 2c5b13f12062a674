"""Request IDs: in the x-amzn-RequestId header of every response, and in the logs."""

from __future__ import annotations

__all__ = ["new_request_id", "request_id_of"]

import random

from starlette.types import Scope


def new_request_id() -> str:
    """Return a random UUID.

    Nothing depends on request IDs being secret, so they need no secure random numbers: uuid4 takes
    five times as long, 4.8 instead of 0.9 µs for each put (2026-11).
    """
    digits = f"{random.getrandbits(128):032x}"
    # The fixed digits are the version (4) and the variant, as in uuid4.
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def request_id_of(scope: Scope) -> str:
    """Return the ID for this request. The first call creates it."""
    state: dict[str, str] = scope.setdefault("state", {})
    if "request_id" not in state:
        state["request_id"] = new_request_id()
    return state["request_id"]
