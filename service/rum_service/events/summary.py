"""An event in one line, for lists of events. Pure.

Source: the event schemas of aws-rum-web.
"""

from __future__ import annotations

__all__ = ["rating", "summary"]

import json
from collections.abc import Callable, Mapping
from typing import TypeGuard

from rum_service.events.fingerprint import error_title
from rum_service.events.json_text import JsonObject, object_in, text_in
from rum_service.events.measures import Kind, is_hidden_response, kind_of
from rum_service.events.routes import method_and_url, page_pattern, url_pattern
from rum_service.events.text import clean
from rum_service.events.thresholds import WEB_VITALS
from rum_service.events.traces import traced_request

_Summarize = Callable[[JsonObject, str], str]

_MAX_SUMMARY = 200
# Python cannot format larger integers as a float. Infinity and NaN are above it, too.
_MAX_NUMBER = 1e12


def summary(event_type: str, details: object, page_host: str = "") -> str:
    """Return an event's main content in at most 200 characters, without its type.

    Args:
        page_host: the host of the page, without its port. URLs with another host keep theirs.
    """
    summarize = _SUMMARIES.get(kind_of(event_type))
    if summarize is not None and isinstance(details, dict):
        return clean(summarize(details, page_host), _MAX_SUMMARY)
    return clean(_text(details), _MAX_SUMMARY)


def rating(event_type: str, details: object) -> str:
    """Return good, needs_improvement or poor for web vitals, and failed for errors.

    A request without a response, or with a status from 400 up, has failed. Empty for other events.
    """
    kind = kind_of(event_type)
    if not isinstance(details, dict):
        return ""
    if kind in WEB_VITALS:
        value = details.get("value")
        return _vital_rating(kind, value) if _is_number(value) else ""
    status = object_in(details, "response").get("status")
    is_passed = (_is_number(status) and 0 < status < 400) or is_hidden_response(details)
    failed = kind is Kind.HTTP and not is_passed
    return "failed" if failed or kind is Kind.JS_ERROR else ""


def _vital_rating(kind: Kind, value: float) -> str:
    good, poor = WEB_VITALS[kind]
    return "good" if value <= good else "needs_improvement" if value <= poor else "poor"


def _page_view(details: JsonObject, page_host: str) -> str:
    page = page_pattern(text_in(details, "pageId"))
    referrer = url_pattern(text_in(details, "referrer"), page_host)
    return _joined(page, referrer and f"from {referrer}")


def _js_error(details: JsonObject, _: str) -> str:
    return error_title(_text(details.get("type")), _text(details.get("message")))


def _http(details: JsonObject, page_host: str) -> str:
    request, response = object_in(details, "request"), object_in(details, "response")
    if not request:
        return ""
    error = object_in(details, "error")
    target = method_and_url(text_in(request, "method"), text_in(request, "url"), page_host)
    status = _text(response.get("status")) or ("failed" if error else "")
    if is_hidden_response(details):
        status = "response hidden"
    return _joined(target, status, "" if response else _js_error(error, ""))


def _trace(details: JsonObject, page_host: str) -> str:
    target, status, duration = traced_request(details, page_host)
    if target is None:
        return _text(details.get("name"))
    return _joined(target, status, "" if duration is None else _duration(duration))


def _vital(kind: Kind) -> _Summarize:
    def summarize(details: JsonObject, _: str) -> str:
        value = details.get("value")
        if not _is_number(value):
            return _as_json(details)
        shown = _rounded(value) if kind is Kind.CLS else _duration(value)
        return f"{kind.name} {shown}, {_vital_rating(kind, value).replace('_', ' ')}"

    return summarize


def _navigation(details: JsonObject, _: str) -> str:
    return _joined(_milliseconds(details), details.get("initiatorType"))


def _resource(details: JsonObject, page_host: str) -> str:
    url = url_pattern(text_in(details, "targetUrl"), page_host)
    return _joined(_milliseconds(details), details.get("fileType"), url)


def _dom(details: JsonObject, _: str) -> str:
    names = ("interactionId", "elementId", "cssLocator")
    target = next((details[name] for name in names if details.get(name)), None)
    return _joined(details.get("event"), details.get("element"), target)


def _replay(details: JsonObject, _: str) -> str:
    events = details.get("events")
    count = details.get("eventCount", len(events) if isinstance(events, list) else None)
    return f"{_text(count)} recorded events"


_SUMMARIES: Mapping[Kind, _Summarize] = {
    Kind.SESSION_START: lambda _details, _host: "",
    Kind.PAGE_VIEW: _page_view,
    Kind.NAVIGATION: _navigation,
    Kind.RESOURCE: _resource,
    Kind.JS_ERROR: _js_error,
    Kind.HTTP: _http,
    Kind.DOM: _dom,
    Kind.REPLAY: _replay,
    Kind.XRAY_TRACE: _trace,
    **{kind: _vital(kind) for kind in WEB_VITALS},
}


def _is_number(value: object) -> TypeGuard[float]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= _MAX_NUMBER


def _milliseconds(details: JsonObject) -> str:
    duration = details.get("duration")
    return _duration(duration) if _is_number(duration) else ""


def _duration(milliseconds: float) -> str:
    """Return a duration as people read it: 2.6 s, 240 ms, 4.6 ms."""
    if milliseconds >= 999.5:
        return f"{milliseconds / 1000:.1f} s"
    return f"{_rounded(milliseconds)} ms"


def _rounded(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.2f}".rstrip("0").rstrip(".")


def _joined(*values: object) -> str:
    return " ".join(filter(None, map(_text, values)))


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else _as_json(value)


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
