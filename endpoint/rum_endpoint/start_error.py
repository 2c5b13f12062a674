"""The error for a server that cannot start."""

from __future__ import annotations

__all__ = ["StartError"]


class StartError(Exception):
    """A server cannot start. The text is one line with the setting and the reason."""
