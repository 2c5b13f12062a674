"""A request's headers."""

from __future__ import annotations

__all__ = ["Headers", "accepts_gzip", "first_values"]

from collections.abc import Mapping
from typing import TypeAlias

from starlette.requests import Request
from starlette.types import Scope

Headers: TypeAlias = Mapping[bytes, bytes]
"""Values by lower-case name, as received."""


def first_values(scope: Scope) -> Headers:
    """Return a request's headers. If a header is repeated, the first value counts."""
    return dict(reversed(scope["headers"]))


def accepts_gzip(request: Request) -> bool:
    """Return whether the response may be compressed with gzip."""
    for item in request.headers.get("accept-encoding", "").lower().split(","):
        coding, _, parameters = item.partition(";")
        if coding.strip() in ("gzip", "*"):
            weight = parameters.replace(" ", "").removeprefix("q=")
            return weight.strip("0.") != "" or not parameters
    return False
