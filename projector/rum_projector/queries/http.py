"""ListHttpTargets: the HTTP requests of pages by method and URL pattern."""

from __future__ import annotations

__all__ = ["ORDERS", "targets"]

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from rum.v1 import insight_service_pb2 as pb
from rum_projector.queries.base import (
    PARTS_OF_TREND,
    Query,
    Selection,
    distinct_count,
    trends,
)
from rum_projector.queries.measures import (
    IS_FAILED_HTTP,
    count_of,
    distribution,
    distribution_columns,
)
from rum_projector.schema import events
from rum_service.events.measures import Kind

_FAILURES = count_of(IS_FAILED_HTTP)
_IS_CALL = events.c.kind == Kind.HTTP
_CALLS = count_of(_IS_CALL)
# aws-rum-web measures the latency of a request only in the event of its trace.
_KINDS = (Kind.HTTP, Kind.XRAY_TRACE)
_4XX = count_of(_IS_CALL, events.c.status.between(400, 499))
_5XX = count_of(_IS_CALL, events.c.status.between(500, 599))
_SESSIONS = distinct_count(events.c.session).filter(IS_FAILED_HTTP)

ORDERS: Mapping[str, Any] = {
    "failures": _FAILURES,
    "calls": _CALLS,
    "http_5xx": _5XX,
    "http_4xx": _4XX,
    "sessions": _SESSIONS,
}
"""What targets can be sorted by, highest first."""


def targets(
    query: Query, selection: Selection, *, order: str, offset: int, limit: int
) -> list[pb.HttpTarget]:
    """Return the targets from `offset` on, at most `limit`."""
    name = events.c.name
    no_response = count_of(_IS_CALL, events.c.status == 0)
    rows = query(
        select(name, _CALLS, _4XX, _5XX, no_response, _SESSIONS, *distribution_columns())
        .where(*selection.clauses(), events.c.kind.in_(_KINDS), name.is_not(None))
        .group_by(name)
        .having(_CALLS > 0)
        .order_by(ORDERS[order].desc(), _CALLS.desc(), name)
        .limit(limit)
        .offset(offset)
    )
    names = [row[0] for row in rows]
    failures = trends(query, selection, [IS_FAILED_HTTP, name.in_(names)]) if names else {}
    found = []
    for target, calls, http_4xx, http_5xx, without, sessions, *latency in rows:
        method, _, url = target.partition(" ")
        found.append(
            pb.HttpTarget(
                method=method,
                url=url,
                calls=calls,
                http_4xx=http_4xx,
                http_5xx=http_5xx,
                http_no_response=without,
                failed_sessions=sessions,
                latency=distribution(*latency),
                trend=failures.get(target, [0.0] * PARTS_OF_TREND),
            )
        )
    return found
