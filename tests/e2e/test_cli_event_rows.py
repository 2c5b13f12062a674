"""The rows of the events table, for the types of events that browsers send."""

from __future__ import annotations

from typing import Any

import pytest

from rum_cli.event_rows import event_row, full_types, short_type, summary


@pytest.mark.parametrize(
    ("event_type", "details", "expected"),
    [
        ("session_start_event", {"version": "1.0.0"}, ""),
        ("page_view_event", {"pageId": "/cart", "referrer": ""}, "/cart"),
        (
            "page_view_event",
            {"pageId": "/cart", "referrer": "https://a.example/"},
            "/cart from https://a.example/",
        ),
        ("js_error_event", {"type": "TypeError", "message": "x is null"}, "TypeError: x is null"),
        ("js_error_event", {"message": "Script error."}, "Script error."),
        (
            "http_event",
            {"request": {"method": "PUT", "url": "/api/503"}, "response": {"status": 503}},
            "PUT 503 /api/503",
        ),
        (
            "http_event",
            {
                "request": {"method": "GET", "url": "/api/fail"},
                "error": {"type": "XMLHttpRequest error", "message": "0"},
            },
            "GET failed /api/fail XMLHttpRequest error: 0",
        ),
        ("largest_contentful_paint_event", {"value": 2500}, "LCP 2500 ms, good"),
        ("largest_contentful_paint_event", {"value": 2500.5}, "LCP 2500 ms, needs improvement"),
        ("interaction_to_next_paint_event", {"value": 501}, "INP 501 ms, poor"),
        ("cumulative_layout_shift_event", {"value": 0}, "CLS 0, good"),
        ("cumulative_layout_shift_event", {"value": 0.1234}, "CLS 0.12, needs improvement"),
        ("first_contentful_paint_event", {"value": 3001}, "FCP 3001 ms, poor"),
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
            "13 ms stylesheet http://a.example/app.css",
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
    assert expected == summary(f"com.amazon.rum.{event_type}", details)


@pytest.mark.parametrize(
    ("event_type", "details", "expected"),
    [
        ("my.event", {"sku": "A", "qty": 2}, '{"sku": "A", "qty": 2}'),
        ("js_error_event", {"type": "mine"}, '{"type": "mine"}'),
        ("my.event", "plain text", "plain text"),
        ("com.amazon.rum.js_error_event", "not an object", "not an object"),
        ("com.amazon.rum.js_error_event", {"message": {"a": 1}}, '{"a": 1}'),
        ("com.amazon.rum.http_event", {"request": 7}, ""),
        ("com.amazon.rum.largest_contentful_paint_event", {"value": "x"}, '{"value": "x"}'),
        ("com.amazon.rum.largest_contentful_paint_event", {"value": True}, '{"value": true}'),
        ("com.amazon.rum.performance_resource_event", {"duration": None}, ""),
        ("my.event", {"text": "x" * 500}, '{"text": "' + "x" * 189 + "…"),
    ],
)
def test_any_details_have_a_summary_of_at_most_200_characters(
    event_type: str, details: object, expected: str
) -> None:
    assert expected == summary(event_type, details)


def test_a_row_has_time_type_page_session_and_summary() -> None:
    event = {
        "event_timestamp": 1_790_000_000_999,
        "event_type": "com.amazon.rum.page_view_event",
        "metadata": {"pageId": "/a"},
        "sessionId": "7f6bd4b0-5c3e-4a53-9c7e-3a1d2b0c9e11",
        "event_details": {"pageId": "/b"},
    }

    assert event_row(event) == [
        "2026-09-21 14:13:20",
        "page_view_event",
        "/a",
        "7f6bd4b0-5c3e-4a53-9c7e-3a1d2b0c9e11",
        "/b",
    ]
    assert event_row({**event, "metadata": "text"})[2] == ""


def test_a_short_type_matches_aws_types_and_custom_types() -> None:
    assert "com.amazon.rum.js_error_event" in full_types(["js_error"])
    assert "com.amazon.rum.js_error_event" in full_types(["js_error_event"])
    assert "com.amazon.xray_trace_event" in full_types(["xray_trace_event"])
    assert "checkout" in full_types(["checkout"])
    assert full_types(["my.event"]) == ["my.event"]


@pytest.mark.parametrize(
    ("event_type", "expected"),
    [
        ("com.amazon.rum.http_event", "http_event"),
        ("com.amazon.xray_trace_event", "xray_trace_event"),
        ("my.event", "my.event"),
    ],
)
def test_the_prefix_of_aws_types_is_omitted(event_type: str, expected: str) -> None:
    assert expected == short_type(event_type)
