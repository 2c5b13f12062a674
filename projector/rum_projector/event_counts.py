"""The rows of `schema.event_counts` and of the tables of whole hours, as SELECTs. Pure.

A batch belongs to one session, and most of its events have the same dimensions: 12 events of the
demo share a row. Rows differ from events only in their time, so they meet every condition that
their events meet.
"""

from __future__ import annotations

__all__ = [
    "LEVELS",
    "counts_by_hour",
    "counts_by_minute",
    "counts_of_events",
    "hour_of",
    "levels_by_hour",
    "totals_by_hour",
]

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    and_,
    cast,
    func,
    literal_column,
    select,
    true,
    tuple_,
)

from rum_projector.schema import (
    COUNTERS,
    HOUR_MS,
    MINUTE_MS,
    event_counts,
    events,
    hour_counts,
    hour_totals,
    vitals,
)
from rum_service.events.measures import Kind
from rum_service.events.thresholds import APDEX_SATISFIED_MS, APDEX_TOLERATED_MS, WEB_VITALS

LEVELS = (Kind.LCP, Kind.INP, Kind.CLS)
"""The kinds of values that `schema.hour_levels` has."""


def _ratings(columns: Any) -> Mapping[str, ColumnElement[bool]]:
    found: dict[str, ColumnElement[bool]] = {}
    for kind, limits in WEB_VITALS.items():
        name, is_kind = kind.name.lower(), columns.kind == kind
        found[f"{name}_good"] = and_(is_kind, columns.value <= limits.good)
        found[f"{name}_needs_improvement"] = and_(
            is_kind, columns.value > limits.good, columns.value <= limits.poor
        )
        found[f"{name}_poor"] = and_(is_kind, columns.value > limits.poor)
    return found


def _conditions(columns: Any) -> Mapping[str, ColumnElement[bool]]:
    """Return which events a counter counts, from columns of events."""
    kind, value, status = columns.kind, columns.value, columns.status
    is_http, is_navigation = kind == Kind.HTTP, kind == Kind.NAVIGATION
    return {
        "events": true(),
        "page_views": kind == Kind.PAGE_VIEW,
        "js_errors": kind == Kind.JS_ERROR,
        "http_requests": is_http,
        "http_4xx": and_(is_http, status.between(400, 499)),
        "http_5xx": and_(is_http, status.between(500, 599)),
        "http_no_response": and_(is_http, status == 0),
        "navigations_satisfied": and_(is_navigation, value <= APDEX_SATISFIED_MS),
        "navigations_tolerated": and_(
            is_navigation, value > APDEX_SATISFIED_MS, value <= APDEX_TOLERATED_MS
        ),
        "navigations_frustrated": and_(is_navigation, value > APDEX_TOLERATED_MS),
        **_ratings(columns),
    }


def counts_by_minute(arrived: FromClause, runs: FromClause) -> Select[Any]:
    """Return the rows of new events, with the columns of the table.

    Args:
        arrived: the events, with a reference to their run. They are counted before they are joined
            with it: numbers take less time to group than texts.
        runs: what the events of a batch with the same dimensions have in common.
    """
    conditions = _conditions(arrived.c)
    counts = (
        select(
            arrived.c.run,
            # GROUP BY would take `ts` for the time of the event.
            _start(arrived.c.ts, MINUTE_MS).label("minute"),
            func.sum(arrived.c.bytes).label("payload_bytes"),
            *(func.count().filter(conditions[name]).label(name) for name in COUNTERS),
        )
        .group_by(arrived.c.run, literal_column("minute"))
        .subquery("counts")
    )
    columns: Mapping[str, Any] = {
        **{column.name: column for column in runs.c},
        **{column.name: column for column in counts.c},
        "ts": counts.c.minute,
    }
    return select(*(columns[column.name] for column in event_counts.c)).select_from(
        counts.join(runs, counts.c.run == runs.c.run)
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


def totals_by_hour(*clauses: ColumnElement[bool]) -> Select[Any]:
    """Return the rows of `schema.hour_totals` for the rows of `hour_counts` that meet clauses."""
    counts = hour_counts.c
    session = func.nullif(counts.session, "").distinct()
    columns: Mapping[str, Any] = {
        **{name: counts[name] for name in ("monitor", "ts", "page")},
        "sessions": func.count(session),
        "error_sessions": func.count(session).filter(counts.js_errors > 0),
        **{name: func.sum(counts[name]) for name in COUNTERS},
    }
    hour, page = (counts.monitor, counts.ts), (counts.monitor, counts.ts, counts.page)
    return (
        select(*(columns[column.name] for column in hour_totals.c))
        .where(*clauses)
        .group_by(func.grouping_sets(tuple_(*hour), tuple_(*page)))
    )


def levels_by_hour(*clauses: ColumnElement[bool]) -> Select[Any]:
    """Return the rows of `schema.hour_levels` for the rows of `vitals` that meet the clauses."""
    value = vitals.c.value
    return (
        select(
            vitals.c.monitor,
            hour_of(vitals.c.ts).label("hour"),
            vitals.c.kind,
            func.count(),
            func.quantile_disc(value, literal_column("0.75")),
        )
        .where(*clauses, vitals.c.kind.in_(LEVELS))
        .group_by(vitals.c.monitor, literal_column("hour"), vitals.c.kind)
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
        **{name: cast(condition, Integer) for name, condition in _conditions(events.c).items()},
    }
    return select(*(columns[column.name].label(column.name) for column in hour_counts.c)).where(
        *clauses
    )
