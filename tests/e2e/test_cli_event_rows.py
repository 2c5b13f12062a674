"""The rows of the events table."""

from __future__ import annotations

import pytest

from rum_cli.event_rows import event_row, full_types, short_type


def test_a_row_has_time_type_page_session_and_summary() -> None:
    event = {
        "event_timestamp": 1_790_000_000_999,
        "event_type": "com.amazon.rum.page_view_event",
        "metadata": {"pageId": "/a"},
        "sessionId": "7f6bd4b0-5c3e-4a53-9c7e-3a1d2b0c9e11",
        "event_details": {"pageId": "/b/12"},
    }

    assert event_row(event) == [
        "2026-09-21 14:13:20",
        "page_view_event",
        "/a",
        "7f6bd4b0-5c3e-4a53-9c7e-3a1d2b0c9e11",
        "/b/:id",
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
