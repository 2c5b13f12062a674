"""The documented JSON of PutRumEvents to a message, directly.

orjson and construction from dicts cost a nineteenth of json_format for 50 events, an eleventh for
one (2026-11). json_format is the tests' oracle; the places where this is laxer or stricter on
purpose are listed there. What JSON alone can show is judged here (types, a missing RumEvents);
every other constraint is the service's.
Source: PutRumEvents API page, "Request Syntax".
"""

from __future__ import annotations

__all__ = ["check_length", "decode_put", "load_json"]

import json
from typing import Any, NoReturn

import orjson

from rum.internal.v1.bridge_service_pb2 import BatchPutRumEventsRequest
from rum.internal.v1.caller_pb2 import HttpCaller
from rum_bridge.errors import HttpError, validation_error

_MEMBERS: dict[str, type | tuple[type, ...]] = {
    "BatchId": str,
    "AppMonitorDetails": dict,
    "UserDetails": dict,
    "RumEvents": list,
    "Alias": str,
    "SessionMetadata": str,
}
_STRUCTURES = {
    "AppMonitorDetails": ("id", "name", "version"),
    "UserDetails": ("userId", "sessionId"),
}
_EVENT_MEMBERS: dict[str, type | tuple[type, ...]] = {
    "id": str,
    "timestamp": (int, float),
    "type": str,
    "metadata": str,
    "details": str,
}
_JSON_NAMES = {str: "a string", dict: "an object", list: "an array", (int, float): "a number"}


def load_json(body: bytes) -> dict[str, Any]:
    """Returns the JSON object that a body is. Raises a ValidationException."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = _load_surrogates(body)
    if not isinstance(document, dict):
        raise validation_error("The body must be a JSON object.")
    return document


def check_length(document: dict[str, Any], max_events: int) -> None:
    """Refuses too many events before any is looked at; the service would, but much later.

    Raises:
        HttpError: a ValidationException, with the service's text.
    """
    events = document.get("RumEvents")
    if isinstance(events, list) and len(events) > max_events:
        raise validation_error(f"RumEvents must have at most {max_events} items.")


def decode_put(
    app_monitor_id: str,
    document: dict[str, Any],
    request_id: str,
    caller: HttpCaller | None = None,
) -> bytes:
    """Returns a serialized BatchPutRumEventsRequest with this one entry.

    Serialized messages that are joined are one message with all their entries: whoever joins
    several of these has a batch of them.

    Raises:
        HttpError: a ValidationException that names the member of a wrong type.
    """
    try:
        entry: Any = {
            "request": _put(app_monitor_id, document),
            "request_id": request_id,
            "caller": caller,
        }
        return BatchPutRumEventsRequest(entries=[entry]).SerializeToString()
    except (TypeError, ValueError, AttributeError):
        raise _explained(document) from None


def _put(app_monitor_id: str, document: dict[str, Any]) -> dict[str, Any]:
    app_monitor = document.get("AppMonitorDetails")
    user = document.get("UserDetails")
    events = document.get("RumEvents")
    if not isinstance(events, list):
        _refuse()  # an empty string or object would do for no events
    return {
        "id": app_monitor_id,
        "batch_id": document.get("BatchId"),
        "app_monitor_details": app_monitor
        if app_monitor is None
        else {
            "id": app_monitor.get("id"),
            "name": app_monitor.get("name"),
            "version": app_monitor.get("version"),
        },
        "user_details": user
        if user is None
        else {"user_id": user.get("userId"), "session_id": user.get("sessionId")},
        "rum_events": [_event(event) for event in events],
        "alias": document.get("Alias"),
        "session_metadata": document.get("SessionMetadata"),
    }


def _event(event: dict[str, Any]) -> dict[str, Any]:
    timestamp = event.get("timestamp")
    if timestamp is True or timestamp is False:
        _refuse()  # protobuf would take it for 1 or 0
    return {
        "id": event.get("id"),
        "timestamp": timestamp,
        "type": event.get("type"),
        "metadata": event.get("metadata"),
        "details": event.get("details"),
    }


def _refuse(*_: object) -> NoReturn:
    raise ValueError


def _explained(document: dict[str, Any]) -> HttpError:
    """Finds out, slowly, what `decode_put` could not use."""
    for member, kind in _MEMBERS.items():
        if wrong := _wrong(member, document.get(member), kind):
            return wrong
    for structure, members in _STRUCTURES.items():
        for member in members:
            value = (document.get(structure) or {}).get(member)
            if wrong := _wrong(f"{structure}.{member}", value, str):
                return wrong
    if document.get("RumEvents") is None:
        return validation_error("RumEvents is required.")
    for index, event in enumerate(document["RumEvents"]):
        if wrong := _wrong(f"RumEvents[{index}]", event, dict, required=True):
            return wrong
        for member, kind in _EVENT_MEMBERS.items():
            if wrong := _wrong(f"RumEvents[{index}].{member}", event.get(member), kind):
                return wrong
    return validation_error("The body does not have the documented form.")


def _wrong(
    member: str, value: object, kind: type | tuple[type, ...], *, required: bool = False
) -> HttpError | None:
    if (value is None and not required) or (
        isinstance(value, kind) and value is not True and value is not False
    ):
        return None
    return validation_error(f"{member} must be {_JSON_NAMES[kind]}.")


def _load_surrogates(body: bytes) -> object:
    """Reads what only Python writes: escapes of half a character, which no UTF-8 text can hold.

    The halves become U+FFFD, so that the batch is not lost for a broken character.
    """
    try:
        text = body.decode()
        if "\\ud" not in text.lower():
            _refuse()
        document = json.loads(text, parse_constant=_refuse)
        whole = json.dumps(document, ensure_ascii=False).encode("utf-16", "surrogatepass")
        # orjson again: it refuses the numbers that Python reads and no double can hold.
        return orjson.loads(whole.decode("utf-16", "replace"))
    except (ValueError, RecursionError):
        raise validation_error("The body is not JSON.") from None
