"""The page at `/ui/` where there is nothing to show, too much of it, or nothing unusual."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.json_format import MessageToJson

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent, UserDetails
from rum.v1.insight_service_pb2 import (
    Counts,
    Distribution,
    Freshness,
    GetOverviewResponse,
    Measures,
    Series,
)
from tests.bridge.wire import send
from tests.e2e.shown import Shown, number
from tests.e2e.visited import MONITOR, Visited, visited
from tests.insight.visits import HOUR_MS
from tests.support.batches import new_id
from tests.support.running import wait_until
from tests.tools.axe import violations
from tests.tools.chromium import Page
from tests.tools.toolbox import tools_needed

_EMPTY = {"monitor": MONITOR, "after": 1_600_000_000_000, "before": 1_600_003_600_000}
_SELECTING = ("overview", "pages", "errors", "http", "sessions", "segments")
_MANY = 1_100


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visited]:
    """A server with visits."""
    with visited(tmp_path_factory.mktemp("visited"), sessions=80) as found:
        yield found


@pytest.fixture
def ui(page: Page, shop: Visited) -> Shown:
    """The page of this server, not opened yet."""
    return Shown(page, shop.server)


def _accessible(ui: Shown) -> list[list[str]]:
    """Return what axe finds in light and in dark."""
    with tools_needed():
        light = violations(ui.page)
        ui.page.do(lambda inner: inner.emulate_media(color_scheme="dark"))
        return [light, violations(ui.page)]


@pytest.mark.parametrize("view", _SELECTING)
def test_an_empty_view_says_once_what_to_do_next(ui: Shown, view: str) -> None:
    ui.open(view, **_EMPTY, filter="browser=Netscape")
    links = ui.texts(".empty a")

    assert len(ui.texts(".empty")) == 1
    assert links[:2] == ["Remove the filters.", "Look at the last 30 days."]
    assert ui.texts("main table, main .failure") == []
    assert _accessible(ui) == [[], []]
    ui.click(".empty a >> nth=1")
    assert "range=30d" in ui.url
    ui.click(".empty a >> nth=0")
    assert "filter=" not in ui.url
    assert ui.texts(".empty") == []


def test_a_page_without_events_says_what_to_do_next(ui: Shown) -> None:
    ui.open("pages", "/cart", **_EMPTY, filter=["page=/cart", "browser=Netscape"])
    text, links = ui.text(".empty strong"), ui.texts(".empty a")
    found = _accessible(ui)
    ui.click(".empty a >> nth=0")

    assert text == "No events of this page in this time range."
    assert links[:2] == ["Remove the filters.", "Look at the last 30 days."]
    assert found == [[], []]
    assert ui.texts(".empty a")[0] == "Look at the last 30 days."
    ui.click(".empty a >> nth=0")
    assert number(ui.tiles()["Page views"]) > 0
    assert ui.texts(".headline a") == ["All pages", "Its errors", "Its requests", "Its sessions"]
    ui.click("text=Its requests")
    assert "filter=page%3D%2Fcart" in ui.url


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("sessions", "unknown"), "There is no event of this session."),
        (("errors", "unknown"), "The selection has no error with this fingerprint."),
        (("monitors", "unknown"), "There is no app monitor with this name."),
        (("constructor",), "There is no such view."),
    ],
    ids=["session", "error", "app monitor", "view"],
)
def test_something_that_does_not_exist_is_not_tried_again(
    ui: Shown, path: tuple[str, ...], text: str
) -> None:
    ui.open(*path)

    assert text in ui.text(".empty")
    assert "Try again" not in ui.text()
    assert _accessible(ui) == [[], []]


def test_an_unknown_range_and_dimension_in_the_url_are_ignored(ui: Shown) -> None:
    ui.open("segments", range="constructor", by="constructor")

    assert ui.texts("main .failure") == []
    assert ui.texts("[aria-pressed=true]") == ["All"]


def test_an_unknown_app_monitor_leads_to_the_others(ui: Shown) -> None:
    ui.open("overview", monitor="unknown")

    assert "There is no app monitor “unknown”." in ui.text(".empty")
    ui.click(".empty a")
    assert [row[0] for row in ui.table("App monitors")] == [MONITOR]


@pytest.mark.parametrize("view", ["overview", "pages", "sessions", "live"])
def test_an_app_monitor_that_is_deleted_meanwhile_leads_to_the_others(
    ui: Shown, shop: Visited, view: str
) -> None:
    name = f"deleted-beside-{view}"
    assert shop.server.post("/appmonitor", {"Name": name, "Domain": "a.example"})[0] == 200
    ui.open("monitors", monitor=name)
    assert send(shop.server.url, f"/appmonitor/{name}", method="DELETE").status == 200
    ui.click(f"nav >> text={view.capitalize()}")
    wait_until(lambda: "It may have been deleted." in ui.text())

    assert ui.texts(".empty strong") == ["There is no app monitor with this name."]
    assert "Try again" not in ui.text()
    ui.click(".empty a")
    wait_until(lambda: [row[0] for row in ui.table("App monitors")] == [MONITOR])


def test_a_failed_request_can_be_tried_again(ui: Shown, shop: Visited) -> None:
    body = json.dumps({"message": "The query failed."})
    pattern = "**/overview?*"
    ui.page.do(
        lambda inner: inner.route(pattern, lambda route: route.fulfill(status=500, body=body))
    )
    ui.open("overview", **shop.range)
    message = ui.text(".failure p")
    found = _accessible(ui)
    ui.page.do(lambda inner: inner.unroute(pattern))
    ui.click("button:text-is('Try again')")

    assert message == "The query failed."
    assert found == [[], []]
    assert number(ui.tiles()["Page views"]) > 0


@pytest.mark.parametrize(
    ("path", "heading"),
    [(("pages", "/cart"), "/cart"), (("monitors", MONITOR), MONITOR)],
    ids=["page", "app monitor"],
)
def test_the_heading_of_one_thing_is_its_name(
    ui: Shown, shop: Visited, path: tuple[str, str], heading: str
) -> None:
    ui.open(*path, **shop.range, filter=f"page={heading}")

    assert ui.texts("h1") == [heading]
    assert ui.page.evaluate("() => document.title") == f"{heading} · OpenRUM"


def test_a_change_that_chance_explains_has_no_color(ui: Shown, shop: Visited) -> None:
    now = Counts(events=900, sessions=50, page_views=120, js_errors=12, http_5xx=90, http_4xx=5)
    then = Counts(events=900, sessions=50, page_views=100, js_errors=8, http_5xx=30)
    vitals = {f"{name}_p75": [-1.0] for name in ("lcp", "inp", "cls")}
    series = Series(first_ms=shop.after, step_ms=HOUR_MS, page_views=[120], **vitals)
    found = GetOverviewResponse(
        total=_measures(now),
        series=series,
        compared_total=_measures(then),
        compared_series=series,
    )
    body = MessageToJson(found, always_print_fields_with_no_presence=True)
    _fulfill(ui, body)
    ui.open("overview", **shop.range)
    changes = dict(zip(ui.texts(".tile h2"), ui.texts(".tile p:last-child"), strict=True))
    comparison = changes["Sessions"].removeprefix("same as ")

    assert changes["JavaScript errors"].split()[:3] == ["▲", "up", "50%"]
    assert changes["HTTP 4xx"] == f"0 {comparison}"
    assert [" ".join(text.split()) for text in ui.texts(".tile .worse")] == [
        "▲ up 200%",
        f"0 {comparison}",
    ]
    assert ui.texts(".tile .better") == []


@pytest.mark.parametrize(
    ("navigations", "worse"), [(100, []), (10_000, ["▼ down 9.3%"])], ids=["few", "many"]
)
def test_a_lower_apdex_has_a_color_if_it_is_not_chance(
    ui: Shown, shop: Visited, navigations: int, worse: list[str]
) -> None:
    vitals = {f"{name}_p75": [-1.0] for name in ("lcp", "inp", "cls")}
    series = Series(first_ms=shop.after, step_ms=HOUR_MS, page_views=[120], **vitals)
    found = GetOverviewResponse(
        total=_measures(_with_apdex(navigations, 0.5, 0.36)),
        series=series,
        compared_total=_measures(_with_apdex(navigations, 0.6, 0.3)),
        compared_series=series,
    )
    _fulfill(ui, MessageToJson(found, always_print_fields_with_no_presence=True))
    ui.open("overview", **shop.range)

    assert ui.tiles()["Apdex"] == "0.68"
    assert [" ".join(text.split()) for text in ui.texts(".tile .worse")] == worse


def _with_apdex(navigations: int, satisfied: float, tolerated: float) -> Counts:
    """Return the counts of navigations, given by the shares of those that are satisfied."""
    return Counts(
        events=navigations,
        navigations_satisfied=navigations * satisfied,
        navigations_tolerated=navigations * tolerated,
        navigations_frustrated=navigations * (1 - satisfied - tolerated),
        apdex=satisfied + tolerated / 2,
    )


def _measures(counts: Counts) -> Measures:
    nothing = Distribution()
    return Measures(counts=counts, lcp=nothing, inp=nothing, cls=nothing)


def _fulfill(ui: Shown, body: str) -> None:
    """Give this response instead of an overview."""
    ui.page.do(lambda inner: inner.route("**/overview?*", lambda route: route.fulfill(body=body)))


def test_a_rebuild_does_not_look_like_an_outage(ui: Shown, shop: Visited) -> None:
    counts = Counts(events=10, page_views=5)
    vitals = {f"{name}_p75": [-1.0] for name in ("lcp", "inp", "cls")}
    found = GetOverviewResponse(
        total=_measures(counts),
        series=Series(first_ms=shop.after, step_ms=HOUR_MS, page_views=[5], **vitals),
        compared_total=_measures(Counts(events=900, page_views=500)),
        freshness=Freshness(lag_ms=7_200_000, rebuilding=True),
    )
    # Other responses would say that nothing is rebuilt.
    ui.page.do(lambda inner: inner.route("**/insight/**", lambda route: route.fulfill(status=503)))
    _fulfill(ui, MessageToJson(found, always_print_fields_with_no_presence=True))
    ui.open("overview", **shop.range)

    assert "Those of the last 2 h are missing for now." in ui.text(".banner")
    assert ui.texts(".tile p:last-child") == ui.texts(".tile .number")


def test_a_view_that_cannot_be_drawn_says_so(ui: Shown, shop: Visited) -> None:
    _fulfill(ui, '{"total": {"counts": {"events": 1}}, "series": {"pageViews": []}}')
    ui.open("overview", **shop.range)
    message = ui.text(".failure")
    ui.click("nav >> text=Pages")

    assert "This view cannot be drawn" in message
    assert len(ui.table("Pages")) > 1


def test_pages_after_the_first_1000_are_one_row(ui: Shown, shop: Visited) -> None:
    now_ms = int(time.time() * 1000)
    shop.put([_many_pages(now_ms)])
    members = {"monitor": MONITOR, "after": now_ms - 1, "before": now_ms + 1}
    rows: dict[str, list[list[str]]] = {}
    for view, caption in (("pages", "Pages"), ("segments", "Measures by Browser")):
        ui.open(view, **members, by="browser")
        rows[caption] = ui.table(caption)

    assert [row[:2] for row in rows["Pages"] if "others" in row[0]] == [
        ["All others, after the first 1,000", str(_MANY - 1000)]
    ]
    assert [row[1] for row in rows["Measures by Browser"]] == [f"{_MANY:,}"]


def _many_pages(time_ms: int) -> PutRumEventsRequest:
    """Return a batch with one view of each of many pages."""
    # A number would look like an identifier, and be replaced.
    names = ("".join(chr(ord("a") + int(digit)) for digit in f"{n:05}") for n in range(_MANY))
    return PutRumEventsRequest(
        batch_id=new_id(),
        app_monitor_details={},
        user_details=UserDetails(user_id=new_id(), session_id=new_id()),
        rum_events=[
            RumEvent(
                id=new_id(),
                timestamp=time_ms / 1000,
                type="com.amazon.rum.page_view_event",
                details=json.dumps({"version": "1.0.0", "pageId": f"/{name}"}),
                metadata=json.dumps({"pageId": f"/{name}"}),
            )
            for name in names
        ],
    )


def test_a_printed_view_has_no_controls(ui: Shown, shop: Visited) -> None:
    ui.open("pages", **shop.range)
    shown = "() => document.querySelectorAll('nav, button, select').length"
    visible = (
        "() => [...document.querySelectorAll('nav, main > button, .controls')]"
        ".filter(found => found.checkVisibility()).length"
    )
    before: Any = ui.page.evaluate(visible)
    ui.page.do(lambda inner: inner.emulate_media(media="print"))

    assert ui.page.evaluate(shown)
    assert (before, ui.page.evaluate(visible)) == (2, 0)
    assert len(ui.table("Pages")) > 1
