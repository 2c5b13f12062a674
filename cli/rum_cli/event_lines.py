"""Formats events as JSON lines, for export and import. Pure.

A line is an event document as in GetAppMonitorData and the log group of CloudWatch RUM. The member
`openrum` has the other data that import needs to restore the batch:

    position, events   the place of the event in its batch, and the number of events in the batch
    received_ms        when the service accepted the batch
    country            the country of the client, if the service looked it up
    batch              the body of PutRumEvents, without its events and its ID
    event              members of the event that differ from those of the document
"""

from __future__ import annotations

__all__ = ["event_lines"]

import json
from collections.abc import Iterator
from typing import Any

import orjson
from google.protobuf.json_format import MessageToDict

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum_service.events.document import (
    event_document,
    event_ms,
    merged_metadata,
    parse_session_metadata,
)
from rum_service.events.json_text import JsonObject
from rum_service.storage.records import CommittedBatch

# JSON has line breaks between tokens only. In strings they are escaped.
_LINE_BREAKS = str.maketrans("\r\n", "  ")


def event_lines(
    batch: CommittedBatch, request: PutRumEventsRequest, *, monitor_name: str, account_id: str
) -> Iterator[str]:
    """Yield a line for each event in the batch, without the line break.

    Args:
        request: the content of the batch.
    """
    session = parse_session_metadata(request, batch.country)
    shared = _shared(batch, request)
    known, metadata, differing = None, session, ""
    for position, event in enumerate(request.rum_events):
        # Most events have the same metadata as the previous event in the batch.
        if event.metadata != known or not position:
            known, metadata = event.metadata, merged_metadata(session, event)
            differing = _differing_metadata(event, metadata)
        document = event_document(
            request, event, metadata, monitor_name=monitor_name, account_id=account_id
        )
        members = ",".join(filter(None, (*_differing(event), differing)))
        own = f'"position":{position},{shared},"event":{{{members}}}'
        line = f'{document[:-1]},"openrum":{{{own}}}}}'
        yield line if "\n" not in line and "\r" not in line else line.translate(_LINE_BREAKS)


def _shared(batch: CommittedBatch, request: PutRumEventsRequest) -> str:
    """Return the members of `openrum` that all events in the batch share, without the braces."""
    body = MessageToDict(_without_events(request))
    body = {name: value for name, value in body.items() if name not in ("Id", "BatchId")}
    members: JsonObject = {"events": len(request.rum_events), "received_ms": batch.received_ms}
    if batch.country:
        members["country"] = batch.country
    return _dumps({**members, "batch": body})[1:-1]


def _without_events(request: PutRumEventsRequest) -> PutRumEventsRequest:
    copy = PutRumEventsRequest()
    for field, value in request.ListFields():
        if field.name == "rum_events":
            continue
        if field.message_type:
            getattr(copy, field.name).CopyFrom(value)
        else:
            setattr(copy, field.name, value)
    return copy


def _differing(event: RumEvent) -> Iterator[str]:
    """Yield the event's members that differ from the document, except its metadata."""
    if event.timestamp != event_ms(event) / 1000:
        yield f'"timestamp":{_dumps(event.timestamp)}'
    if compact(event.details) != event.details:
        yield f'"details":{_dumps(event.details)}'


def _differing_metadata(event: RumEvent, metadata: JsonObject) -> str:
    if not event.HasField("metadata"):
        return '"metadata":null'
    text = event.metadata
    if compact(text) == text:
        sent = orjson.loads(text)
        if sent == metadata and list(sent) == list(metadata):
            return ""
    return f'"metadata":{_dumps(text)}'


def compact(text: str) -> str | None:
    """Return `text` as compact JSON. None: it is not a JSON object."""
    try:
        value = orjson.loads(text)
        return orjson.dumps(value).decode() if isinstance(value, dict) else None
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None


def _dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
