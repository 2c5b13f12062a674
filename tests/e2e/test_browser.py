"""aws-rum-web in a real Chromium, on a site of another origin than the data plane.

The tests compare each member of each stored event with the requests of the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.sent import Traffic, comparable, expected_events
from tests.e2e.stored import stored_events
from tests.support.running import OpenRum, wait_until
from tests.tools.chromium import Browser, Page
from tests.tools.rum_page import VERSION, RumPage, demo_site
from tests.tools.toolbox import tools_needed

_VERSIONS = [VERSION, "2.1.0", "1.25.0"]
_NEVER_MS = 600_000


@contextmanager
def _site(
    server: OpenRum, *, version: str = VERSION, prefix: str = "", **settings: object
) -> Iterator[str]:
    """Run a site that sends events to `server`, by default on demand or when it is left."""
    settings = {"dispatchInterval": _NEVER_MS, **settings}
    endpoint = server.url + prefix
    with tools_needed(), demo_site(endpoint, server.monitor_id(), settings, version=version) as url:
        yield url


def _of_session(server: OpenRum, traffic: Traffic) -> list[dict[str, Any]]:
    """Return the stored events of the page's sessions."""
    sessions = {batch["UserDetails"]["sessionId"] for batch in traffic.batches()}
    return [event for event in stored_events(server.grpc) if event["sessionId"] in sessions]


def _types(events: list[dict[str, Any]]) -> list[str]:
    return [event["event_type"].removeprefix("com.amazon.rum.") for event in events]


def _details(events: list[dict[str, Any]], kind: str) -> list[Any]:
    return [e["event_details"] for e in events if e["event_type"].endswith(kind)]


@pytest.mark.parametrize("version", _VERSIONS)
def test_everything_a_page_records_is_stored_once(
    openrum: OpenRum, page: Page, version: str
) -> None:
    traffic = Traffic(page)
    with _site(openrum, version=version) as url:
        visitor = RumPage(page, url)
        visitor.view("/checkout")
        visitor.throw("out of stock")
        statuses = [visitor.fetch("/status/200"), visitor.fetch("/status/503")]
        visitor.record("cart_filled", {"items": 3, "note": "日本 🛒" * 500})
        visitor.dispatch()
        wait_until(lambda: "cart_filled" in _types(_of_session(openrum, traffic)))
        visitor.record("cart_left", {"items": 2})
        visitor.leave()
        wait_until(lambda: "cart_left" in _types(_of_session(openrum, traffic)))
        sent = traffic.batches()
        events = _of_session(openrum, traffic)

    assert expected_events(openrum.monitor_id(), sent) == comparable(events)
    kinds = _types(events)
    assert {"session_start_event", "performance_navigation_event"} <= set(kinds)
    assert [kinds.count(k) for k in ("session_start_event", "cart_filled", "cart_left")] == [
        1,
        1,
        1,
    ]
    assert [d["pageId"] for d in _details(events, "page_view_event")] == ["/", "/checkout"]
    assert [d["message"] for d in _details(events, "js_error_event")] == ["out of stock"]
    assert statuses == [d["response"]["status"] for d in _details(events, "http_event")]
    assert _details(events, "cart_filled") == [{"items": 3, "note": "日本 🛒" * 500}]
    assert (traffic.preflights, len(traffic.posts), len(sent)) == ([200], 1, 2)


def test_gzipped_bodies_of_the_current_client_are_stored(openrum: OpenRum, page: Page) -> None:
    traffic = Traffic(page)
    with _site(openrum) as url:
        visitor = RumPage(page, url)
        visitor.record("long", {"text": "x" * 10_000})
        visitor.dispatch()
        wait_until(lambda: traffic.posts and "long" in _types(_of_session(openrum, traffic)))
        events = _of_session(openrum, traffic)

    post = traffic.posts[0]
    assert (
        post.headers["content-encoding"],
        post.headers["content-type"],
    ) == ("gzip", "application/json")
    assert len(post.body) < 5_000
    assert expected_events(openrum.monitor_id(), traffic.batches()) == comparable(events)


@pytest.mark.parametrize("version", _VERSIONS)
def test_the_beacon_of_a_page_that_is_left_is_stored(
    openrum: OpenRum, page: Page, version: str
) -> None:
    traffic = Traffic(page)
    with _site(openrum, version=version) as url:
        visitor = RumPage(page, url)
        visitor.record("cart_left", {"items": 1})
        visitor.leave()
        beacons = traffic.beacons()
        wait_until(lambda: _of_session(openrum, traffic))
        events = _of_session(openrum, traffic)

    assert (len(traffic.posts), len(beacons), traffic.preflights) == (0, 1, [])
    assert expected_events(openrum.monitor_id(), beacons) == comparable(events)
    assert _details(events, "cart_left") == [{"items": 1}]


def test_the_beacon_of_a_page_that_is_closed_is_stored(openrum: OpenRum, browser: Browser) -> None:
    with _site(openrum) as url, browser.page() as page:
        RumPage(page, url).record("tab_closed", {"items": 1})
        page.close()
        wait_until(lambda: "tab_closed" in _types(stored_events(openrum.grpc)))

    assert _details(stored_events(openrum.grpc), "tab_closed") == [{"items": 1}]


def test_session_metadata_is_merged_into_each_event(openrum: OpenRum, page: Page) -> None:
    traffic = Traffic(page)
    with _site(openrum, sessionAttributes={"tenant": "blue", "title": "Any"}) as url:
        visitor = RumPage(page, url)
        visitor.record("cart_filled", {})
        visitor.dispatch()
        wait_until(lambda: traffic.posts and _of_session(openrum, traffic))
        events = _of_session(openrum, traffic)

    of_session = traffic.batches()[0]["SessionMetadata"]
    metadata = next(e["metadata"] for e in events if e["event_type"] == "cart_filled")
    assert '"tenant":"blue"' in of_session
    assert tuple(
        metadata[key]
        for key in ("tenant", "domain", "aws:client", "aws:clientVersion", "pageId", "title")
    ) == ("blue", "127.0.0.1", "arw-module", "3.2.1", "/", "Demo shop")
    assert {"browserName", "osName", "deviceType"} <= set(metadata)
    assert {"blue"} == {event["metadata"]["tenant"] for event in events}


@pytest.mark.parametrize("prefix", ["/rum/ingest", "/rum/ingest/", "/stage one/ü"])
def test_the_endpoint_can_have_a_path_prefix(openrum: OpenRum, page: Page, prefix: str) -> None:
    traffic = Traffic(page)
    with _site(openrum, prefix=prefix) as url:
        visitor = RumPage(page, url)
        visitor.dispatch()
        wait_until(lambda: traffic.posts and _of_session(openrum, traffic))
        visitor.record("left_under_a_path", {})
        visitor.leave()
        wait_until(lambda: "left_under_a_path" in _types(_of_session(openrum, traffic)))
        sent = traffic.batches()
        events = _of_session(openrum, traffic)

    assert len(sent) == 2
    assert expected_events(openrum.monitor_id(), sent) == comparable(events)


@pytest.mark.parametrize(
    "end",
    [pytest.param(OpenRum.stop, marks=pytest.mark.slow), OpenRum.kill],
    ids=["sigterm", "kill-9"],
)
def test_events_recorded_during_a_restart_are_stored_once(
    tmp_path: Path, browser: Browser, end: Callable[[OpenRum], int]
) -> None:
    # Two attempts more than the default, because a slow machine may need more than 6 s to start.
    settings: dict[str, object] = {
        "dispatchInterval": 200,
        "telemetries": [],
        "sessionEventLimit": 0,
        "retries": 4,
    }
    server = OpenRum(tmp_path)
    try:
        with _site(server, **settings) as url, browser.page() as page:
            traffic = Traffic(page)
            RumPage(page, url)
            recorded, stored = _record_during_a_restart(server, traffic, end)
    finally:
        server.stop()

    assert list(range(recorded)) == stored


def _record_during_a_restart(
    server: OpenRum, traffic: Traffic, end: Callable[[OpenRum], int]
) -> tuple[int, list[int]]:
    """Return how many events the page recorded, and the sorted numbers of the stored ones."""

    def stored() -> list[int]:
        ticks = (e for e in stored_events(server.grpc) if e["event_type"] == "tick")
        return sorted(event["event_details"]["n"] for event in ticks)

    page = traffic.page
    page.evaluate(
        """() => {
            globalThis.ticks = 0;
            globalThis.ticking = setInterval(() => rum.recordEvent("tick", {n: ticks++}), 20);
        }"""
    )
    wait_until(lambda: len(stored()) >= 20)
    end(server)
    wait_until(lambda: traffic.failures)
    server.start()
    back = page.evaluate("() => ticks")
    wait_until(lambda: stored()[-1] >= back)
    page.evaluate("() => clearInterval(ticking)")
    recorded = page.evaluate("() => ticks")
    assert isinstance(recorded, int)
    wait_until(lambda: len(stored()) >= recorded, timeout_s=60)
    return recorded, stored()
