"""GetPageDetails: what makes pages slow. Phases, elements and resources."""

from __future__ import annotations

__all__ = ["attributions", "phases", "resources"]

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select

from rum.v1 import insight_service_pb2 as pb
from rum_projector.queries.base import Query, Selection, quantile
from rum_projector.queries.measures import (
    distribution,
    distribution_columns,
    poor_samples,
    rating_columns,
)
from rum_projector.schema import events
from rum_service.events.measures import Kind

_MAX_ATTRIBUTIONS = 10
_MAX_RESOURCES = 50
_ATTRIBUTED = {"lcp": Kind.LCP, "inp": Kind.INP, "cls": Kind.CLS}


def phases(query: Query, selection: Selection, kind: Kind, names: Sequence[str]) -> list[pb.Phase]:
    """Return the distribution of each part of the duration, in order."""
    columns: list[ColumnElement[Any]] = []
    for number in range(1, len(names) + 1):
        columns += distribution_columns(func.list_extract(events.c.parts, number))
    clauses = [*selection.clauses(), events.c.kind == kind, events.c.parts.is_not(None)]
    (row,) = query(select(*columns).where(*clauses))
    return [
        pb.Phase(name=name, duration=distribution(row[2 * index], row[2 * index + 1]))
        for index, name in enumerate(names)
    ]


def attributions(query: Query, selection: Selection) -> list[pb.Attribution]:
    """Return the elements with the most poor values of each vital."""
    found = []
    for vital, kind in _ATTRIBUTED.items():
        target = events.c.detail
        rows = query(
            select(target, *distribution_columns(), *rating_columns())
            .where(
                *selection.clauses(),
                events.c.kind == kind,
                events.c.value.is_not(None),
                func.coalesce(target, "") != "",
            )
            .group_by(target)
            .order_by(poor_samples().desc(), func.count().desc(), target)
            .limit(_MAX_ATTRIBUTIONS)
        )
        found += [
            pb.Attribution(vital=vital, target=row[0], value=distribution(*row[1:])) for row in rows
        ]
    return found


def resources(query: Query, selection: Selection) -> list[pb.Resource]:
    """Return the resources that take the longest time in total."""
    url, file_type = events.c.detail, func.coalesce(events.c.name, "")
    rows = query(
        select(
            url,
            file_type,
            *distribution_columns(),
            func.coalesce(quantile(events.c.size, "0.5"), 0),
        )
        .where(
            *selection.clauses(),
            events.c.kind == Kind.RESOURCE,
            events.c.value.is_not(None),
            func.coalesce(url, "") != "",
        )
        .group_by(url, events.c.name)
        .order_by(func.sum(events.c.value).desc(), url, events.c.name)
        .limit(_MAX_RESOURCES)
    )
    return [
        pb.Resource(
            url=row[0], file_type=row[1], duration=distribution(row[2], row[3]), size_p50=row[4]
        )
        for row in rows
    ]
