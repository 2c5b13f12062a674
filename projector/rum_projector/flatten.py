"""Turn batches into rows. Pure.

Source: the meaning of events is in `rum_service.events`.
"""

from __future__ import annotations

__all__ = ["Added", "add_batch", "event_time"]

import sys
from collections.abc import Callable, Sequence
from functools import cache, lru_cache, partial
from typing import NamedTuple

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_projector.definitions import add_samples
from rum_projector.engines.base import Chunk, ErrorGroupRow
from rum_projector.json_text import json_object
from rum_service.events.custom_metrics import MetricDefinition
from rum_service.events.dimensions import Dimensions, dimensions
from rum_service.events.document import parse_session_metadata
from rum_service.events.json_text import JsonObject
from rum_service.events.measures import Kind, Measure, kind_of, measure
from rum_service.events.text import clean
from rum_service.storage.records import CommittedBatch

_MAX_AGE_MS = 7 * 86_400_000
_MAX_ID = 128
_MAX_TYPE = 256
# Clients repeat a page's metadata with each event.
_CACHED = 4096
_MAX_CACHED_LENGTH = 4096

# Their details are long or not needed.
_WITHOUT_DETAILS = {Kind.OTHER, Kind.SESSION_START, Kind.REPLAY}
_JS_ERROR = Kind.JS_ERROR
_NOTHING = Measure()


class _About(NamedTuple):
    """The columns that an event's metadata fills."""

    dimensions: Dimensions
    host: str
    """Of the page."""


_UNKNOWN = _About(Dimensions("", "", 0, "", "", "", ""), "")


class Added(NamedTuple):
    """The rows that `add_batch` has added."""

    unreadable: int = 0
    """The number of unreadable events. They have a row as well, without dimensions and measures."""
    position: int = 0
    """How many events of the batch have rows now, or 0 if all."""


def add_batch(
    chunk: Chunk,
    batch: CommittedBatch,
    definitions: Sequence[MetricDefinition] = (),
    *,
    start: int = 0,
    limit: int = sys.maxsize,
) -> Added:
    """Add a batch's rows to a chunk.

    Args:
        definitions: the metrics that the app monitor defines.
        start: how many events of the batch have rows already.
        limit: how many events to add at most.

    Raises:
        DecodeError: the content is damaged. Nothing is added.
    """
    sequence, monitor, received, content, country, _ = batch
    request = PutRumEventsRequest.FromString(content)
    session = clean(request.user_details.session_id, _MAX_ID)
    user = clean(request.user_details.user_id, _MAX_ID)
    session_metadata = request.session_metadata
    of_session = cache(partial(parse_session_metadata, request, country))
    unreadable = 0
    append, runs = chunk.events.append, chunk.runs
    run_of: dict[Dimensions, int] = {}
    oldest = received - _MAX_AGE_MS
    # Most events have the same metadata as the previous event in the batch.
    known, about, run = None, _UNKNOWN, -1
    sent = request.rum_events
    end = start + limit
    is_part = end < len(sent)
    for position, event in enumerate(sent[start:end] if start or is_part else sent, start):
        event_type, details, metadata = event.type, event.details, event.metadata
        kind = kind_of(event_type)
        ts = event.timestamp * 1000  # as `event_time`: a call would take 0.1 µs
        ts = round(ts) if oldest <= ts <= received else received
        try:
            if metadata != known:
                about = _about(session_metadata, metadata, country, of_session)
                known, run = metadata, run_of.get(about.dimensions, -1)
            measured = (
                _NOTHING
                if kind in _WITHOUT_DETAILS
                else measure(kind, json_object(details), about.host)
            )
            if definitions:
                add_samples(chunk, definitions, batch, request, event, of_session=of_session, ts=ts)
        except Exception:  # whatever a client sends, the events after it must not wait forever
            about, measured = _UNKNOWN, _NOTHING
            known, run = None, run_of.get(about.dimensions, -1)
            unreadable += 1
        if run < 0:
            run = run_of[about.dimensions] = len(runs)
            runs.append((sequence, monitor, received, session, user, *about.dimensions))
        length = len(details) if details.isascii() else len(details.encode())
        append(
            (
                run,
                position,
                ts,
                kind,
                None if kind else clean(event_type, _MAX_TYPE),
                *measured,
                length + len(metadata if metadata.isascii() else metadata.encode()),
            )
        )
        if kind is _JS_ERROR:
            _add_error(chunk, batch, position, measured, ts=ts, release=about.dimensions.release)
    return Added(unreadable, end if is_part else 0)


def event_time(timestamp: float, received_ms: int) -> int:
    """Return an event's time in milliseconds, or the time of receipt if its clock is wrong.

    Args:
        timestamp: Unix seconds, from the client's clock.
    """
    ts = timestamp * 1000
    return round(ts) if received_ms - _MAX_AGE_MS <= ts <= received_ms else received_ms


def _add_error(
    chunk: Chunk, batch: CommittedBatch, position: int, measured: Measure, *, ts: int, release: str
) -> None:
    """Keep the earliest error of each group."""
    if measured.name is None:
        return
    key = (batch.app_monitor, measured.name)
    known = chunk.error_groups.get(key)
    if known is None or ts < known.first_ms:
        title = measured.message or ""
        chunk.error_groups[key] = ErrorGroupRow(*key, ts, release, title, batch.sequence, position)


def _about(
    session_metadata: str,
    metadata: str,
    country: str | None,
    of_session: Callable[[], JsonObject],
) -> _About:
    """Return the columns that the event's and the session's metadata fill.

    Args:
        of_session: returns the session's metadata, parsed once for all events in a batch. Parsing
            64 KiB of it for each event took 27 s for a put of 0.9 MB (2026-11).
    """
    if len(session_metadata) + len(metadata) <= _MAX_CACHED_LENGTH:
        return _cached_about(session_metadata, metadata, country)
    return _about_of(of_session(), json_object(metadata), country)


@lru_cache(_CACHED)
def _cached_about(session_metadata: str, metadata: str, country: str | None) -> _About:
    session = parse_session_metadata(PutRumEventsRequest(session_metadata=session_metadata))
    return _about_of(session, json_object(metadata), country)


def _about_of(session: JsonObject, metadata: JsonObject, country: str | None) -> _About:
    merged = {**session, **metadata}
    found = dimensions(merged)
    if country and not found.country:
        found = found._replace(country=country)
    host = merged.get("domain")
    return _About(found, host if isinstance(host, str) else "")
