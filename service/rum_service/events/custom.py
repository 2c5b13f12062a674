"""Custom events: the application defines them, not the web client. Pure.

They are stored only if the app monitor has enabled them.
Source: "Send custom events", Amazon CloudWatch User Guide.
"""

from __future__ import annotations

__all__ = ["custom_events_enabled", "has_custom_events", "is_custom"]

import json
from collections.abc import Iterable

_BUILT_IN = "com.amazon.rum."


def custom_events_enabled(document: str) -> bool:
    """Return whether an app monitor, given as ProtoJSON, has enabled custom events."""
    monitor = json.loads(document)
    return bool(monitor.get("CustomEvents", {}).get("Status") == "ENABLED")


def is_custom(kind: str) -> bool:
    """Return whether custom events have this type."""
    return not kind.startswith(_BUILT_IN)


def has_custom_events(types: Iterable[str]) -> bool:
    """Return whether any of the event types belongs to custom events."""
    # A batch has few types.
    return any(map(is_custom, set(types)))
