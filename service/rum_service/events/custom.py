"""Custom events: those that the application, not the web client, defines. Pure.

Source: "Send custom events", Amazon CloudWatch User Guide: they are ingested only where the app
monitor has them enabled.
"""

from __future__ import annotations

__all__ = ["custom_events_enabled", "without_custom_events"]

import json

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest

_BUILT_IN = "com.amazon.rum."


def custom_events_enabled(document: str) -> bool:
    """Says whether the app monitor of this ProtoJSON keeps custom events."""
    monitor = json.loads(document)
    return bool(monitor.get("CustomEvents", {}).get("Status") == "ENABLED")


def without_custom_events(request: PutRumEventsRequest) -> tuple[PutRumEventsRequest, int]:
    """Returns the batch without custom events, and how many those were.

    The request itself stays as it is; it is returned where nothing is dropped.
    """
    kept = [event for event in request.rum_events if event.type.startswith(_BUILT_IN)]
    dropped = len(request.rum_events) - len(kept)
    if not dropped:
        return request, 0
    remaining = PutRumEventsRequest()
    remaining.CopyFrom(request)
    remaining.ClearField("rum_events")
    remaining.rum_events.extend(kept)
    return remaining, dropped
