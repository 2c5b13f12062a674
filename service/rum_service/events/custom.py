"""Custom events: the application defines them, not the web client. Pure.

They are stored only if the app monitor has enabled them.
Source: "Send custom events", Amazon CloudWatch User Guide.
"""

from __future__ import annotations

__all__ = ["custom_events_enabled", "has_custom_events", "is_custom"]

from collections.abc import Iterable

from rum_service.events.json_text import JsonObject, object_in

_BUILT_IN = "com.amazon.rum."


def custom_events_enabled(members: JsonObject) -> bool:
    """Return whether custom events are enabled, from the members of an app monitor's document."""
    return object_in(members, "CustomEvents").get("Status") == "ENABLED"


def is_custom(kind: str) -> bool:
    """Return whether custom events have this type."""
    return not kind.startswith(_BUILT_IN)


def has_custom_events(types: Iterable[str]) -> bool:
    """Return whether any of the event types belongs to custom events."""
    # A batch has few types.
    return any(map(is_custom, set(types)))
