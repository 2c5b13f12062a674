"""Answers that consist of measures: overview, segments and current values."""

from __future__ import annotations

__all__ = ["get_overview", "list_segments"]

from rum.v1 import insight_service_pb2 as pb
from rum_projector.insight.asked import Asked
from rum_projector.insight.selection import (
    choose_step,
    compared_selection,
    limit_of,
    offset_of,
    selection_of,
)
from rum_projector.insight.tokens import encode_token
from rum_projector.queries import overview, segments
from rum_projector.queries.segments import MAX_SEGMENTS, ORDERS
from rum_service.errors import ValidationException

_DEFAULT_SEGMENTS = 50


def get_overview(asked: Asked, request: pb.GetOverviewRequest) -> pb.GetOverviewResponse:
    """Return measures in total and over time."""
    selection = selection_of(asked.monitor, request.after, request.before, request.filter)
    compared = compared_selection(selection, request.compare_after)
    step_ms = choose_step(request.step_ms, selection.length_ms)
    # Steps start at whole hours and the like. Those of the other range start as much before it.
    into_step_ms = selection.after_ms % step_ms
    response = pb.GetOverviewResponse(
        total=overview.totals(asked.query, selection),
        series=overview.series(
            asked.query, selection, first_ms=selection.after_ms - into_step_ms, step_ms=step_ms
        ),
    )
    if compared:
        response.compared_total.CopyFrom(overview.totals(asked.query, compared))
        first_ms = compared.after_ms - into_step_ms
        response.compared_series.CopyFrom(
            overview.series(asked.query, compared, first_ms=first_ms, step_ms=step_ms)
        )
    return response


def list_segments(asked: Asked, request: pb.ListSegmentsRequest) -> pb.ListSegmentsResponse:
    """Return the measures of the values of a dimension."""
    selection = selection_of(asked.monitor, request.after, request.before, request.filter)
    if request.by not in pb.Dimension.values() or not request.by:
        raise ValidationException("by must be a dimension.")
    order = request.order or "page_views"
    if order not in ORDERS:
        raise ValidationException(f"order must be one of {', '.join(ORDERS)}.")
    limit = limit_of(request.max_results, default=_DEFAULT_SEGMENTS)
    offset = offset_of(request.next_token, most=MAX_SEGMENTS)
    found = segments.segments(
        asked.query,
        selection,
        pb.Dimension.Name(request.by).removeprefix("DIMENSION_").lower(),
        order=order,
        offset=offset,
        limit=limit,
        compared=compared_selection(selection, request.compare_after),
    )
    return pb.ListSegmentsResponse(
        segments=found.segments,
        other=found.other,
        next_token=encode_token(offset + limit) if found.has_more else "",
    )
