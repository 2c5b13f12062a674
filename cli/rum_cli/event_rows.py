"""Event documents as table rows. Pure."""

from __future__ import annotations

__all__ = ["event_row", "full_types", "short_type"]

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from rum_service.events.summary import summary

JsonObject = dict[str, Any]

_PREFIXES = ("com.amazon.rum.", "com.amazon.")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def event_row(event: JsonObject) -> list[str]:
    """Return the table row for an event: time, type, page, session id, summary."""
    metadata = event["metadata"] if isinstance(event["metadata"], dict) else {}
    return [
        f"{_EPOCH + timedelta(milliseconds=event['event_timestamp']):%Y-%m-%d %H:%M:%S}",
        short_type(event["event_type"]),
        _text(metadata, "pageId"),
        event["sessionId"],
        summary(event["event_type"], event["event_details"], _text(metadata, "domain")),
    ]


def short_type(event_type: str) -> str:
    """Return an event type without the prefix of AWS's types."""
    for prefix in _PREFIXES:
        if event_type.startswith(prefix):
            return event_type.removeprefix(prefix)
    return event_type


def full_types(types: Iterable[str]) -> list[str]:
    """Return the event types that the names given by a user can mean.

    A name without a dot can be a custom type, or an AWS type that lacks its prefix and maybe its
    suffix `_event`.
    """
    full: list[str] = []
    for name in types:
        full.append(name)
        if "." not in name:
            full += [f"{prefix}{name}" for prefix in _PREFIXES]
            if not name.endswith("_event"):
                full += [f"{prefix}{name}_event" for prefix in _PREFIXES]
    return full


def _text(metadata: JsonObject, name: str) -> str:
    value = metadata.get(name, "")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
