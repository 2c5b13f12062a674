"""Answers that consist of measures: overview, segments, pages and current values."""

from __future__ import annotations

__all__ = ["get_overview", "get_page_details", "list_current_values", "list_segments"]

from rum.v1 import insight_service_pb2 as pb
from rum_projector.insight.call import Call
from rum_projector.insight.selection import (
    choose_step,
    distributions_of,
    limit_of,
    offset_of,
    selection_of,
)
from rum_projector.queries import overview, pages, segments
from rum_projector.queries.measures import empty, measures
from rum_projector.queries.segments import MAX_SEGMENTS, ORDERS
from rum_service.errors import ValidationException
from rum_service.events.measures import Kind
from rum_service.page_tokens import decode_token, encode_token

_DEFAULT_SEGMENTS = 50
_DEFAULT_MINUTES = 5
_MAX_MINUTES = 60
_DEFAULT_MONITORS = 100
_MAX_MONITORS = 1000
# Without their prefix, as in a GET's query.
_DIMENSIONS = {
    number: name.removeprefix("DIMENSION_").lower()
    for name, number in pb.Dimension.items()
    if number
}
# In the order of NAVIGATION_PARTS, LCP_PARTS and INP_PARTS in rum_service.events.measures.
_NAVIGATION_PHASES = (
    "DNS",
    "Connect",
    "TLS",
    "Time to first byte",
    "Response",
    "DOM processing",
    "Load event",
)
_LCP_PHASES = ("Time to first byte", "Load delay", "Load time", "Render delay")
_INP_PHASES = ("Input delay", "Processing", "Presentation delay")


def get_overview(call: Call, request: pb.GetOverviewRequest) -> pb.GetOverviewResponse:
    """Return measures in total and over time."""
    selection = selection_of(call.monitor, request.after, request.before, request.filter)
    compared = call.compared(selection, request.compare_after)
    members = distributions_of(request.distribution)
    step_ms = choose_step(request.step_ms, selection.length_ms)
    # Steps start at whole hours and the like. Those of the other range start as much before it.
    into_step_ms = selection.after_ms % step_ms
    response = pb.GetOverviewResponse(
        total=measures(call.query, selection, members),
        series=overview.series(
            call.query, selection, first_ms=selection.after_ms - into_step_ms, step_ms=step_ms
        ),
    )
    if compared:
        response.compared_total.CopyFrom(measures(call.query, compared, members))
        first_ms = compared.after_ms - into_step_ms
        response.compared_series.CopyFrom(
            overview.series(call.query, compared, first_ms=first_ms, step_ms=step_ms)
        )
    return response


def list_segments(call: Call, request: pb.ListSegmentsRequest) -> pb.ListSegmentsResponse:
    """Return the measures for each value of the dimension."""
    selection = selection_of(call.monitor, request.after, request.before, request.filter)
    if request.by not in _DIMENSIONS:
        raise ValidationException(f"by must be one of {', '.join(_DIMENSIONS.values())}.")
    order = request.order or "page_views"
    if order not in ORDERS:
        raise ValidationException(f"order must be one of {', '.join(ORDERS)}.")
    limit = limit_of(request.max_results, default=_DEFAULT_SEGMENTS)
    offset = offset_of(request.next_token, most=MAX_SEGMENTS)
    found = segments.segments(
        call.query,
        selection,
        _DIMENSIONS[request.by],
        order=order,
        offset=offset,
        limit=limit,
        compared=call.compared(selection, request.compare_after),
        members=distributions_of(request.distribution),
    )
    return pb.ListSegmentsResponse(
        segments=found.segments,
        other=found.other,
        next_token=encode_token(offset + limit) if found.has_more else "",
    )


def get_page_details(call: Call, request: pb.GetPageDetailsRequest) -> pb.GetPageDetailsResponse:
    """Return what makes the selected pages slow."""
    selection = selection_of(call.monitor, request.after, request.before, request.filter)
    query = call.query
    members = distributions_of(request.distribution)
    return pb.GetPageDetailsResponse(
        measures=measures(query, selection, members),
        navigation_phases=pages.phases(query, selection, Kind.NAVIGATION, _NAVIGATION_PHASES),
        lcp_phases=pages.phases(query, selection, Kind.LCP, _LCP_PHASES),
        inp_phases=pages.phases(query, selection, Kind.INP, _INP_PHASES),
        attributions=pages.attributions(query, selection),
        resources=pages.resources(query, selection),
    )


def list_current_values(
    call: Call, request: pb.ListCurrentValuesRequest
) -> pb.ListCurrentValuesResponse:
    """Return the measures of one page of app monitors in the last minutes."""
    minutes = request.minutes or _DEFAULT_MINUTES
    if not 1 <= minutes <= _MAX_MINUTES:
        raise ValidationException(f"minutes must be from 1 to {_MAX_MINUTES}.")
    limit = limit_of(request.max_results, default=_DEFAULT_MONITORS, most=_MAX_MONITORS)
    (after,) = decode_token("nextToken", request.next_token, str) if request.next_token else ("",)
    listed = call.store.monitors.list(after=after, limit=limit + 1)
    found = overview.current_values(
        call.query, after_ms=call.now_ms - minutes * 60_000, before_ms=call.now_ms + 1
    )
    return pb.ListCurrentValuesResponse(
        values=[
            pb.CurrentValues(app_monitor=m.name, measures=found.get(m.key) or empty())
            for m in listed[:limit]
        ],
        next_token=encode_token(listed[limit - 1].name) if len(listed) > limit else "",
    )
