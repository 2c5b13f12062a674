"""The page at `/ui/` with screen readers, keyboards and phones, in light and dark."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from tests.e2e.shown import Shown
from tests.e2e.visited import HOSTILE_SESSION, MONITOR, Visited, hostile_visit, visited
from tests.insight.visits import HOUR_MS
from tests.support.batches import new_id
from tests.support.screenshots import DESKTOP, PHONE, keep
from tests.tools.axe import violations
from tests.tools.chromium import Page
from tests.tools.toolbox import tools_needed

_VIEWS = [
    ("overview",),
    ("pages",),
    ("pages", "/cart"),
    ("errors",),
    ("http",),
    ("sessions",),
    ("sessions", HOSTILE_SESSION),
    ("segments",),
    ("live",),
    ("monitors",),
    ("monitors", MONITOR),
    ("nonsense",),
]
_IDS = [" ".join(view) for view in _VIEWS]
_OVERFLOWING_CELLS = """() => [...document.querySelectorAll("td")]
    .filter(cell => cell.scrollWidth > cell.clientWidth)
    .map(cell => cell.textContent)"""
_WIDTHS = "() => [document.documentElement.scrollWidth, innerWidth]"
_NO_POLICY = "error: Failed to load resource: the server responded with a status of 404 (Not Found)"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visited]:
    """A server with visits."""
    with visited(tmp_path_factory.mktemp("visited")) as found:
        yield found


@pytest.fixture
def ui(page: Page, shop: Visited) -> Shown:
    """The page of this server, not opened yet."""
    return Shown(page, shop.server)


def _violations(ui: Shown, name: str) -> tuple[list[str], list[str], list[str]]:
    """Return what axe finds in light, in dark, and then on a phone. Keep a picture of each."""
    ui.page.do(lambda inner: inner.set_viewport_size(DESKTOP))
    light = _violations_in(ui, f"{name}-light")
    ui.page.do(lambda inner: inner.emulate_media(color_scheme="dark"))
    dark = _violations_in(ui, f"{name}-dark")
    ui.page.do(lambda inner: inner.set_viewport_size(PHONE))
    return light, dark, _violations_in(ui, f"{name}-phone")


def _violations_in(ui: Shown, name: str) -> list[str]:
    keep(ui.page, name)
    with tools_needed():
        return violations(ui.page)


@pytest.mark.parametrize("view", _VIEWS, ids=_IDS)
def test_every_view_works_with_screen_readers_in_both_schemes_and_on_phones(
    ui: Shown, shop: Visited, view: tuple[str, ...]
) -> None:
    ui.open(*view, **shop.range)

    assert _violations(ui, "-".join(view).replace("/", "")) == ([], [], [])
    assert ui.page.evaluate(_WIDTHS) == [390, 390]
    # Violations of the Content-Security-Policy would be here, too.
    assert [line for line in ui.page.console if line != _NO_POLICY] == []


def test_an_error_group_works_with_screen_readers(ui: Shown, shop: Visited) -> None:
    groups: Any = shop.read("errors")["groups"]
    ui.open("errors", groups[0]["fingerprint"], **shop.range)

    assert _violations(ui, "error") == ([], [], [])
    assert ui.page.evaluate(_WIDTHS) == [390, 390]
    assert [line for line in ui.page.console if line != _NO_POLICY] == []


def test_long_texts_of_clients_fit_on_a_phone(ui: Shown, shop: Visited) -> None:
    request = _long_visit(shop.after + HOUR_MS)
    shop.put([request])
    groups: Any = shop.read("errors")["groups"]
    (group,) = [item for item in groups if "mmm" in item["title"]]
    pages: Any = shop.read("segments", by="DIMENSION_PAGE", maxResults=200)["segments"]
    (long,) = [item["value"] for item in pages if "/long" in item["value"]]
    views: list[tuple[tuple[str, ...], dict[str, str]]] = [
        *(((view,), {}) for view in ("overview", "pages", "errors", "http", "sessions", "live")),
        (("errors", group["fingerprint"]), {}),
        (("sessions", request.user_details.session_id), {}),
        (("pages", long), {"filter": f"page={long}"}),
        (("segments",), {"filter": f"page={long}"}),
    ]
    ui.page.do(lambda inner: inner.set_viewport_size({"width": 390, "height": 844}))
    widths = {}
    for path, members in views:
        ui.open(*path, **shop.range, **members)
        widths[path] = ui.page.evaluate("() => document.documentElement.scrollWidth")
    ui.open("sessions", **shop.range, filter=f"page={long}")

    assert set(widths.values()) == {390}, widths
    assert ui.page.evaluate(_OVERFLOWING_CELLS) == []


def _long_visit(time_ms: int) -> PutRumEventsRequest:
    """Return a batch whose texts are long words."""
    request = hostile_visit(time_ms)
    request.user_details.session_id = new_id()
    page = "/long" + "-without-end" * 50
    url = f"https://a.example{page}"
    stack = f"TypeError: m\n    at {'f' * 300} ({url}.js:1:2)"
    details = [
        {"pageId": url, "pageInteractionId": "l-0"},
        {"type": "TypeError", "message": "m" * 700, "stack": stack, "filename": f"{url}.js"},
        {"request": {"method": "GET", "url": url}, "response": {"status": 500}},
    ]
    metadata = {
        "pageId": page,
        "browserName": "b" * 300,
        "osName": "o" * 300,
        "deviceType": "d" * 300,
        "aws:releaseId": "r" * 200,
    }
    for event, members in zip(request.rum_events, details, strict=True):
        event.details = json.dumps({"version": "1.0.0", **members})
        event.metadata = json.dumps(metadata)
    return request


def test_the_keyboard_reaches_the_content_and_the_views(ui: Shown, shop: Visited) -> None:
    ui.open("overview", **shop.range)
    ui.page.do(lambda inner: inner.keyboard.press("Tab"))
    first = ui.text(":focus")
    ui.page.do(lambda inner: inner.keyboard.press("Enter"))
    main = ui.page.evaluate("() => document.activeElement.id")
    ui.page.do(lambda inner: inner.focus("nav a[href*='errors']"))
    ui.page.do(lambda inner: inner.keyboard.press("Enter"))
    ui.settle()

    assert (first, main) == ("Skip to the content", "main")
    assert ui.text(":focus") == "Errors"
    assert ui.page.evaluate("() => document.title") == "Errors · OpenRUM"


def test_escape_closes_the_form_for_a_filter(ui: Shown, shop: Visited) -> None:
    ui.open("overview", **shop.range)
    ui.page.do(lambda inner: inner.focus(".popover summary"))
    ui.page.do(lambda inner: inner.keyboard.press("Enter"))
    ui.fill("input[name=value]", "Fire")
    ui.page.do(lambda inner: inner.keyboard.press("Escape"))
    ui.settle()

    assert ui.texts(".popover form") == []
    assert ui.text(":focus") == "+ Filter"


def test_the_form_for_a_filter_fits_on_a_phone(ui: Shown, shop: Visited) -> None:
    ui.page.do(lambda inner: inner.set_viewport_size({"width": 390, "height": 844}))
    for view in ("overview", "live"):
        ui.open(view, **shop.range)
        ui.click(".popover summary")
        box = ui.page.evaluate(
            "() => { const {left, right} = document.querySelector('.popover form')"
            ".getBoundingClientRect(); return [left, right, document.body.scrollWidth]; }"
        )

        assert box == [10, 380, 390]


def test_every_chart_and_every_table_has_a_name(ui: Shown, shop: Visited) -> None:
    ui.open("overview", **shop.range)
    charts = ui.texts(".chart > .numbers > summary")
    captions = ui.page.evaluate(
        "() => [...document.querySelectorAll('table')].map(t => t.caption?.textContent ?? '')"
    )

    assert len(charts) == len(ui.texts(".chart")) == 5
    assert len(set(charts)) == 5
    assert isinstance(captions, list)
    assert all(captions)
