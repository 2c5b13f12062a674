"""Parses lines with event documents, from `event_lines` or from CloudWatch. Pure.

A log group of CloudWatch RUM has one document for each event. CloudWatch Logs exports it to files
in which each line is a timestamp, a space and the document.
"""

from __future__ import annotations

__all__ = ["EventLine", "LineError", "parse_line"]

import json
import re
from typing import Any, NamedTuple

import orjson

from rum.v1.data_plane_service_pb2 import RumEvent
from rum_service.events.nesting import is_nested_too_deeply

JsonObject = dict[str, Any]

# `aws logs tail` puts the name of the log stream between them.
_PREFIX = re.compile(rb"\d{4}-\d\d-\d\d[T ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?\s+(?:[^\s{]\S*\s+)?")
_NOT_A_DOCUMENT = "this is not the document of an event"


class LineError(Exception):
    """A line cannot be imported. The text says why, without its content."""


class EventLine(NamedTuple):
    """An event, and the data about its batch in the same line."""

    app_monitor_id: str
    batch_id: str
    """Empty if the batch is not known."""
    body: JsonObject
    """The body of PutRumEvents, without its events and IDs."""
    event: RumEvent
    event_ms: int
    """The time of the event in milliseconds since the Unix epoch."""
    position: int
    """The place of the event in its batch, from 0."""
    events: int
    """The number of events in the batch. 0: not known."""
    received_ms: int | None
    country: str | None


def parse_line(line: bytes) -> EventLine:
    """Return the event in a line.

    Raises:
        LineError: the line is not an event document.
    """
    document = _document(line)
    own = document.get("openrum")
    try:
        return _exported(document, own) if isinstance(own, dict) else _from_cloudwatch(document)
    except KeyError as error:
        raise LineError(f"{_NOT_A_DOCUMENT}: it has no {error.args[0]}") from None
    except (TypeError, ValueError, AttributeError, OverflowError):
        raise LineError(f"{_NOT_A_DOCUMENT}: a member has the wrong type") from None


def _exported(document: JsonObject, own: JsonObject) -> EventLine:
    sent = own["event"]
    metadata = sent.get("metadata") if "metadata" in sent else _text(document["metadata"])
    milliseconds = int(document["event_timestamp"])
    return EventLine(
        app_monitor_id=_string(document["application_id"]),
        batch_id=_string(document["batch_id"]),
        body=own["batch"],
        event=RumEvent(
            id=document["event_id"],
            timestamp=sent.get("timestamp", milliseconds / 1000),
            type=document["event_type"],
            metadata=metadata,
            details=sent["details"] if "details" in sent else _text(document["event_details"]),
        ),
        event_ms=milliseconds,
        position=int(own["position"]),
        events=int(own["events"]),
        received_ms=int(own["received_ms"]),
        country=own.get("country"),
    )


def _from_cloudwatch(document: JsonObject) -> EventLine:
    user = document.get("user_details") or document
    application = {
        "id": document["application_id"],
        "name": document.get("application_name"),
        "version": document.get("application_version"),
    }
    users = {"userId": user.get("userId"), "sessionId": user.get("sessionId")}
    milliseconds = int(document["event_timestamp"])
    metadata = document.get("metadata")
    return EventLine(
        app_monitor_id=_string(document["application_id"]),
        batch_id="",
        body={
            "AppMonitorDetails": {name: text for name, text in application.items() if text},
            "UserDetails": {name: text for name, text in users.items() if text},
        },
        event=RumEvent(
            id=document["event_id"],
            timestamp=milliseconds / 1000,
            type=document["event_type"],
            metadata=_text(metadata) if metadata else None,
            details=_text(document["event_details"]),
        ),
        event_ms=milliseconds,
        position=0,
        events=0,
        received_ms=None,
        country=None,
    )


def _document(line: bytes) -> JsonObject:
    start = line.find(b"{")
    if start < 0 or (line[:start].strip() and not _PREFIX.fullmatch(line[:start])):
        raise LineError("this is not a line of JSON")
    text = line[start:]
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        document = _other_document(text)
    if not isinstance(document, dict):
        raise LineError(_NOT_A_DOCUMENT)
    return document


def _other_document(text: bytes) -> object:
    """Parse JSON that orjson rejects: clients truncate texts within a character."""
    try:
        decoded = text.decode()
        if is_nested_too_deeply(decoded):
            raise LineError("it is nested too deep")
        return json.loads(decoded)
    except ValueError:
        raise LineError("this is not a line of JSON") from None


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _text(value: object) -> str:
    """Return a text unchanged, and any other value as JSON."""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return json.dumps(value, separators=(",", ":"))
