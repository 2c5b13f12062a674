"""Custom events: the application defines them, not the web client. Pure.

They are stored only if the app monitor has enabled them.
Source: "Send custom events", Amazon CloudWatch User Guide.
"""

from __future__ import annotations

__all__ = ["custom_events_enabled", "has_custom_events", "without_custom_events"]

import json
from collections.abc import Iterable

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest

_BUILT_IN = "com.amazon.rum."


def custom_events_enabled(document: str) -> bool:
    """Return whether an app monitor, given as ProtoJSON, has enabled custom events."""
    monitor = json.loads(document)
    return bool(monitor.get("CustomEvents", {}).get("Status") == "ENABLED")


def has_custom_events(types: Iterable[str]) -> bool:
    """Return whether any of the event types belongs to custom events."""
    # A batch has few types.
    return not all(kind.startswith(_BUILT_IN) for kind in set(types))


def without_custom_events(request: PutRumEventsRequest) -> tuple[PutRumEventsRequest, int]:
    """Return the batch without its custom events, and their number.

    The request does not change.
    """
    kept = [event for event in request.rum_events if event.type.startswith(_BUILT_IN)]
    dropped = len(request.rum_events) - len(kept)
    remaining = PutRumEventsRequest()
    remaining.CopyFrom(request)
    remaining.ClearField("rum_events")
    remaining.rum_events.extend(kept)
    return remaining, dropped
