"""Answers about what breaks: groups of JavaScript errors, and targets of HTTP requests."""

from __future__ import annotations

__all__ = ["get_error_group", "list_error_groups", "list_http_targets"]

from collections.abc import Collection

from rum.v1 import insight_service_pb2 as pb
from rum_projector.insight.call import Call
from rum_projector.insight.selection import limit_of, offset_of, selection_of
from rum_projector.queries import errors, http, sessions
from rum_service.errors import ResourceNotFoundException, ValidationException
from rum_service.events.stack import stack_frames
from rum_service.page_tokens import encode_token

_DEFAULT_RESULTS = 50
_SAMPLE_SESSIONS = 20
_MAX_MESSAGE = 2000
_MAX_STACK = 20_000


def list_error_groups(call: Call, request: pb.ListErrorGroupsRequest) -> pb.ListErrorGroupsResponse:
    """Return a page of error groups."""
    selection = selection_of(call.monitor, request.after, request.before, request.filter)
    limit = limit_of(request.max_results, default=_DEFAULT_RESULTS)
    offset = offset_of(request.next_token)
    found = errors.groups(
        call.query,
        selection,
        order=_order(request.order, errors.ORDERS),
        offset=offset,
        limit=limit + 1,
    )
    has_more = len(found) > limit
    return pb.ListErrorGroupsResponse(
        groups=found[:limit], next_token=encode_token(offset + limit) if has_more else ""
    )


def get_error_group(call: Call, request: pb.GetErrorGroupRequest) -> pb.GetErrorGroupResponse:
    """Return one error group, with the latest error and whom it affects."""
    selection = selection_of(call.monitor, request.after, request.before, request.filter)
    group = errors.group(call.query, selection, request.fingerprint)
    if group is None:
        raise ResourceNotFoundException("The selection has no error with this fingerprint.")
    ids = errors.sessions_with(call.query, selection, request.fingerprint, limit=_SAMPLE_SESSIONS)
    found = sessions.summaries(call.query, call.monitor, ids)
    response = pb.GetErrorGroupResponse(
        group=group,
        shares=errors.shares(call.query, selection, request.fingerprint),
        sample_sessions=[found[session] for session in ids if session in found],
    )
    _add_latest(call, response, errors.latest_error(call.query, selection, request.fingerprint))
    return response


def _add_latest(
    call: Call, response: pb.GetErrorGroupResponse, latest: tuple[int, int, str] | None
) -> None:
    """Add the message and the stack, which only the log has."""
    if latest is None:
        return
    sequence, position, response.release = latest
    logged = call.documents.event(sequence, position)
    if logged is None:
        return
    details = logged.details()
    message, stack = details.get("message"), details.get("stack")
    if isinstance(message, str):
        response.message = _printable(message[:_MAX_MESSAGE])
    if isinstance(stack, str):
        response.stack = _printable(stack[:_MAX_STACK])
        response.frames.extend(
            pb.StackFrame(
                function=frame.function, url=frame.url, line=frame.line, column=frame.column
            )
            for frame in stack_frames(response.stack)
        )


def list_http_targets(call: Call, request: pb.ListHttpTargetsRequest) -> pb.ListHttpTargetsResponse:
    """Return a page of HTTP targets."""
    selection = selection_of(call.monitor, request.after, request.before, request.filter)
    limit = limit_of(request.max_results, default=_DEFAULT_RESULTS)
    offset = offset_of(request.next_token)
    found = http.targets(
        call.query,
        selection,
        order=_order(request.order, http.ORDERS),
        offset=offset,
        limit=limit + 1,
    )
    has_more = len(found) > limit
    return pb.ListHttpTargetsResponse(
        targets=found[:limit], next_token=encode_token(offset + limit) if has_more else ""
    )


def _order(order: str, orders: Collection[str]) -> str:
    """Return the requested order's name. The first is the default. Raises ValidationException."""
    if order and order not in orders:
        raise ValidationException(f"order must be one of {', '.join(orders)}.")
    return order or next(iter(orders))


def _printable(text: str) -> str:
    """Replace lone surrogates, which JSON may contain and protobuf rejects."""
    return text.encode(errors="replace").decode()
