"""What an event measures: its kind, its value, and what belongs to it. Pure.

Durations are in milliseconds. Cumulative layout shift has no unit.
Source: the event schemas of aws-rum-web.
"""

from __future__ import annotations

__all__ = ["Kind", "Measure", "is_hidden_response", "kind_of", "measure"]

from collections.abc import Callable
from enum import IntEnum
from functools import partial
from typing import NamedTuple

from rum_service.events.fingerprint import error_fingerprint, error_title, frame_label
from rum_service.events.json_text import JsonObject, object_in, text_in
from rum_service.events.routes import MAX_PATTERN, method_and_url, url_pattern
from rum_service.events.text import clean
from rum_service.events.traces import traced_request

# Clients may send any number. Larger ones are errors, and would spoil every mean.
_MAX_VALUE = 1e12
_MAX_STATUS = 999
_MAX_NAME = 64
_MAX_DETAIL = 200


class Kind(IntEnum):
    """The kinds of events. Projections store the number, so a number never changes its meaning."""

    OTHER = 0
    """A custom event, or a type that is not known here."""
    SESSION_START = 1
    PAGE_VIEW = 2
    NAVIGATION = 3
    RESOURCE = 4
    LCP = 5
    FID = 6
    INP = 7
    CLS = 8
    FCP = 9
    TTFB = 10
    JS_ERROR = 11
    HTTP = 12
    DOM = 13
    REPLAY = 14
    XRAY_TRACE = 15
    PAGE_CLOSE = 16
    TIME_TO_INTERACTIVE = 17


_OTHER = Kind.OTHER
_RUM = "com.amazon.rum."
_KINDS = {
    f"{_RUM}session_start_event": Kind.SESSION_START,
    f"{_RUM}page_view_event": Kind.PAGE_VIEW,
    f"{_RUM}performance_navigation_event": Kind.NAVIGATION,
    f"{_RUM}performance_resource_event": Kind.RESOURCE,
    f"{_RUM}largest_contentful_paint_event": Kind.LCP,
    f"{_RUM}first_input_delay_event": Kind.FID,
    f"{_RUM}interaction_to_next_paint_event": Kind.INP,
    f"{_RUM}cumulative_layout_shift_event": Kind.CLS,
    f"{_RUM}first_contentful_paint_event": Kind.FCP,
    f"{_RUM}time_to_first_byte_event": Kind.TTFB,
    f"{_RUM}js_error_event": Kind.JS_ERROR,
    f"{_RUM}http_event": Kind.HTTP,
    f"{_RUM}dom_event": Kind.DOM,
    f"{_RUM}rrweb_event": Kind.REPLAY,
    f"{_RUM}xray_trace_event": Kind.XRAY_TRACE,
    "com.amazon.xray_trace_event": Kind.XRAY_TRACE,
    f"{_RUM}page_close_event": Kind.PAGE_CLOSE,
    f"{_RUM}time_to_interactive_event": Kind.TIME_TO_INTERACTIVE,
}


class Measure(NamedTuple):
    """The event content that projections store. A member is None if the event lacks it."""

    value: float | None = None
    name: str | None = None
    """What events of a kind are grouped by: method and URL, error fingerprint, file type, ..."""
    status: int | None = None
    """The HTTP status, or 0 if there was no response."""
    size: int | None = None
    """The bytes that a resource transferred."""
    message: str | None = None
    """The title of a JavaScript error."""
    detail: str | None = None
    """The element, the URL pattern of a resource, or the top frame of an error."""
    parts: tuple[float, ...] | None = None
    """What a duration consists of: see `NAVIGATION_PARTS` and the like."""
    page_view: str | None = None
    """The ID of a page view within its session."""


# Creates a Measure from the values of all members.
_new_measure: Callable[[tuple[object, ...]], Measure] = partial(tuple.__new__, Measure)

NAVIGATION_PARTS = (
    "dns",
    "connect",
    "tlsTime",
    "timeToFirstByte",
    "responseTime",
    "domProcessingTime",
    "loadEventTime",
)
LCP_PARTS = ("timeToFirstByte", "resourceLoadDelay", "resourceLoadTime", "elementRenderDelay")
INP_PARTS = ("inputDelay", "processingDuration", "presentationDelay")


def kind_of(event_type: str) -> Kind:
    """Return the kind that an event type belongs to."""
    return _KINDS.get(event_type, _OTHER)


def measure(kind: Kind, details: object, page_host: str = "") -> Measure:
    """Return what an event measures.

    Args:
        details: the event's details, parsed.
        page_host: the host of the page, without its port. URLs with another host keep theirs.
    """
    read = _READERS[kind]
    return read(details, page_host) if read is not None and isinstance(details, dict) else _EMPTY


def _page_view(details: JsonObject, _: str) -> Measure:
    return Measure(page_view=_text(details, "pageInteractionId", MAX_PATTERN))


def _navigation(details: JsonObject, _: str) -> Measure:
    return Measure(
        value=_number(details.get("duration")),
        name=_text(details, "initiatorType"),
        parts=_parts(details, NAVIGATION_PARTS),
    )


def _resource(details: JsonObject, page_host: str) -> Measure:
    get = details.get
    duration, size, url = get("duration"), get("transferSize"), get("targetUrl")
    # Most events are resources: without some calls, they take two thirds of the time.
    if type(duration) is not float or not 0 <= duration <= _MAX_VALUE:
        duration = _number(duration)
    if type(size) is not int or not 0 <= size <= _MAX_VALUE:
        size = None if (number := _number(size)) is None else int(number)
    return _new_measure(
        (
            duration,
            clean(get("fileType"), _MAX_NAME) or None,
            None,
            size,
            None,
            (url_pattern(url, page_host) or None) if isinstance(url, str) else None,
            None,
            None,
        )
    )


def _vital(target: str, parts: tuple[str, ...] = ()) -> Callable[[JsonObject, str], Measure]:
    def read(details: JsonObject, _: str) -> Measure:
        attribution = object_in(details, "attribution")
        return Measure(
            value=_number(details.get("value")),
            detail=_text(attribution, target, _MAX_DETAIL) if target else None,
            parts=_parts(attribution, parts) if parts else None,
        )

    return read


def _js_error(details: JsonObject, _: str) -> Measure:
    error = [text_in(details, name) for name in ("type", "message", "stack", "filename")]
    return Measure(
        name=error_fingerprint(*error),
        message=error_title(error[0], error[1]) or None,
        detail=clean(frame_label(error[2], error[3]), _MAX_DETAIL) or None,
    )


def _http(details: JsonObject, page_host: str) -> Measure:
    request, response = object_in(details, "request"), object_in(details, "response")
    status = None if is_hidden_response(details) else _status(response.get("status"))
    return Measure(
        value=_number(details.get("duration")),
        name=method_and_url(text_in(request, "method"), text_in(request, "url"), page_host),
        status=status,
    )


def is_hidden_response(details: JsonObject) -> bool:
    """Return whether there was a response that the browser hides from the page.

    That is so for `fetch` with `mode: "no-cors"`, which analytics scripts use. Then aws-rum-web has
    the status 0, and no error.
    """
    return object_in(details, "response").get("status") == 0 and "error" not in details


def _status(value: object) -> int:
    status = _number(value)
    return int(status) if status is not None and status <= _MAX_STATUS else 0


def _trace(details: JsonObject, page_host: str) -> Measure:
    target, _, duration = traced_request(details, page_host)
    return Measure(value=duration, name=target)


def _dom(details: JsonObject, _: str) -> Measure:
    targets = (details.get(name) for name in ("interactionId", "elementId", "cssLocator"))
    words = (details.get("element"), next(filter(None, targets), None))
    detail = " ".join(word for word in words if isinstance(word, str))
    return Measure(name=_text(details, "event"), detail=clean(detail, _MAX_DETAIL) or None)


_EMPTY = Measure()
_READERS_BY_KIND: dict[Kind, Callable[[JsonObject, str], Measure]] = {
    Kind.PAGE_VIEW: _page_view,
    Kind.NAVIGATION: _navigation,
    Kind.RESOURCE: _resource,
    Kind.LCP: _vital("element", LCP_PARTS),
    Kind.FID: _vital("eventTarget"),
    Kind.INP: _vital("interactionTarget", INP_PARTS),
    Kind.CLS: _vital("largestShiftTarget"),
    Kind.FCP: _vital(""),
    Kind.TTFB: _vital(""),
    Kind.TIME_TO_INTERACTIVE: _vital(""),
    Kind.JS_ERROR: _js_error,
    Kind.HTTP: _http,
    Kind.XRAY_TRACE: _trace,
    Kind.DOM: _dom,
    Kind.PAGE_CLOSE: lambda details, _: Measure(value=_number(details.get("duration"))),
}
# A list, because hashing an enum member calls a Python function.
_READERS = [_READERS_BY_KIND.get(kind) for kind in Kind]


def _number(value: object) -> float | None:
    # NaN compares as false.
    if type(value) in (float, int) and 0 <= value <= _MAX_VALUE:  # type: ignore[operator]
        return float(value)  # type: ignore[arg-type]
    return None


def _parts(details: JsonObject, names: tuple[str, ...]) -> tuple[float, ...] | None:
    """Return the parts in order, 0 for each that is missing. None if all are missing."""
    parts = [_number(details.get(name)) for name in names]
    if not any(part is not None for part in parts):
        return None
    return tuple(part or 0.0 for part in parts)


def _text(details: JsonObject, name: str, limit: int = _MAX_NAME) -> str | None:
    return clean(details.get(name), limit) or None
