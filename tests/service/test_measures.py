from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rum_service.events.measures import Kind, Measure, kind_of, measure
from rum_service.events.thresholds import WEB_VITALS
from tests.support import traffic


def _captured() -> list[tuple[Kind, dict[str, object]]]:
    return [
        (kind_of(event["type"]), json.loads(event["details"]))
        for name in traffic.NAMES
        if name.startswith("web")
        for request in traffic.load(name)
        for event in (request.document or {}).get("RumEvents", [])
    ]


def test_every_captured_type_of_aws_has_a_kind() -> None:
    kinds = {kind for kind, _ in _captured()}

    missing = {Kind.XRAY_TRACE, Kind.PAGE_CLOSE, Kind.TIME_TO_INTERACTIVE}
    assert kinds == set(Kind) - missing


def test_custom_and_unknown_types_are_other() -> None:
    assert kind_of("shop.add_to_cart") is Kind.OTHER
    assert kind_of("com.amazon.rum.new_event") is Kind.OTHER


@pytest.mark.parametrize("kind", [*WEB_VITALS, Kind.NAVIGATION, Kind.RESOURCE])
def test_every_captured_event_that_measures_has_a_value(kind: Kind) -> None:
    values = [measure(kind, details).value for found, details in _captured() if found is kind]

    assert values
    assert None not in values


def test_a_navigation_has_its_parts() -> None:
    details = {
        "initiatorType": "navigation",
        "duration": 224.2,
        "dns": 1,
        "connect": 2,
        "tlsTime": 3,
        "timeToFirstByte": 4,
        "responseTime": 5,
        "domProcessingTime": 6,
        "loadEventTime": 7,
    }

    assert measure(Kind.NAVIGATION, details) == Measure(
        value=224.2, name="navigation", parts=(1, 2, 3, 4, 5, 6, 7)
    )


def test_a_route_change_has_no_parts() -> None:
    details = {"initiatorType": "route_change", "duration": 12, "startTime": 5}

    assert measure(Kind.NAVIGATION, details) == Measure(value=12, name="route_change")


def test_a_resource_has_type_size_and_pattern() -> None:
    details = {
        "duration": 9,
        "fileType": "image",
        "transferSize": 3849,
        "targetUrl": "http://cdn.example/img/hero-66911.svg",
    }

    assert measure(Kind.RESOURCE, details, "shop.example") == Measure(
        value=9, name="image", size=3849, detail="cdn.example/img/hero-:id.svg"
    )


def test_web_vitals_have_element_and_parts() -> None:
    lcp = {
        "value": 152,
        "attribution": {
            "element": "#hero",
            "timeToFirstByte": 1,
            "resourceLoadDelay": 2,
            "resourceLoadTime": 3,
            "elementRenderDelay": 4,
        },
    }
    inp = {"value": 208, "attribution": {"interactionTarget": "#buy", "inputDelay": 2.5}}
    cls = {"value": 0.02, "attribution": {"largestShiftTarget": "#main>p"}}

    assert measure(Kind.LCP, lcp) == Measure(value=152, detail="#hero", parts=(1, 2, 3, 4))
    assert measure(Kind.INP, inp) == Measure(value=208, detail="#buy", parts=(2.5, 0, 0))
    assert measure(Kind.CLS, cls) == Measure(value=0.02, detail="#main>p")


def test_a_request_has_method_pattern_and_status() -> None:
    details = {
        "request": {"method": "PUT", "url": "http://shop.example:8000/api/9?x"},
        "response": {"status": 503},
    }

    assert measure(Kind.HTTP, details, "shop.example") == Measure(name="PUT /api/:id", status=503)


def test_a_request_without_a_response_has_status_0() -> None:
    details = {"request": {"method": "GET", "url": "/api"}, "error": {"type": "AbortError"}}

    assert measure(Kind.HTTP, details) == Measure(name="GET /api", status=0)


def test_a_response_that_the_browser_hides_has_no_status() -> None:
    details = {"request": {"method": "GET", "url": "/api"}, "response": {"status": 0}}

    assert measure(Kind.HTTP, details) == Measure(name="GET /api", status=None)
    assert measure(Kind.HTTP, {**details, "error": {}}) == Measure(name="GET /api", status=0)


def test_an_error_has_fingerprint_title_and_top_frame() -> None:
    details = {
        "type": "TypeError",
        "message": "x is null",
        "stack": "TypeError: x is null\n    at Cart.add (https://a.example/app.js:1:2)",
    }
    found = measure(Kind.JS_ERROR, details)

    assert (found.message, found.detail) == ("TypeError: x is null", "app.js:add")
    assert found.name is not None
    assert len(found.name) == 16


def test_a_page_view_has_its_id() -> None:
    details = {"pageId": "/a", "pageInteractionId": "/a-2"}

    assert measure(Kind.PAGE_VIEW, details) == Measure(page_view="/a-2")


def test_a_dom_event_has_event_and_element() -> None:
    details = {"event": "click", "element": "A", "interactionId": "nav"}

    assert measure(Kind.DOM, details) == Measure(name="click", detail="A nav")


@pytest.mark.parametrize("value", [-1, "5", True, None, float("nan"), float("inf"), 10**400, []])
def test_a_value_that_is_no_duration_is_left_out(value: object) -> None:
    assert measure(Kind.LCP, {"value": value}).value is None


_NAMES = [
    "value",
    "duration",
    "attribution",
    "element",
    "request",
    "response",
    "url",
    "method",
    "status",
    "message",
    "stack",
    "transferSize",
    "targetUrl",
    "event",
    "pageInteractionId",
]
_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=5)
    ),
    max_leaves=12,
)


@given(st.sampled_from(Kind), _JSON)
def test_any_details_can_be_measured_and_stored(kind: Kind, details: object) -> None:
    found = measure(kind, details, "shop.example")

    assert found.value is None or 0 <= found.value <= 1e12
    assert found.status is None or 0 <= found.status <= 999
    for text in (found.name, found.message, found.detail, found.page_view):
        assert text is None or len(text.encode()) <= 4 * 300
