"""The page at `/ui/` in a browser: views show the numbers of the REST API, and controls work."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from google.protobuf.json_format import MessageToJson
from playwright.async_api import Page as PlaywrightPage

from rum.v1.insight_service_pb2 import Change, ListChangesResponse
from tests.e2e.shown import Shown, number, read_api
from tests.e2e.visited import HOSTILE, HOSTILE_SESSION, MONITOR, Visited, hostile_visit, visited
from tests.insight.visits import HOUR_MS
from tests.support.batches import new_id
from tests.support.running import wait_until
from tests.tools.chromium import Page


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visited]:
    """A server with visits."""
    with visited(tmp_path_factory.mktemp("visited")) as found:
        yield found


@pytest.fixture
def ui(page: Page, shop: Visited) -> Shown:
    """The page of this server, not opened yet."""
    return Shown(page, shop.server)


def _counts(document: Any) -> dict[str, float]:
    counts = document["total"]["counts"]
    assert isinstance(counts, dict)
    return counts


def test_the_tiles_of_the_overview_equal_the_api(ui: Shown, shop: Visited) -> None:
    counts = _counts(shop.read("overview"))
    ui.open("overview", **shop.range)

    assert {name: number(text) for name, text in ui.tiles().items()} == {
        "Sessions": counts["sessions"],
        "Page views": counts["pageViews"],
        "Apdex": round(counts["apdex"], 2),
        "JavaScript errors": counts["jsErrors"],
        "HTTP 5xx": counts["http5xx"],
        "HTTP 4xx": counts["http4xx"],
    }


def test_the_vitals_of_the_overview_equal_the_api(ui: Shown, shop: Visited) -> None:
    total: Any = shop.read("overview")["total"]
    ui.open("overview", **shop.range)
    words = ui.texts(".vital > .number")
    shares = [number(text.split()[0]) for text in ui.texts(".vital .shares span")]

    assert [words[0].split()[0], words[2].split()[0]] == [
        f"{total['lcp']['p75'] / 1000:.2f}",
        f"{total['cls']['p75']:.3f}",
    ]
    assert number(words[1].split()[0]) == round(total["inp"]["p75"])
    assert [pytest.approx(share, abs=0.6) for share in shares] == [
        100 * total[vital][rating] / total[vital]["samples"]
        for vital in ("lcp", "inp", "cls")
        for rating in ("good", "needsImprovement", "poor")
    ]


def test_without_a_past_the_overview_says_why_no_error_is_new(ui: Shown, shop: Visited) -> None:
    ui.open("overview", **shop.range)

    assert "Errors are called new when something is known from before" in ui.text()
    assert "No error was seen for the first time." not in ui.text()


def test_changes_are_sentences_that_lead_to_their_causes(ui: Shown, shop: Visited) -> None:
    hours = {"after": shop.after, "before": shop.after + 2 * HOUR_MS, "worse": True}
    found = ListChangesResponse(
        weeks=3,
        changes=[
            Change(measure="http_5xx_rate", value=0.28, expected=0.012, **hours),
            Change(measure="lcp_p75", value=6200, expected=2800, page="/cart", **hours),
            Change(measure="new_error", title=HOSTILE, fingerprint="f1", release="1.1.0", **hours),
        ],
    )
    # The weeks of events that a real change needs would take minutes to store.
    body = MessageToJson(found, always_print_fields_with_no_presence=True)
    ui.page.do(lambda inner: inner.route("**/changes?*", lambda route: route.fulfill(body=body)))
    ui.open("overview", **shop.range)
    sentences = ui.texts(".changes li")
    ui.click(".changes a >> nth=1")

    assert sentences[0].startswith("HTTP 5xx rose to 28% between ")
    assert sentences[0].endswith(", usually 1.2%.")
    assert sentences[1].startswith("LCP on /cart rose to 6.20 s between ")
    assert sentences[2] == f"new error {HOSTILE} since release 1.1.0"
    assert f"/pages/%2Fcart?after={hours['after']}&before={hours['before']}&filter=" in ui.url


def test_a_chart_has_its_numbers_as_a_table(ui: Shown, shop: Visited) -> None:
    # The page asks for longer steps, because the visits are few.
    series: Any = shop.read("overview", stepMs=3 * HOUR_MS)["series"]
    ui.open("overview", **shop.range)
    ui.click("summary:has-text('Show as a table: Page views')")
    rows = ui.table("Page views over time")

    assert [number(row[1]) for row in rows] == series["pageViews"]


def test_an_axis_of_a_count_has_whole_numbers(ui: Shown, shop: Visited) -> None:
    monitor = {"Name": "seven", "DomainList": ["shop.example"]}
    assert shop.server.post("/appmonitor", monitor)[0] == 200
    page_id = '{"pageId": "/"}'
    kind = "com.amazon.rum.page_view_event"
    request = hostile_visit(int(time.time() * 1000))
    del request.rum_events[:]
    for _ in range(7):
        request.rum_events.add(
            id=new_id(), timestamp=time.time(), type=kind, details=page_id, metadata=page_id
        )
    shop.put([request], "seven")
    drawn = """globalThis.drawn = [];
        const {fillText} = CanvasRenderingContext2D.prototype;
        CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
            globalThis.drawn.push(text);
            return fillText.call(this, text, ...place);
        };"""
    ui.page.do(lambda inner: inner.add_init_script(drawn))
    ui.open("overview", monitor="seven", range="1h")
    texts = ui.page.evaluate("() => drawn")

    assert isinstance(texts, list)
    assert {"3", "6"} <= set(texts)
    assert not [text for text in texts if re.fullmatch(r"\d*\.5", text)]


def test_percentages_have_the_form_of_the_language(ui: Shown) -> None:
    german = """const {NumberFormat} = Intl;
        Intl.NumberFormat = class extends NumberFormat {
            constructor(language, options) { super(language ?? "de-DE", options); }
        };"""
    ui.page.do(lambda inner: inner.add_init_script(german))
    ui.open("monitors")
    texts = ui.page.evaluate(
        "async () => [0.0123, 0.5, 1, 12.345].map((await import('./format.js')).percent)"
    )

    assert texts == ["1,2\xa0%", "50\xa0%", "100\xa0%", "1.235\xa0%"]


def test_the_list_of_pages_equals_the_api(ui: Shown, shop: Visited) -> None:
    segments: Any = shop.read("segments", by="DIMENSION_PAGE")["segments"]
    ui.open("pages", **shop.range)
    shown = {row[0]: (number(row[1]), number(row[2])) for row in ui.table("Pages")}

    assert shown == {
        segment["value"] or "unknown": (
            segment["measures"]["counts"]["pageViews"],
            segment["measures"]["counts"]["sessions"],
        )
        for segment in segments
    }


def test_a_page_shows_its_own_numbers_and_what_makes_it_slow(ui: Shown, shop: Visited) -> None:
    counts = _counts(shop.read("overview", filter="page=/cart"))
    details: Any = shop.read("page", filter="page=/cart")
    ui.open("pages", **shop.range)
    ui.click("a:text-is('/cart')")

    assert number(ui.tiles()["Page views"]) == counts["pageViews"]
    assert [row[0] for row in ui.table("Phases of navigations")] == [
        phase["name"] for phase in details["navigationPhases"]
    ]
    assert [(row[0], number(row[2])) for row in ui.table("Resources")] == [
        (resource["url"], resource["duration"]["samples"]) for resource in details["resources"]
    ]


def test_the_list_of_errors_equals_the_api(ui: Shown, shop: Visited) -> None:
    groups: Any = shop.read("errors")["groups"]
    ui.open("errors", **shop.range)
    rows = ui.table("Error groups")

    assert [(number(row[3]), number(row[4]), number(row[5])) for row in rows] == [
        (group["events"], group["sessions"], group["users"]) for group in groups
    ]
    assert all(group["title"] in row[0] for row, group in zip(rows, groups, strict=True))


def test_an_error_shows_its_stack_and_whom_it_affects(ui: Shown, shop: Visited) -> None:
    group: Any = next(
        found for found in _groups(shop) if found["title"] == "TypeError: x is undefined"
    )
    found: Any = shop.read("errors", group["fingerprint"])
    ui.open("errors", **shop.range)
    ui.click(f"a[href*='{group['fingerprint']}'] >> nth=0")
    browsers = [s for s in found["shares"] if s["dimension"] == "DIMENSION_BROWSER"]

    assert "buy  https://shop.example/" in ui.text("pre")
    assert [(row[0], number(row[1])) for row in ui.table("Errors by Browser")] == [
        (share["value"], share["events"]) for share in browsers
    ]
    assert len(ui.table("Affected sessions")) == len(found["sampleSessions"])


def _groups(shop: Visited) -> Any:
    return shop.read("errors")["groups"]


def test_the_list_of_requests_equals_the_api(ui: Shown, shop: Visited) -> None:
    targets: Any = shop.read("http")["targets"]
    ui.open("http", **shop.range)

    assert [
        (row[0], *(number(text) for text in row[2:6])) for row in ui.table("HTTP requests")
    ] == [
        (
            f"{target['method']} {target['url']}",
            target["calls"],
            target["http4xx"],
            target["http5xx"],
            target["httpNoResponse"],
        )
        for target in targets
    ]


def test_a_request_leads_to_the_sessions_that_failed_with_it(ui: Shown, shop: Visited) -> None:
    targets: Any = shop.read("http", filter="browser=Firefox")["targets"]
    target = targets[1]
    name = f"{target['method']} {target['url']}"
    members = {"filter": "browser=Firefox", "httpTarget": name, "maxResults": 200}
    with_5xx: Any = shop.read("sessions", **members, httpResult="5xx")["sessions"]
    called: Any = shop.read("sessions", **members)["sessions"]
    ui.open("http", **shop.range, filter="browser=Firefox")
    ui.click("tbody tr:nth-child(2) td:nth-child(5) a")
    listed = len(ui.table("Sessions"))
    ui.choose("label:has-text('With a request') select", "")
    shown = len(ui.table("Sessions"))

    assert listed == min(50, len(with_5xx)) > 0
    assert f"request={quote_plus(name)}" in ui.url
    assert "result=" not in ui.url
    assert f"Request {name}" in ui.text(".chip")
    assert shown == min(50, len(called)) > listed
    ui.click("button[aria-label='Remove the limit to one request']")
    assert "request=" not in ui.url


def test_the_affected_sessions_of_a_request_are_listed(ui: Shown, shop: Visited) -> None:
    targets: Any = shop.read("http", order="sessions", filter="page=/cart")["targets"]
    ui.open("http", **shop.range, order="sessions", filter="page=/cart")
    ui.click("tbody tr:last-child td:nth-child(9) a")

    assert len(ui.table("Sessions")) == min(50, targets[-1]["failedSessions"])


def test_more_sessions_are_loaded_on_request(ui: Shown, shop: Visited) -> None:
    first: Any = shop.read("sessions")
    second: Any = shop.read("sessions", nextToken=first["nextToken"])
    ui.open("sessions", **shop.range)
    ui.click("text=Show more")
    wait_until(lambda: len(ui.table("Sessions")) > len(first["sessions"]))

    assert [number(row[2]) for row in ui.table("Sessions")] == [
        session["pageViews"] for session in [*first["sessions"], *second["sessions"]]
    ]


def test_a_session_shows_its_events_in_order(ui: Shown, shop: Visited) -> None:
    listed: Any = shop.read("sessions", maxResults=1)
    session_id = listed["sessions"][0]["sessionId"]
    found: Any = read_api(shop.server, "insight", MONITOR, "sessions", session_id)
    types = [re.sub(r"com\.amazon\.rum\.(.*)_event", r"\1", e["type"]) for e in found["events"]]
    ui.open("sessions", **shop.range)
    ui.click("table tbody a >> nth=0")

    others = [kind for kind in types if kind != "performance_resource"]
    assert len(others) < len(types)
    assert ui.texts(".timeline .mono") == others
    ui.click("text=With resources")
    assert ui.texts(".timeline .mono") == types
    ui.click(".timeline summary >> nth=0")
    assert f'"event_type": "{found["events"][0]["type"]}"' in ui.text(".timeline pre")


def test_segments_compare_the_values_of_a_dimension(ui: Shown, shop: Visited) -> None:
    segments: Any = shop.read("segments", by="DIMENSION_RELEASE")["segments"]
    ui.open("segments", **shop.range)
    ui.click("button:text-is('Release')")

    assert [(row[0], number(row[1])) for row in ui.table("Measures by Release")] == [
        (segment["value"], segment["measures"]["counts"]["pageViews"]) for segment in segments
    ]


def test_segments_show_all_dimensions_side_by_side(ui: Shown, shop: Visited) -> None:
    ui.open("segments", **shop.range)

    for name in ("Browser", "OS", "Device", "Country", "Release"):
        segments: Any = shop.read("segments", by=f"DIMENSION_{name.upper()}")["segments"]
        assert [number(row[1]) for row in ui.table(f"Measures by {name}, in short")] == [
            segment["measures"]["counts"]["pageViews"] for segment in segments[:6]
        ]
    ui.click("text=All countries")
    assert "by=country" in ui.url


def test_a_column_heading_sorts_by_its_column(ui: Shown, shop: Visited) -> None:
    ui.open("pages", **shop.range)
    ui.click("th button:text-is('HTTP 5xx')")
    column = [number(row[8]) for row in ui.table("Pages")]

    assert column == sorted(column, reverse=True)
    assert ui.texts("th[aria-sort=descending]") == ["HTTP 5xx ▼"]
    assert "order=http_5xx" in ui.url


def test_a_filter_limits_every_view_and_is_in_the_url(ui: Shown, shop: Visited) -> None:
    counts = _counts(shop.read("overview", filter="browser=Firefox"))
    ui.open("overview", **shop.range)
    ui.click("summary:text-is('+ Filter')")
    ui.fill("input[name=value]", "Firefox")
    ui.click("text=Add the filter")
    shared = ui.url

    assert "filter=browser%3DFirefox" in shared
    assert number(ui.tiles()["Page views"]) == counts["pageViews"]

    ui.page.open("about:blank")
    ui.page.open(shared)
    ui.settle()
    assert number(ui.tiles()["Page views"]) == counts["pageViews"]
    ui.click("nav >> text=Segments")
    assert [row[0] for row in ui.table("Measures by Browser, in short")] == ["Firefox"]
    ui.click("button[aria-label='Remove the filter: Browser is Firefox']")
    assert len(ui.table("Measures by Browser, in short")) > 1


def test_dragging_over_a_chart_selects_its_time_range(ui: Shown, shop: Visited) -> None:
    ui.open("overview", **shop.range)
    before = number(ui.tiles()["Page views"])
    ui.page.do(_drag)
    ui.settle()

    assert shop.after < int(re.findall(r"after=(\d+)", ui.url)[0])
    assert number(ui.tiles()["Page views"]) < before


async def _drag(inner: PlaywrightPage) -> None:
    """Drag over the first quarter of the first chart."""
    chart = inner.locator(".u-over").first
    await chart.scroll_into_view_if_needed()
    box = await chart.bounding_box()
    assert box
    await inner.mouse.move(box["x"] + 20, box["y"] + 30)
    await inner.mouse.down()
    await inner.mouse.move(box["x"] + 20 + box["width"] / 4, box["y"] + 30, steps=3)
    await inner.mouse.up()


def test_events_appear_live(ui: Shown, shop: Visited) -> None:
    ui.open("live", text="brand-new")
    assert ui.texts(".timeline > li") == []
    request = hostile_visit(int(time.time() * 1000))
    request.rum_events[1].details = '{"type": "Error", "message": "brand-new error"}'
    shop.put([request])
    wait_until(lambda: ui.texts(".timeline > li"))

    assert "brand-new error" in ui.text(".timeline > li")


def test_live_events_are_limited_by_filters_and_type(ui: Shown, shop: Visited) -> None:
    members = {"filter": ["browser=Safari", "page!=/cart"], "type": "com.amazon.rum.http_event"}
    found: Any = shop.tail(**members)
    ui.open("live", filter=members["filter"])
    kinds = set(ui.texts(".timeline .mono"))
    ui.fill("input[list=event-types]", "http")
    ui.page.do(lambda inner: inner.keyboard.press("Enter"))
    ui.settle()

    assert len(kinds) > 3
    assert "type=http" in ui.url
    assert ui.texts(".chip")[0].startswith("Browser is Safari")
    expected = [event["summary"] for event in reversed(found["events"])]
    assert _first_lines(ui) == expected
    ui.click("button[aria-label='Remove the filter: Browser is Safari']")
    assert _first_lines(ui)[:100] != expected


def _first_lines(ui: Shown) -> list[str]:
    script = "() => [...document.querySelectorAll('.what')].map(what => what.firstChild.data)"
    found = ui.page.evaluate(script)
    assert isinstance(found, list)
    return found


def test_a_session_can_be_followed_live(ui: Shown, shop: Visited) -> None:
    ui.open("sessions", HOSTILE_SESSION, **shop.range)
    ui.click("text=Follow it live")
    shown = ui.texts(".timeline > li")
    shop.put([hostile_visit(int(time.time() * 1000))])
    wait_until(lambda: len(ui.texts(".timeline > li")) == len(shown) + 3)

    found: Any = shop.tail(sessionId=HOSTILE_SESSION)
    assert len(shown) + 3 == len(found["events"])
    ui.click("button[aria-label='Remove the limit to one session']")
    assert len(ui.texts(".timeline > li")) == 100


def test_events_of_a_custom_type_appear_live(ui: Shown, shop: Visited) -> None:
    ui.open("live", type="shop.checkout")
    assert "Waiting for events that meet the filter." in ui.text()
    request = hostile_visit(int(time.time() * 1000))
    request.rum_events[0].type = "shop.checkout"
    shop.put([request])
    wait_until(lambda: ui.texts(".timeline > li"))

    assert ui.texts(".timeline .mono") == ["shop.checkout"]


def test_a_custom_metric_shows_its_values(ui: Shown, shop: Visited) -> None:
    ui.open("monitors", MONITOR)
    ui.fill("input[placeholder=CheckoutDuration]", "Views")
    ui.fill("input[placeholder=Shop]", "Shop")
    ui.fill("textarea[name=pattern]", '{"event_type": ["com.amazon.rum.page_view_event"]}')
    ui.click("button:text-is('Add')")
    wait_until(lambda: ui.texts("table"))
    wait_until(lambda: _metric_values(shop))  # the projector reads definitions every few seconds
    ui.open("monitors", MONITOR)
    wait_until(lambda: ui.texts("table title"))

    label = f"Views: {sum(_metric_values(shop)):.0f} in all, "
    assert ui.texts("table title")[0].startswith(label)


def _metric_values(shop: Visited) -> list[float]:
    """Put one page view, unless the metric has a value. Return its values."""
    query = {"metricName": "Views", "namespace": "Shop", "statistic": "Sum", "periodSeconds": 3600}
    values: Any = shop.read("metric", **query)["values"]
    if not values:
        shop.put([hostile_visit(int(time.time() * 1000))])
    assert isinstance(values, list)
    return values


def test_texts_of_clients_stay_text_in_every_view(ui: Shown, shop: Visited) -> None:
    for view in ("overview", "pages", "errors", "http", "segments"):
        ui.open(view, **shop.range)
        assert HOSTILE in ui.page.evaluate("() => document.body.textContent"), view  # type: ignore[operator]
    fingerprint = next(g["fingerprint"] for g in _groups(shop) if HOSTILE in g["title"])
    for path in (("errors", fingerprint), ("sessions", HOSTILE_SESSION)):
        ui.open(*path, **shop.range)
        assert HOSTILE in ui.text()

    assert ui.page.evaluate("() => [window.hacked, document.querySelectorAll('img').length]") == [
        None,
        0,
    ]


def test_texts_of_clients_cannot_reverse_the_text_after_them(ui: Shown, shop: Visited) -> None:
    text, shown = "photo\u202egpj.exe\u2067", "photo\ufffdgpj.exe\ufffd"
    request = hostile_visit(shop.after + HOUR_MS, text)
    request.user_details.session_id = new_id()
    shop.put([request])
    fingerprint = next(g["fingerprint"] for g in _groups(shop) if text in g["title"])
    members = {**shop.range, "filter": f"page=/{text}"}
    for path in (
        *((view,) for view in ("overview", "pages", "errors", "http", "segments", "sessions")),
        ("pages", f"/{text}"),
        ("errors", fingerprint),
        ("sessions", request.user_details.session_id),
        ("live",),
    ):
        ui.open(*path, **members)
        found: Any = ui.page.evaluate(_EVERY_TEXT)
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", found), path
        assert shown in found, path
    ui.open("pages", **members)
    ui.click("main td a, main th a")

    assert ui.texts("h1") == [f"/{shown}"]
    assert ui.texts(".panel.vital, .empty")  # the link has the text as the client sent it


def test_letters_in_paths_are_not_encoded(ui: Shown, shop: Visited) -> None:
    text, shown = quote("äpfel & 桃\u202e%"), "äpfel%20%26%20桃\ufffd%25"
    request = hostile_visit(shop.after + HOUR_MS, text)
    request.user_details.session_id = new_id()
    shop.put([request])
    members = {**shop.range, "filter": f"page=/{text}"}
    for path in (("http",), ("sessions", request.user_details.session_id)):
        ui.open(*path, **members)
        assert shown in ui.text(), path
    ui.open("pages", **members)
    ui.click("main td a, main th a")

    assert ui.texts("h1") == [f"/{shown}"]
    assert ui.texts(".panel.vital, .empty")  # the link has the path as the client sent it


_EVERY_TEXT = """() => document.title + document.body.innerText
    + [...document.querySelectorAll("[title], [aria-label]")].map(e => e.title + e.ariaLabel)"""


def test_the_page_calls_only_its_own_server(ui: Shown, shop: Visited) -> None:
    for view in ("overview", "pages", "errors", "http", "sessions", "segments", "live", "monitors"):
        ui.open(view, **shop.range)

    assert len(ui.requests) > 50
    assert [url for url in ui.requests if not url.startswith(f"{shop.server.url}/")] == []


def test_an_empty_time_range_says_what_to_do_next(ui: Shown, shop: Visited) -> None:
    ui.open("overview", monitor=MONITOR, after=1_600_000_000_000, before=1_600_003_600_000)

    assert "No events in this time range." in ui.text()
    ui.click("text=Look at the last 30 days.")
    assert number(ui.tiles()["Page views"]) > 0
