"""Answers about visits: sessions, their events and replays, and the events that arrive."""

from __future__ import annotations

__all__ = ["get_session", "list_replay_events", "list_sessions", "tail_events"]

import json
from collections.abc import Iterable

from rum.v1 import insight_service_pb2 as pb
from rum_projector.insight.call import Call
from rum_projector.insight.selection import limit_of, selection_of
from rum_projector.queries import sessions, tail
from rum_projector.queries.sessions import EventRef, SessionFilter, SessionRef
from rum_projector.queries.tail import TailFilter
from rum_service.errors import ResourceNotFoundException, ValidationException
from rum_service.events.conditions import parse_conditions
from rum_service.events.summary import rating, summary
from rum_service.page_tokens import decode_token, encode_token

_DEFAULT_SESSIONS = 50
_DEFAULT_EVENTS = 500
_MAX_EVENTS = 1000
_DEFAULT_TAIL = 100
_MAX_TAIL = 500
_MAX_TYPES = 20
# The greatest number that a statement can compare with an event's position in its batch.
_LAST_POSITION = 2**31 - 1
# A page of several events stays below this: gRPC clients accept 4 MiB by default.
_MAX_PAGE_BYTES = 3 << 20
_REPLAYS_PER_QUERY = 200
# Of one session, to look for dropped events.
_MAX_BATCHES = 1000


def list_sessions(call: Call, request: pb.ListSessionsRequest) -> pb.ListSessionsResponse:
    """Return a page of sessions, latest first."""
    selection = selection_of(call.monitor, request.after, request.before, request.filter)
    limit = limit_of(request.max_results, default=_DEFAULT_SESSIONS)
    wanted = SessionFilter(
        user=request.user_id,
        fingerprint=request.fingerprint,
        failed=request.failed,
        has_replay=request.has_replay,
        http_target=request.http_target,
        http_result=_http_result(request.http_result),
    )
    below = None
    if request.next_token:
        last_ms, session = decode_token("nextToken", request.next_token, int, str)
        below = SessionRef(last_ms, session)
    found = sessions.find(call.query, selection, wanted, below=below, limit=limit + 1)
    page = found[:limit]
    known = sessions.summaries(call.query, call.monitor, [item.session for item in page])
    return pb.ListSessionsResponse(
        sessions=[known[item.session] for item in page if item.session in known],
        next_token=encode_token(*page[-1]) if len(found) > limit else "",
    )


def _http_result(result: str) -> str:
    if result and result not in sessions.HTTP_RESULTS:
        raise ValidationException(f"httpResult must be one of {', '.join(sessions.HTTP_RESULTS)}.")
    return result


def get_session(call: Call, request: pb.GetSessionRequest) -> pb.GetSessionResponse:
    """Return a session and a page of its events."""
    limit = limit_of(request.max_results, default=_DEFAULT_EVENTS, most=_MAX_EVENTS)
    above = _position(request.next_token)
    known = sessions.summaries(call.query, call.monitor, [request.session_id])
    if request.session_id not in known:
        raise _no_session()
    refs = sessions.events_of(
        call.query, call.monitor, request.session_id, above=above, limit=limit + 1
    )
    shown, last = _within_page(call, refs[:limit])
    has_more = last is not None and last != refs[-1]
    return pb.GetSessionResponse(
        session=known[request.session_id],
        events=shown,
        next_token=encode_token(*last[:3]) if last and has_more else "",
        dropped_events=0 if above else _dropped(call, request.session_id),
    )


def _dropped(call: Call, session: str) -> int:
    """Return how many events were dropped from a session's batches."""
    return call.store.log.dropped_from(
        sessions.batches_of(call.query, call.monitor, session, limit=_MAX_BATCHES)
    )


def list_replay_events(
    call: Call, request: pb.ListReplayEventsRequest
) -> pb.ListReplayEventsResponse:
    """Return one page of a session's rrweb events."""
    above = _position(request.next_token)
    response = pb.ListReplayEventsResponse()
    page_bytes = 0
    last: EventRef | None = None
    refs = sessions.replay_of(
        call.query, call.monitor, request.session_id, above=above, limit=_REPLAYS_PER_QUERY
    )
    for ref in refs:
        if last and not call.documents.may_read_more:
            break
        recorded, page = _recorded(call, ref)
        page_bytes += sum(len(text) for text in recorded) + len(page)
        if last and page_bytes > _MAX_PAGE_BYTES:
            break
        if recorded:
            response.events.extend(recorded)
            response.parts.add(events=len(recorded), page=page)
        last = ref
    if last and (last != refs[-1] or len(refs) == _REPLAYS_PER_QUERY):
        response.next_token = encode_token(*last[:3])
    return response


def tail_events(call: Call, request: pb.TailEventsRequest) -> pb.TailEventsResponse:
    """Return the events after a position in the log."""
    limit = limit_of(request.max_results, default=_DEFAULT_TAIL, most=_MAX_TAIL)
    wanted = _tail_filter(call, request)
    position = (0, 0)
    if request.next_token:
        sequence, index = decode_token("nextToken", request.next_token, int, int)
        position = (sequence, min(index, _LAST_POSITION))
        refs = tail.stored_after(
            call.query, wanted, sequence=sequence, position=position[1], limit=limit
        )
    else:
        refs = tail.newest(call.query, wanted, limit=limit)
    shown, last = _within_page(call, refs)
    if last:
        position = (last.sequence, last.position)
    is_all = len(shown) == len(refs) and (len(refs) < limit or not request.next_token)
    if is_all:
        # No later event meets the filter. The next call need not look at them again.
        position = max(position, (call.freshness.projected_sequence, _LAST_POSITION))
    return pb.TailEventsResponse(events=shown, next_token=encode_token(*position))


def _tail_filter(call: Call, request: pb.TailEventsRequest) -> TailFilter:
    if len(request.type) > _MAX_TYPES:
        raise ValidationException(f"type must have at most {_MAX_TYPES} values.")
    return TailFilter(
        call.monitor, parse_conditions(request.filter), tuple(request.type), request.session_id
    )


def _position(token: str) -> tuple[int, int, int] | None:
    if not token:
        return None
    ts, sequence, position = decode_token("nextToken", token, int, int, int)
    return ts, sequence, min(position, _LAST_POSITION)


def _within_page(
    call: Call, refs: Iterable[EventRef]
) -> tuple[list[pb.EventSummary], EventRef | None]:
    """Return the events that fit in a page, and the last of them."""
    shown: list[pb.EventSummary] = []
    page_bytes = 0
    last = None
    for ref in refs:
        if last and not call.documents.may_read_more:
            break
        event = _summary(call, ref)
        page_bytes += event.ByteSize()
        if shown and page_bytes > _MAX_PAGE_BYTES:
            break
        shown.append(event)
        last = ref
    return shown, last


def _summary(call: Call, ref: EventRef) -> pb.EventSummary:
    found = pb.EventSummary(timestamp_ms=ref.ts, page=ref.page, session_id=ref.session)
    logged = call.documents.event(ref.sequence, ref.position)
    if logged is None:
        found.summary = "The log does not have this event any more."
        return found
    details = logged.details()
    host = logged.metadata.get("domain")
    found.type = logged.event.type
    found.summary = summary(logged.event.type, details, host if isinstance(host, str) else "")
    found.rating = rating(logged.event.type, details)
    found.document = logged.document()
    return found


def _recorded(call: Call, ref: EventRef) -> tuple[list[str], str]:
    """Return the rrweb events in a replay event, as JSON, and the page that it names."""
    logged = call.documents.event(ref.sequence, ref.position)
    recorded = logged.details().get("events") if logged else None
    if logged is None or not isinstance(recorded, list):
        return [], ""
    page = logged.metadata.get("pageId")
    return (
        [json.dumps(item, separators=(",", ":")) for item in recorded if isinstance(item, dict)],
        page if isinstance(page, str) else "",
    )


def _no_session() -> ResourceNotFoundException:
    return ResourceNotFoundException("There is no event of this session.")
