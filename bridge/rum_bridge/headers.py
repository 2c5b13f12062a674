"""A request's headers."""

from __future__ import annotations

__all__ = ["Headers", "first_values"]

from collections.abc import Mapping
from typing import TypeAlias

from starlette.types import Scope

Headers: TypeAlias = Mapping[bytes, bytes]
"""Values by lower-case name, as received."""


def first_values(scope: Scope) -> Headers:
    """Return a request's headers. If a header is repeated, the first value counts."""
    return dict(reversed(scope["headers"]))
