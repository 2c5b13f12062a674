"""Tells a request whether its client has disconnected, without a task that waits for it."""

from __future__ import annotations

__all__ = ["IsGone", "disconnected", "extensions_of", "is_gone", "never"]

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from starlette.types import Scope

from rum_bridge.errors import HttpError

IsGone: TypeAlias = Callable[[], bool]

_NAME = "rum.is_gone"


def extensions_of(transport: asyncio.Transport) -> dict[str, object]:
    """Return the ASGI extensions of the requests on a connection."""
    return {_NAME: transport.is_closing}


def is_gone(scope: Scope) -> IsGone:
    """Return a function that tells whether a request's client has disconnected."""
    extensions = scope.get("extensions")
    return extensions.get(_NAME, never) if extensions else never


def never() -> bool:
    """Return False: for a put without a client that can disconnect."""
    return False


def disconnected() -> HttpError:
    """Return how a put ends whose client has disconnected. The client does not see this error."""
    return HttpError(408, "RequestTimeoutException", "The client has disconnected.")
