"""ListSessions and GetSession: what a visitor did."""

from __future__ import annotations

__all__ = [
    "HTTP_RESULTS",
    "REF_COLUMNS",
    "EventRef",
    "SessionFilter",
    "SessionRef",
    "batches_of",
    "events_of",
    "find",
    "replay_of",
    "summaries",
]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, or_, select

from rum.v1 import insight_service_pb2 as pb
from rum_projector.queries.base import Query, Selection, first, last
from rum_projector.queries.measures import count_of, is_failed_http
from rum_projector.schema import event_counts, events
from rum_service.events.measures import Kind

HTTP_RESULTS: Mapping[str, ColumnElement[bool]] = {
    "failed": is_failed_http(),
    "4xx": events.c.status.between(400, 499),
    "5xx": events.c.status.between(500, 599),
    "no_response": events.c.status == 0,
}
"""The results that HTTP requests can be limited to."""


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """Which sessions to find. Each condition is about their events in the time range."""

    user: str = ""
    fingerprint: str = ""
    failed: bool = False
    has_replay: bool = False
    http_target: str = ""
    """The method, a space and the URL pattern."""
    http_result: str = ""
    """A key of `HTTP_RESULTS`."""


class SessionRef(NamedTuple):
    """A session, as far as a list needs it."""

    last_ms: int
    """The time of its last event that meets the selection."""
    session: str


class EventRef(NamedTuple):
    """A row of `events`, as far as a timeline needs it."""

    ts: int
    sequence: int
    position: int
    kind: int
    page: str
    session: str


REF_COLUMNS = tuple(events.c[name] for name in EventRef._fields)
"""The columns of an `EventRef`."""
_ORDER = (events.c.ts, events.c.sequence, events.c.position)


def _within(
    query: Query, monitor: int, sessions: Sequence[str]
) -> list[ColumnElement[bool]] | None:
    """Return clauses for all events of sessions, or None if there are none.

    The first and last batch are found among the counts, which are a tenth of the rows. They let the
    database skip most of the events.
    """
    counts = event_counts.c
    ((first, last_),) = query(
        select(func.min(counts.sequence), func.max(counts.sequence)).where(
            counts.monitor == monitor, counts.session.in_(sessions)
        )
    )
    if first is None:
        return None
    return [
        events.c.sequence.between(first, last_),
        events.c.monitor == monitor,
        events.c.session.in_(sessions),
    ]


def find(
    query: Query,
    selection: Selection,
    wanted: SessionFilter,
    *,
    below: SessionRef | None,
    limit: int,
) -> list[SessionRef]:
    """Return sessions with an event that meets the selection, latest first.

    Args:
        below: the last session of the previous page.
    """
    last_ms = func.max(events.c.ts)
    statement = (
        select(last_ms, events.c.session)
        .where(*selection.clauses(), events.c.session != "", *_with_events(selection, wanted))
        .group_by(events.c.session)
        .order_by(last_ms.desc(), events.c.session.desc())
        .limit(limit)
    )
    if below:
        statement = statement.having(
            or_(
                last_ms < below.last_ms,
                (last_ms == below.last_ms) & (events.c.session < below.session),
            )
        )
    return [SessionRef(*row) for row in query(statement)]


def _with_events(selection: Selection, wanted: SessionFilter) -> list[ColumnElement[bool]]:
    is_error = events.c.kind == Kind.JS_ERROR
    clauses: list[ColumnElement[bool]] = []
    if wanted.user:
        # Clients write UUIDs in one letter case. Lowering every row would take much longer.
        cases = {wanted.user, wanted.user.lower(), wanted.user.upper()}
        clauses.append(events.c.user.in_(sorted(cases)))
    # The conditions apply to the error and the request too, so that as many sessions are listed
    # as the views of errors and requests count.
    if wanted.fingerprint:
        is_wanted = events.c.name == wanted.fingerprint
        clauses.append(_has(*selection.clauses(), is_error, is_wanted))
    if wanted.http_target or wanted.http_result:
        clauses.append(_has(*selection.clauses(), *_requests(wanted)))
    if wanted.failed:
        clauses.append(_has(*selection.in_time(), or_(is_error, is_failed_http())))
    if wanted.has_replay:
        clauses.append(_has(*selection.in_time(), events.c.kind == Kind.REPLAY))
    return clauses


def _requests(wanted: SessionFilter) -> list[ColumnElement[bool]]:
    clauses = [events.c.kind == Kind.HTTP]
    if wanted.http_target:
        clauses.append(events.c.name == wanted.http_target)
    if wanted.http_result:
        clauses.append(HTTP_RESULTS[wanted.http_result])
    return clauses


def _has(*clauses: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return whether the session has an event that meets the clauses."""
    return events.c.session.in_(select(events.c.session).where(*clauses))


def summaries(query: Query, monitor: int, sessions: Sequence[str]) -> dict[str, pb.SessionSummary]:
    """Return what is known of these sessions, from all of their events."""
    within = _within(query, monitor, sessions) if sessions else None
    if within is None:
        return {}
    # An event without a dimension does not hide that of others.
    known = {
        name: func.coalesce(last(events.c[name]).filter(events.c[name] != ""), "")
        for name in ("user", "browser", "os", "device", "country", "release")
    }
    columns: dict[str, Any] = {
        "first_ms": func.min(events.c.ts),
        "last_ms": func.max(events.c.ts),
        "events": func.count(),
        "page_views": count_of(events.c.kind == Kind.PAGE_VIEW),
        "js_errors": count_of(events.c.kind == Kind.JS_ERROR),
        "http_failures": count_of(is_failed_http()),
        "has_replay": count_of(events.c.kind == Kind.REPLAY) > 0,
        "entry_page": func.coalesce(first(events.c.page).filter(events.c.page != ""), ""),
        "user_id": known.pop("user"),
        **known,
        "major": last(events.c.browser_major).filter(events.c.browser != ""),
    }
    rows = query(
        select(events.c.session, *columns.values()).where(*within).group_by(events.c.session)
    )
    return {row[0]: _summary(row[0], dict(zip(columns, row[1:], strict=True))) for row in rows}


def _summary(session: str, members: dict[str, Any]) -> pb.SessionSummary:
    major = members.pop("major")
    if members["browser"] and major:
        members["browser"] += f" {major}"
    return pb.SessionSummary(session_id=session, **members)


def batches_of(query: Query, monitor: int, session: str, *, limit: int) -> list[int]:
    """Return the sequences of a session's first batches."""
    counts = event_counts.c
    statement = (
        select(counts.sequence)
        .where(counts.monitor == monitor, counts.session == session)
        .distinct()
        .order_by(counts.sequence)
        .limit(limit)
    )
    return [sequence for (sequence,) in query(statement)]


def events_of(
    query: Query, monitor: int, session: str, *, above: tuple[int, int, int] | None, limit: int
) -> list[EventRef]:
    """Return a session's events, oldest first.

    Args:
        above: time, sequence and position of the last event of the previous page.
    """
    return _refs(query, monitor, session, (), above=above, limit=limit)


def replay_of(
    query: Query, monitor: int, session: str, *, above: tuple[int, int, int] | None, limit: int
) -> list[EventRef]:
    """Return a session's events that contain parts of its replay."""
    clauses = (events.c.kind == Kind.REPLAY,)
    return _refs(query, monitor, session, clauses, above=above, limit=limit)


def _refs(
    query: Query,
    monitor: int,
    session: str,
    clauses: Sequence[ColumnElement[bool]],
    *,
    above: tuple[int, int, int] | None,
    limit: int,
) -> list[EventRef]:
    within = _within(query, monitor, [session])
    if within is None:
        return []
    statement = select(*REF_COLUMNS).where(*within, *clauses).order_by(*_ORDER).limit(limit)
    if above:
        statement = statement.where(_after(above))
    return [EventRef(*row) for row in query(statement)]


def _after(above: tuple[int, int, int]) -> ColumnElement[bool]:
    ts, sequence, position = above
    same_batch = (events.c.sequence == sequence) & (events.c.position > position)
    return or_(
        events.c.ts > ts,
        (events.c.ts == ts) & or_(events.c.sequence > sequence, same_batch),
    )
