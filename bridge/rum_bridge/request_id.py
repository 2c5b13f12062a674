"""Request IDs: in the x-amzn-RequestId header of every response, and in the logs."""

from __future__ import annotations

__all__ = ["new_request_id", "request_id_of"]

import uuid

from starlette.types import Scope


def new_request_id() -> str:
    """Return an ID for a request that has no scope yet."""
    return str(uuid.uuid4())


def request_id_of(scope: Scope) -> str:
    """Return the ID for this request. The first call creates it."""
    state: dict[str, str] = scope.setdefault("state", {})
    if "request_id" not in state:
        state["request_id"] = new_request_id()
    return state["request_id"]
