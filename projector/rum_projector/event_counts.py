"""The rows of `schema.event_counts` and `schema.hour_counts`, as SELECTs. Pure.

A batch belongs to one session, and most of its events have the same dimensions: 12 events of the
demo share a row. Rows differ from events only in their time, so they meet every condition that
their events meet.
"""

from __future__ import annotations

__all__ = ["counts_by_hour", "counts_by_minute", "counts_of_events", "hour_of"]

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    and_,
    cast,
    func,
    literal_column,
    select,
    true,
)

from rum_projector.schema import (
    COUNTERS,
    HOUR_MS,
    MINUTE_MS,
    event_counts,
    events,
    hour_counts,
)
from rum_service.events.measures import Kind
from rum_service.events.thresholds import APDEX_SATISFIED_MS, APDEX_TOLERATED_MS, WEB_VITALS

_KIND, _VALUE, _STATUS = events.c.kind, events.c.value, events.c.status
_IS_HTTP = _KIND == Kind.HTTP
_IS_NAVIGATION = _KIND == Kind.NAVIGATION


def _ratings() -> Mapping[str, ColumnElement[bool]]:
    found: dict[str, ColumnElement[bool]] = {}
    for kind, limits in WEB_VITALS.items():
        name, is_kind = kind.name.lower(), events.c.kind == kind
        found[f"{name}_good"] = and_(is_kind, events.c.value <= limits.good)
        found[f"{name}_needs_improvement"] = and_(
            is_kind, events.c.value > limits.good, events.c.value <= limits.poor
        )
        found[f"{name}_poor"] = and_(is_kind, events.c.value > limits.poor)
    return found


_CONDITIONS: Mapping[str, ColumnElement[bool]] = {
    "events": true(),
    "page_views": _KIND == Kind.PAGE_VIEW,
    "js_errors": _KIND == Kind.JS_ERROR,
    "http_requests": _IS_HTTP,
    "http_4xx": and_(_IS_HTTP, _STATUS.between(400, 499)),
    "http_5xx": and_(_IS_HTTP, _STATUS.between(500, 599)),
    "http_no_response": and_(_IS_HTTP, _STATUS == 0),
    "navigations_satisfied": and_(_IS_NAVIGATION, _VALUE <= APDEX_SATISFIED_MS),
    "navigations_tolerated": and_(
        _IS_NAVIGATION, _VALUE > APDEX_SATISFIED_MS, _VALUE <= APDEX_TOLERATED_MS
    ),
    "navigations_frustrated": and_(_IS_NAVIGATION, _VALUE > APDEX_TOLERATED_MS),
    **_ratings(),
}
"""Which events a counter counts."""

_KEY = ("page", "browser", "os", "device", "country", "release")


def counts_by_minute(*clauses: ColumnElement[bool]) -> Select[Any]:
    """Return the rows of the events that meet the clauses, with the columns of the table."""
    columns: Mapping[str, Any] = {
        "sequence": events.c.sequence,
        "monitor": events.c.monitor,
        # GROUP BY would take `ts` for the time of the event.
        "ts": _start(events.c.ts, MINUTE_MS).label("minute"),
        "session": func.any_value(events.c.session),
        "user": func.any_value(events.c.user),
        **{name: events.c[name] for name in _KEY},
        "payload_bytes": func.sum(events.c.bytes),
        **{name: func.count().filter(_CONDITIONS[name]) for name in COUNTERS},
    }
    return (
        select(*(columns[column.name] for column in event_counts.c))
        .where(*clauses)
        .group_by(
            events.c.sequence,
            events.c.monitor,
            literal_column("minute"),
            *(events.c[name] for name in _KEY),
        )
    )


def counts_by_hour(*clauses: ColumnElement[bool]) -> Select[Any]:
    """Return the rows of the hours that meet the clauses about `event_counts`."""
    counts = event_counts.c
    sums = ("payload_bytes", *COUNTERS)
    columns: Mapping[str, Any] = {
        **{column.name: counts[column.name] for column in hour_counts.c if column.name not in sums},
        "ts": hour_of(counts.ts).label("hour"),
        **{name: func.sum(counts[name]) for name in sums},
    }
    keys = [columns[column.name] for column in hour_counts.c if column.name not in (*sums, "ts")]
    return (
        select(*(columns[column.name] for column in hour_counts.c))
        .where(*clauses)
        .group_by(*keys, literal_column("hour"))
    )


def hour_of(ts: ColumnElement[int]) -> ColumnElement[int]:
    """Return the start of the hour that contains a time."""
    return _start(ts, HOUR_MS)


def _start(ts: ColumnElement[int], length_ms: int) -> ColumnElement[int]:
    # As text: GROUP BY does not recognize an expression with parameters. `/` would not round.
    length: ColumnElement[int] = literal_column(str(length_ms))
    number: ColumnElement[int] = ts.op("//", precedence=10, return_type=BigInteger())(length)
    return number * length


def counts_of_events(*clauses: ColumnElement[bool]) -> Select[Any]:
    """Return a row of `hour_counts` for each event that meets the clauses, with its own time."""
    columns: Mapping[str, Any] = {
        **{column.name: column for column in events.c},
        "payload_bytes": events.c.bytes,
        **{name: cast(_CONDITIONS[name], Integer) for name in COUNTERS},
    }
    return select(*(columns[column.name].label(column.name) for column in hour_counts.c)).where(
        *clauses
    )
