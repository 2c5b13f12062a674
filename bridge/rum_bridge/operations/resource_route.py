"""Matches paths as AWS does: an encoded slash belongs to a name and does not end a segment.

Starlette matches the decoded path, in which `a%2Fb` has two segments.
"""

from __future__ import annotations

__all__ = ["ResourceRoute"]

import re
from urllib.parse import unquote

from starlette.routing import Match, Route
from starlette.types import Scope

_ENCODED_SLASH = re.compile("%2F", re.IGNORECASE)
# No path has it after decoding, which replaces bytes that are not UTF-8.
_PLACEHOLDER = "\ud800"


class ResourceRoute(Route):
    """A route whose variables can contain encoded slashes."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        raw_path = scope.get("raw_path", b"").decode("ascii")
        path, count = _ENCODED_SLASH.subn(_PLACEHOLDER, raw_path)
        if not count:
            return super().matches(scope)
        match, found = super().matches({**scope, "path": unquote(path)})
        variables = found.get("path_params", {})
        decoded = {name: text.replace(_PLACEHOLDER, "/") for name, text in variables.items()}
        return match, {**found, "path_params": decoded}
