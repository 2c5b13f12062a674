"""The JSON document for one event, as GetAppMonitorData and the log group of AWS return it. Pure.

Source: the example of `aws rum get-app-monitor-data` in the AWS CLI.
"""

from __future__ import annotations

__all__ = [
    "event_document",
    "event_members",
    "event_ms",
    "merged_metadata",
    "parse_session_metadata",
]

import json
import math
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple
from urllib.parse import quote

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum_service.events.attributes import valid_attributes
from rum_service.events.json_text import JsonObject, parse_object
from rum_service.events.user_agent import parse_user_agent

# In characters. aws-rum-web 3 sends about 500.
_MAX_SESSION_METADATA = 64 << 10

# In the order of `UserAgent`.
_CLIENT_MEMBERS = ("browserName", "browserVersion", "osName", "osVersion", "deviceType")


def event_ms(event: RumEvent) -> int:
    """Return the time of the event in milliseconds since the Unix epoch."""
    return round(event.timestamp * 1000)


def parse_session_metadata(request: PutRumEventsRequest, country: str | None = None) -> JsonObject:
    """Return the metadata for all events in the batch, without its invalid custom attributes.

    The client's metadata is left out if it is not a JSON object or is too long. It is merged into
    every event: 19 MB with 1.4 million members cost 17 minutes for 10,000 events.

    Args:
        country: the country of the client, as the log has it. It is `countryCode` in events for
            which the client sent none.
    """
    found: JsonObject = {}
    if len(request.session_metadata) <= _MAX_SESSION_METADATA:
        found = valid_attributes(_metadata_object(request.session_metadata) or {})
    if country:
        found.setdefault("countryCode", country)
    return found


def merged_metadata(session: JsonObject, event: RumEvent) -> JsonObject:
    """Return an event's metadata: its own members override those of the session.

    Invalid custom attributes are left out. Without a browser, missing members are added from
    `aws:userAgent`.
    """
    merged = valid_attributes({**session, **(_metadata_object(event.metadata) or {})})
    if "browserName" not in merged and "aws:userAgent" in merged:
        _add_client(merged, merged["aws:userAgent"])
    return merged


def event_document(
    request: PutRumEventsRequest,
    event: RumEvent,
    metadata: JsonObject,
    *,
    monitor_name: str,
    account_id: str,
) -> str:
    """Return the document of one event in a batch, as JSON text.

    Details that are a JSON object are copied verbatim, with every digit of their numbers. Other
    details, and metadata that is not a JSON object, become JSON strings.
    """
    # Leave numbers as text: Python refuses to convert integers with more than 4,300 digits.
    details = parse_object(event.details, parse_int=str, parse_float=str)
    document = event_members(
        request, event, metadata, details, monitor_name=monitor_name, account_id=account_id
    )
    text = event.details if details is not None else _dumps(event.details)
    return f'{_dumps(document)[:-1]},"event_details":{text}}}'


class _Source(NamedTuple):
    """The sources of a document's members."""

    request: PutRumEventsRequest
    event: RumEvent
    metadata: JsonObject
    details: JsonObject | None
    monitor_name: str
    account_id: str


def event_members(
    request: PutRumEventsRequest,
    event: RumEvent,
    metadata: JsonObject,
    details: JsonObject | None,
    *,
    monitor_name: str,
    account_id: str,
    names: Collection[str] | None = None,
) -> JsonObject:
    """Return the members of the document of one event in a batch, except `event_details`.

    Args:
        details: the event's details, or None if they are not a JSON object.
        names: which members to return. Unknown names are ignored. None: all. The metadata of a
            session, in three forms, can take 17 ms for each event (2026-11).
    """
    source = _Source(request, event, metadata, details, monitor_name, account_id)
    return {
        name: value(source) for name, value in _MEMBERS.items() if names is None or name in names
    }


def _version(source: _Source) -> str:
    version = (source.details or {}).get("version")
    return version if isinstance(version, str) else "1.0.0"


def _log_stream(source: _Source) -> JsonObject:
    milliseconds = event_ms(source.event)
    return {"seconds": milliseconds // 1000, "nanos": milliseconds % 1000 * 1_000_000}


def _metadata(source: _Source) -> object:
    own = source.event.metadata
    return own if own and _metadata_object(own) is None else source.metadata


def _user_details(source: _Source) -> JsonObject:
    user = source.request.user_details
    return {"sessionId": user.session_id, "userId": user.user_id}


_MEMBERS: Mapping[str, Callable[[_Source], object]] = {
    "userId": lambda source: source.request.user_details.user_id,
    "sessionId": lambda source: source.request.user_details.session_id,
    "application_id": lambda source: source.request.id,
    "application_version": lambda source: source.request.app_monitor_details.version,
    "application_name": lambda source: (
        source.request.app_monitor_details.name or source.monitor_name
    ),
    "event_id": lambda source: source.event.id,
    "event_timestamp": lambda source: event_ms(source.event),
    "event_type": lambda source: source.event.type,
    "event_version": _version,
    "log_stream": _log_stream,
    "batch_id": lambda source: source.request.batch_id,
    "metadata": _metadata,
    "metadata_keys": lambda source: list(source.metadata),
    "metadata_values": lambda source: [
        f"{key}={_plain(value)}" for key, value in source.metadata.items()
    ],
    "user_details": _user_details,
    "account_id": lambda source: source.account_id,
    "event_interaction": lambda source: _interaction(source.metadata),
}
"""The members in the order of the example, and how to read each of them."""


def _add_client(metadata: JsonObject, user_agent: object) -> None:
    """Add the browser, system and device that a User-Agent names, if the client sent none."""
    # Undocumented: whether AWS adds them. Otherwise filters and event patterns would never find
    # the Firefox and Safari of aws-rum-web 3.
    if not isinstance(user_agent, str):
        return
    for member, value in zip(_CLIENT_MEMBERS, parse_user_agent(user_agent), strict=True):
        if value:
            metadata.setdefault(member, value)


def _metadata_object(text: str) -> JsonObject | None:
    """Return the JSON object in `text`, or None. `json.dumps` can write the object again."""
    return parse_object(text, parse_float=_finite)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(digits)
    return number


def _dumps(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _plain(value: object) -> str:
    return value if isinstance(value, str) else _dumps(value)


def _interaction(metadata: JsonObject) -> str:
    if "pageId" not in metadata:
        return ""
    page = quote(
        _plain(metadata["pageId"]), safe="", errors="replace"
    )  # "replace" is for lone surrogates
    return f"{page}-{_plain(metadata.get('interaction', 0))} &"
