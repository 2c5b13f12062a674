"""ListErrorGroups and GetErrorGroup: JavaScript errors by their cause."""

from __future__ import annotations

__all__ = ["ORDERS", "group", "groups", "latest_error", "sessions_with", "shares"]

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select

from rum.v1 import insight_service_pb2 as pb
from rum_projector.queries.base import (
    DIMENSIONS,
    PARTS_OF_TREND,
    Query,
    Selection,
    distinct_count,
    last,
    trends,
)
from rum_projector.queries.hours import has_events
from rum_projector.schema import error_groups, js_errors

_MAX_SHARES = 10


def _counted(selection: Selection, *clauses: ColumnElement[bool]) -> Any:
    return (
        select(
            js_errors.c.name.label("fingerprint"),
            func.count().label("events"),
            distinct_count(js_errors.c.session).label("sessions"),
            distinct_count(js_errors.c.user).label("users"),
            func.max(js_errors.c.ts).label("last_ms"),
            last(js_errors.c.detail, js_errors).label("location"),
        )
        .where(*selection.clauses(js_errors), *clauses)
        .group_by(js_errors.c.name)
        .subquery("counted")
    )


ORDERS: Mapping[str, str] = {
    "sessions": "sessions",
    "events": "events",
    "first_seen": "first_seen",
    "last_seen": "last_ms",
}
"""The columns that groups can be sorted by, highest first."""


def groups(
    query: Query, selection: Selection, *, order: str, offset: int, limit: int
) -> list[pb.ErrorGroup]:
    """Return the groups from `offset` on, at most `limit`."""
    return _groups(query, selection, (), order=order, offset=offset, limit=limit)


def group(query: Query, selection: Selection, fingerprint: str) -> pb.ErrorGroup | None:
    """Return one group. None: it has no error in the selection."""
    clauses = (js_errors.c.name == fingerprint,)
    found = _groups(query, selection, clauses, order="events", offset=0, limit=1)
    return found[0] if found else None


def _groups(
    query: Query,
    selection: Selection,
    clauses: Sequence[ColumnElement[bool]],
    *,
    order: str,
    offset: int,
    limit: int,
) -> list[pb.ErrorGroup]:
    counted = _counted(selection, *clauses)
    first_ms: Any = error_groups.c.first_ms
    columns = {**{column.name: column for column in counted.c}, "first_seen": first_ms}
    statement = (
        select(
            counted.c.fingerprint,
            error_groups.c.title,
            counted.c.events,
            counted.c.sessions,
            counted.c.users,
            first_ms,
            error_groups.c.first_release,
            counted.c.last_ms,
            func.coalesce(counted.c.location, ""),
        )
        .select_from(
            counted.join(
                error_groups,
                and_(
                    error_groups.c.monitor == selection.monitor,
                    error_groups.c.fingerprint == counted.c.fingerprint,
                ),
            )
        )
        .order_by(columns[ORDERS[order]].desc(), counted.c.events.desc(), counted.c.fingerprint)
        .limit(limit)
        .offset(offset)
    )
    rows = query(statement)
    names = [row[0] for row in rows]
    of_groups = trends(query, selection, js_errors, [js_errors.c.name.in_(names)]) if names else {}
    has_past = bool(rows) and _has_past(query, selection)
    return [_group(row, of_groups, selection, has_past=has_past) for row in rows]


def _has_past(query: Query, selection: Selection) -> bool:
    """Return whether anything is known from before the selection: an error, or any event."""
    group = select(error_groups.c.first_ms).where(
        error_groups.c.monitor == selection.monitor, error_groups.c.first_ms < selection.after_ms
    )
    past = Selection(selection.monitor, 0, selection.after_ms)
    return bool(query(group.limit(1))) or has_events(query, past)


def _group(
    row: Sequence[Any],
    of_groups: Mapping[str, list[float]],
    selection: Selection,
    *,
    has_past: bool,
) -> pb.ErrorGroup:
    fingerprint, title, count, sessions, users, first_ms, release, last_ms, location = row
    return pb.ErrorGroup(
        fingerprint=fingerprint,
        title=title,
        events=count,
        sessions=sessions,
        users=users,
        first_seen=first_ms,
        first_release=release,
        last_seen=last_ms,
        is_new=has_past and selection.after_ms <= first_ms < selection.before_ms,
        trend=of_groups.get(fingerprint, [0.0] * PARTS_OF_TREND),
        location=location,
    )


def latest_error(
    query: Query, selection: Selection, fingerprint: str
) -> tuple[int, int, str] | None:
    """Return the sequence, position and release of a group's latest error."""
    rows = query(
        select(js_errors.c.sequence, js_errors.c.position, js_errors.c.release)
        .where(*selection.clauses(js_errors), js_errors.c.name == fingerprint)
        .order_by(js_errors.c.ts.desc(), js_errors.c.sequence.desc(), js_errors.c.position.desc())
        .limit(1)
    )
    return (rows[0][0], rows[0][1], rows[0][2]) if rows else None


def shares(query: Query, selection: Selection, fingerprint: str) -> list[pb.Share]:
    """Return each dimension's most frequent values among a group's errors."""
    found = []
    for name in DIMENSIONS:
        column, number = js_errors.c[name], func.count()
        rows = query(
            select(column, number, distinct_count(js_errors.c.session))
            .where(*selection.clauses(js_errors), js_errors.c.name == fingerprint)
            .group_by(column)
            .order_by(number.desc(), column)
            .limit(_MAX_SHARES)
        )
        dimension = pb.Dimension.Value(f"DIMENSION_{name.upper()}")
        found += [
            pb.Share(dimension=dimension, value=value, events=count, sessions=sessions)
            for value, count, sessions in rows
        ]
    return found


def sessions_with(query: Query, selection: Selection, fingerprint: str, *, limit: int) -> list[str]:
    """Return the sessions with an error in the group, latest error first."""
    latest = func.max(js_errors.c.ts)
    rows = query(
        select(js_errors.c.session)
        .where(
            *selection.clauses(js_errors),
            js_errors.c.name == fingerprint,
            js_errors.c.session != "",
        )
        .group_by(js_errors.c.session)
        .order_by(latest.desc(), js_errors.c.session)
        .limit(limit)
    )
    return [session for (session,) in rows]
