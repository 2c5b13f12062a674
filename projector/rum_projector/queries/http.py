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
    count_of,
    distribution,
    distribution_columns,
    is_failed_http,
)
from rum_projector.schema import requests
from rum_service.events.measures import Kind

_IS_FAILED = is_failed_http(requests)
_FAILURES = count_of(_IS_FAILED)
_IS_CALL = requests.c.kind == Kind.HTTP
_CALLS = count_of(_IS_CALL)
_4XX = count_of(_IS_CALL, requests.c.status.between(400, 499))
_5XX = count_of(_IS_CALL, requests.c.status.between(500, 599))
_SESSIONS = distinct_count(requests.c.session).filter(_IS_FAILED)

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
    name = requests.c.name
    no_response = count_of(_IS_CALL, requests.c.status == 0)
    latency = distribution_columns(requests.c.value)
    rows = query(
        select(
            name,
            _CALLS,
            _4XX,
            _5XX,
            no_response,
            _SESSIONS,
            *latency,
        )
        .where(*selection.clauses(requests))
        .group_by(name)
        .having(_CALLS > 0)
        .order_by(ORDERS[order].desc(), _CALLS.desc(), name)
        .limit(limit)
        .offset(offset)
    )
    names = [row[0] for row in rows]
    failures = trends(query, selection, requests, [_IS_FAILED, name.in_(names)]) if names else {}
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
