"""Each control of the page at `/ui/` does what it says, and its effect is in the URL."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.e2e.shown import Shown, number, read_api
from tests.e2e.visited import HOSTILE, MONITOR, Visited, hostile_visit, visited
from tests.insight.visits import HOUR_MS
from tests.support.running import run_openrum, wait_until
from tests.tools.chromium import Page

_OTHER = "other-app"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visited]:
    """A server with visits, and with a second app monitor."""
    with visited(tmp_path_factory.mktemp("visited"), sessions=80) as found:
        created = ("monitors", "create", _OTHER, "--domain", "other.example")
        assert run_openrum(*created, OPENRUM_SERVICE=found.server.grpc).returncode == 0
        yield found


@pytest.fixture
def ui(page: Page, shop: Visited) -> Shown:
    """The page of this server, not opened yet."""
    return Shown(page, shop.server)


def _range_of(ui: Shown) -> list[int]:
    return [int(ms) for ms in re.findall(r"(?:after|before)=(\d+)", ui.url)]


def test_the_app_monitor_can_be_chosen(ui: Shown, shop: Visited) -> None:
    ui.open("overview", monitor=MONITOR, **shop.range)
    tiles = ui.tiles()
    ui.choose("select[aria-label='App monitor']", _OTHER)

    assert number(tiles["Page views"]) > 0
    assert f"monitor={_OTHER}" in ui.url
    assert "No events in this time range." in ui.text()
    assert f"openrum send --sample --name {_OTHER}" in ui.text()


def test_the_time_range_can_be_chosen(ui: Shown) -> None:
    ui.open("overview", monitor=MONITOR)
    day = number(ui.tiles()["Page views"])
    ui.choose("select[aria-label='Time range']", "7d")

    assert "range=7d" in ui.url
    assert number(ui.tiles()["Page views"]) > day > 0


@pytest.mark.parametrize("ends", [("after", "before"), ("before", "after")], ids="-".join)
def test_a_custom_time_range_can_be_entered(
    ui: Shown, shop: Visited, ends: tuple[str, str]
) -> None:
    after, before = shop.after + 3 * HOUR_MS, shop.after + 9 * HOUR_MS
    zone: Any = ui.page.evaluate("() => new Date().getTimezoneOffset()")
    expected: Any = read_api(
        shop.server, "insight", MONITOR, "overview", after=after, before=before
    )
    ui.open("overview", monitor=MONITOR)
    ui.choose("select[aria-label='Time range']", "custom")
    for name, at_ms in zip(ends, (after, before), strict=True):
        local = datetime.fromtimestamp(at_ms / 1000 - zone * 60, UTC)
        ui.fill(f"input[name={name}]", f"{local:%Y-%m-%dT%H:%M}")
    ui.click("button:text-is('Apply')")

    assert _range_of(ui) == [after, before]
    assert number(ui.tiles()["Page views"]) == expected["total"]["counts"]["pageViews"]


def test_a_time_that_is_being_entered_stays_when_a_minute_passes(ui: Shown, shop: Visited) -> None:
    ui.page.do(lambda inner: inner.clock.install())
    ui.open("overview", monitor=MONITOR)
    ui.choose("select[aria-label='Time range']", "custom")
    ui.fill("input[name=after]", "2026-01-02T03:04")
    requests = len(ui.requests)
    ui.page.do(lambda inner: inner.clock.fast_forward(61_000))
    wait_until(lambda: len(ui.requests) > requests)
    ui.settle()

    assert (
        ui.page.evaluate("() => document.querySelector('input[name=after]').value")
        == "2026-01-02T03:04"
    )


def test_a_tile_leads_to_the_causes_of_its_number(ui: Shown, shop: Visited) -> None:
    ui.open("overview", **shop.range)
    ui.click(".tile h2 a:text-is('HTTP 5xx')")
    requests = ui.texts("h1")
    ui.open("overview", **shop.range)
    ui.click("a:text-is('Pages by LCP')")

    assert (requests, ui.texts("h1")) == (["HTTP"], ["Pages"])
    assert ui.texts("th[aria-sort]") == ["LCP p75 ▼"]


def test_a_filter_can_exclude_a_value(ui: Shown, shop: Visited) -> None:
    others: Any = shop.read("overview", filter="country!=DE")
    ui.open("overview", **shop.range)
    ui.click("summary:text-is('+ Filter')")
    ui.choose(".popover select >> nth=0", "country")
    ui.choose(".popover select >> nth=1", "!=")
    ui.fill("input[name=value]", "DE")
    ui.click("text=Add the filter")

    assert ui.text(".chip").startswith("Country is not DE")
    assert number(ui.tiles()["Page views"]) == others["total"]["counts"]["pageViews"]


def test_a_filter_does_not_replace_the_page_of_the_heading(ui: Shown, shop: Visited) -> None:
    cart: Any = shop.read("overview", filter="page=/cart")
    ui.open("pages", "/cart", filter="page=/checkout", **shop.range)

    assert ui.texts("h1") == ["/cart"]
    assert ui.texts(".chip") == []
    assert number(ui.tiles()["Page views"]) == cart["total"]["counts"]["pageViews"] > 0


def test_a_session_is_shown_without_controls_that_do_not_limit_it(ui: Shown, shop: Visited) -> None:
    listed: Any = shop.read("sessions")
    newest = listed["sessions"][0]["sessionId"]
    ui.open("sessions", newest, filter="browser=Lynx", **shop.range)

    assert ui.texts("#main a")[0] == "All sessions"
    assert ui.texts("select[aria-label='App monitor'] option") == [MONITOR, _OTHER]
    assert ui.texts("select[aria-label='Time range'], .popover, .chip") == []
    ui.click("a:text-is('All sessions')")
    assert ui.text(".chip").startswith("Browser is Lynx")


def test_a_click_elsewhere_closes_the_form_of_filters(ui: Shown, shop: Visited) -> None:
    ui.open("overview", **shop.range)
    ui.click("summary:text-is('+ Filter')")
    ui.click(".popover input[name=value]")
    opened = ui.texts(".popover button")
    ui.click("h1")

    assert opened == ["Add the filter"]
    assert ui.texts(".popover button") == []
    assert ui.texts(".popover[open]") == []


@pytest.mark.parametrize(
    ("label", "members"),
    [
        ("With an error or a failed request", {"failed": "true"}),
        ("With a replay", {"hasReplay": "true"}),
    ],
)
def test_the_list_of_sessions_can_be_limited(
    ui: Shown, shop: Visited, label: str, members: dict[str, str]
) -> None:
    every: Any = shop.read("sessions", maxResults=200)["sessions"]
    limited: Any = shop.read("sessions", maxResults=200, **members)["sessions"]
    ui.open("sessions", **shop.range)
    ui.click(f"label:has-text('{label}') input")

    assert len(limited) < len(every)
    assert len(_sessions(ui)) == min(50, len(limited))
    ui.click(f"label:has-text('{label}') input")
    assert len(_sessions(ui)) == min(50, len(every))


def _sessions(ui: Shown) -> list[list[str]]:
    return [] if ui.texts(".empty") else ui.table("Sessions")


def test_the_sessions_of_a_user_can_be_found(ui: Shown, shop: Visited) -> None:
    sessions: Any = shop.read("sessions", maxResults=200)["sessions"]
    user = sessions[3]["userId"]
    ui.open("sessions", **shop.range)
    ui.fill("input[name=user]", f" {user} ")
    ui.click("button:text-is('Find')")

    assert f"user={user}" in ui.url
    assert len(_sessions(ui)) == sum(session["userId"] == user for session in sessions)


def test_live_events_can_be_paused_and_searched(ui: Shown, shop: Visited) -> None:
    ui.open("live")
    before = ui.texts(".what")
    ui.click("button:text-is('Pause')")
    shop.put([hostile_visit(int(time.time() * 1000))])
    paused = ui.texts(".what")
    ui.click("button:text-is('Continue')")
    wait_until(lambda: ui.texts(".what") != before)
    ui.fill("label:has-text('Only with the text') input", "ONERROR")
    ui.settle()

    assert paused == before
    found = ui.texts(".what")
    assert found
    assert all(HOSTILE in text for text in found)


def test_the_snippet_can_be_chosen_and_copied(ui: Shown, shop: Visited) -> None:
    origin = shop.server.url
    allowed = ["clipboard-read", "clipboard-write"]
    ui.page.do(lambda inner: inner.context.grant_permissions(allowed, origin=origin))
    ui.open("monitors", MONITOR)
    npm = ui.texts("pre")[0]
    ui.click("button:text-is('Script tag')")
    tag = ui.texts("pre")[0]
    ui.click("button:text-is('Copy')")
    copied: Any = ui.page.do(lambda inner: inner.evaluate("navigator.clipboard.readText()"))

    assert npm.startswith("// npm install aws-rum-web")
    assert "window.cwr = " in tag
    assert copied.strip() == tag.strip()
    assert "Copied" in ui.texts("button")
