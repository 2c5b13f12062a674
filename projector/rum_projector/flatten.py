"""The rows of a batch. Pure.

Source: the meaning of events is in `rum_service.events`.
"""

from __future__ import annotations

__all__ = ["add_batch", "event_time"]

from collections.abc import Sequence
from functools import lru_cache

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_projector.definitions import add_samples
from rum_projector.engines.base import Chunk, ErrorGroupRow
from rum_projector.json_text import json_object
from rum_service.events.custom_metrics import MetricDefinition
from rum_service.events.dimensions import Dimensions, dimensions
from rum_service.events.measures import Kind, Measure, kind_of, measure
from rum_service.events.text import clean
from rum_service.storage.records import CommittedBatch

_MAX_AGE_MS = 7 * 86_400_000
_MAX_ID = 128
_MAX_TYPE = 256
# Clients repeat the metadata of a page with each event.
_CACHED = 4096
_MAX_CACHED_LENGTH = 4096
_MAX_SESSION_METADATA = 64 << 10

# Their details are long or not needed.
_WITHOUT_DETAILS = {Kind.OTHER, Kind.SESSION_START, Kind.REPLAY, Kind.XRAY_TRACE}
_UNREADABLE = Dimensions("", "", 0, "", "", "", "")


def add_batch(
    chunk: Chunk, batch: CommittedBatch, definitions: Sequence[MetricDefinition] = ()
) -> int:
    """Add the rows of a batch to a chunk. Return the number of events that could not be read.

    These have a row as well, without dimensions and measures.

    Args:
        definitions: the metrics that the app monitor defines.
    """
    sequence, monitor, received, content, country = batch
    request = PutRumEventsRequest.FromString(content)
    session = clean(request.user_details.session_id, _MAX_ID)
    user = clean(request.user_details.user_id, _MAX_ID)
    session_metadata = request.session_metadata
    unreadable = 0
    append = chunk.events.append
    for position, event in enumerate(request.rum_events):
        event_type = event.type
        kind = kind_of(event_type)
        details = event.details
        metadata = event.metadata
        ts = event_time(event.timestamp, received)
        try:
            found, host = _dimensions(session_metadata, metadata)
            if country and not found.country:
                found = found._replace(country=country)
            measured = _measure(kind, details, host)
            if definitions:
                add_samples(chunk, definitions, batch, request, event, ts=ts)
        except Exception:  # whatever a client sends, the events after it must not wait forever
            found, measured = _UNREADABLE, Measure()
            unreadable += 1
        append(
            # An `EventRow`
            (
                sequence,
                position,
                monitor,
                ts,
                received,
                kind,
                None if kind else clean(event_type, _MAX_TYPE),
                session,
                user,
                *found,
                measured.page_view,
                measured.value,
                measured.name,
                measured.status,
                measured.size,
                measured.message,
                measured.detail,
                measured.parts,
                _length(details) + _length(metadata),
            )
        )
        if kind == Kind.JS_ERROR and measured.name:
            _add_error(
                chunk,
                ErrorGroupRow(
                    monitor,
                    measured.name,
                    ts,
                    found.release,
                    measured.message or "",
                    sequence,
                    position,
                ),
            )
    return unreadable


def event_time(timestamp: float, received_ms: int) -> int:
    """Return the time of an event in milliseconds, or when it was received if its clock is wrong.

    Args:
        timestamp: Unix seconds, from the client's clock.
    """
    ts = timestamp * 1000
    return round(ts) if received_ms - _MAX_AGE_MS <= ts <= received_ms else received_ms


def _add_error(chunk: Chunk, row: ErrorGroupRow) -> None:
    key = (row.monitor, row.fingerprint)
    known = chunk.error_groups.get(key)
    if known is None or row.first_ms < known.first_ms:
        chunk.error_groups[key] = row


def _dimensions(session_metadata: str, metadata: str) -> tuple[Dimensions, str]:
    """Return the dimensions of an event and the host of its page."""
    if len(session_metadata) + len(metadata) <= _MAX_CACHED_LENGTH:
        return _cached_dimensions(session_metadata, metadata)
    return _parsed_dimensions(session_metadata, metadata)


def _parsed_dimensions(session_metadata: str, metadata: str) -> tuple[Dimensions, str]:
    if len(session_metadata) > _MAX_SESSION_METADATA:  # as in `rum_service.events.document`
        session_metadata = ""
    merged = {**json_object(session_metadata), **json_object(metadata)}
    host = merged.get("domain")
    return dimensions(merged), host if isinstance(host, str) else ""


_cached_dimensions = lru_cache(_CACHED)(_parsed_dimensions)


def _measure(kind: Kind, details: str, host: str) -> Measure:
    return _NOTHING if kind in _WITHOUT_DETAILS else measure(kind, json_object(details), host)


_NOTHING = Measure()


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
