"""Events in one line, for the types of events that browsers send."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rum_service.events.measures import Kind, kind_of
from rum_service.events.summary import rating, summary
from tests.support import traffic


@pytest.mark.parametrize(
    ("event_type", "details", "expected"),
    [
        ("session_start_event", {"version": "1.0.0"}, ""),
        ("page_view_event", {"pageId": "/product/12", "referrer": ""}, "/product/:id"),
        (
            "page_view_event",
            {"pageId": "/cart", "referrer": "https://a.example/?q=me"},
            "/cart from a.example/",
        ),
        (
            "page_view_event",
            {"pageId": "/cart", "referrer": "https://shop.example/product/12"},
            "/cart from /product/:id",
        ),
        ("js_error_event", {"type": "TypeError", "message": "x is null"}, "TypeError: x is null"),
        ("js_error_event", {"message": "Script error."}, "Script error."),
        (
            "http_event",
            {"request": {"method": "PUT", "url": "/api/cart/7?x"}, "response": {"status": 503}},
            "PUT /api/cart/:id 503",
        ),
        (
            "http_event",
            {"request": {"method": "GET", "url": "http://shop.example:8000/api"}},
            "GET /api",
        ),
        (
            "http_event",
            {"request": {"method": "GET", "url": "/pixel"}, "response": {"status": 0}},
            "GET /pixel response hidden",
        ),
        (
            "http_event",
            {
                "request": {"method": "GET", "url": "/api/fail"},
                "error": {"type": "XMLHttpRequest error", "message": "0"},
            },
            "GET /api/fail failed XMLHttpRequest error: 0",
        ),
        ("largest_contentful_paint_event", {"value": 2500}, "LCP 2.5 s, good"),
        ("largest_contentful_paint_event", {"value": 2640}, "LCP 2.6 s, needs improvement"),
        ("interaction_to_next_paint_event", {"value": 501}, "INP 501 ms, poor"),
        ("cumulative_layout_shift_event", {"value": 0}, "CLS 0, good"),
        ("cumulative_layout_shift_event", {"value": 0.1234}, "CLS 0.12, needs improvement"),
        ("first_contentful_paint_event", {"value": 999.4}, "FCP 999 ms, good"),
        ("first_contentful_paint_event", {"value": 999.6}, "FCP 1.0 s, good"),
        ("first_input_delay_event", {"value": 0.6000000000931323}, "FID 0.6 ms, good"),
        ("time_to_first_byte_event", {"value": 4.600000000093132}, "TTFB 4.6 ms, good"),
        (
            "performance_navigation_event",
            {"initiatorType": "navigation", "duration": 171.04},
            "171 ms navigation",
        ),
        (
            "performance_resource_event",
            {"fileType": "stylesheet", "duration": 13.3, "targetUrl": "http://a.example/app.css"},
            "13 ms stylesheet a.example/app.css",
        ),
        (
            "dom_event",
            {"event": "click", "element": "A", "interactionId": "nav--cart"},
            "click A nav--cart",
        ),
        ("rrweb_event", {"events": [{}, {}, {}]}, "3 recorded events"),
        ("rrweb_event", {"events": [{}], "eventCount": 1}, "1 recorded events"),
    ],
)
def test_the_summary_shows_the_important_members_of_a_type(
    event_type: str, details: dict[str, Any], expected: str
) -> None:
    assert summary(f"com.amazon.rum.{event_type}", details, "shop.example") == expected


@pytest.mark.parametrize(
    ("event_type", "details", "expected"),
    [
        ("my.event", {"sku": "A", "qty": 2}, '{"sku": "A", "qty": 2}'),
        ("js_error_event", {"type": "mine"}, '{"type": "mine"}'),
        ("my.event", "plain\ntext", "plain text"),
        ("com.amazon.rum.js_error_event", "not an object", "not an object"),
        ("com.amazon.rum.js_error_event", {"message": {"a": 1}}, '{"a": 1}'),
        ("com.amazon.rum.http_event", {"request": 7}, ""),
        ("com.amazon.rum.largest_contentful_paint_event", {"value": "x"}, '{"value": "x"}'),
        ("com.amazon.rum.largest_contentful_paint_event", {"value": True}, '{"value": true}'),
        ("com.amazon.rum.performance_resource_event", {"duration": None}, ""),
        ("com.amazon.rum.performance_resource_event", {"duration": 10**400}, ""),
        ("my.event", {"text": "x" * 500}, '{"text": "' + "x" * 189 + "…"),
    ],
)
def test_any_details_have_a_summary_of_at_most_200_characters(
    event_type: str, details: object, expected: str
) -> None:
    assert summary(event_type, details) == expected


@pytest.mark.parametrize(
    ("event_type", "details", "expected"),
    [
        ("largest_contentful_paint_event", {"value": 2500}, "good"),
        ("largest_contentful_paint_event", {"value": 2501}, "needs_improvement"),
        ("cumulative_layout_shift_event", {"value": 0.26}, "poor"),
        ("cumulative_layout_shift_event", {}, ""),
        ("http_event", {"response": {"status": 399}}, ""),
        ("http_event", {"response": {"status": 400}}, "failed"),
        ("http_event", {"response": {"status": 0}}, ""),
        ("http_event", {"response": {"status": 0}, "error": {}}, "failed"),
        ("http_event", {"response": {"status": "0"}}, "failed"),
        ("http_event", {"error": {}}, "failed"),
        ("js_error_event", {}, "failed"),
        ("js_error_event", "text", ""),
        ("page_view_event", {}, ""),
    ],
)
def test_the_rating_tells_slow_and_failed_events(
    event_type: str, details: object, expected: str
) -> None:
    assert rating(f"com.amazon.rum.{event_type}", details) == expected


def test_captured_events_have_summaries_without_addresses_of_their_own_site() -> None:
    shown: dict[Kind, set[str]] = {}
    for name in traffic.NAMES:
        for request in traffic.load(name) if name.startswith("web") else []:
            for event in (request.document or {}).get("RumEvents", []):
                details = json.loads(event["details"])
                text = summary(event["type"], details, "localhost")
                shown.setdefault(kind_of(event["type"]), set()).add(text)

    assert "GET /api/list 200" in shown[Kind.HTTP]
    assert "/spa/item/:id" in shown[Kind.PAGE_VIEW]
    empty = {kind for kind, texts in shown.items() if "" in texts}
    assert empty == {Kind.SESSION_START}


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["value", "duration", "request", "response", "url", "message"]), inner
        )
    ),
    max_leaves=8,
)


@given(
    st.sampled_from(
        ["x", *(f"com.amazon.rum.{t}_event" for t in ("http", "js_error", "page_view", "dom"))]
    ),
    _JSON,
)
def test_any_json_has_a_summary_that_can_be_shown(event_type: str, details: object) -> None:
    text = summary(event_type, details)

    assert len(text) <= 200
    assert "\n" not in text
    text.encode()
    rating(event_type, details)
