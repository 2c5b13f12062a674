"""The page at `/ui/` with screen readers, keyboards and phones, in light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.shown import Shown
from tests.e2e.visited import HOSTILE_SESSION, MONITOR, Visited, visited
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


@pytest.mark.parametrize("view", _VIEWS, ids=_IDS)
def test_every_view_works_with_screen_readers_in_both_schemes_and_on_phones(
    ui: Shown, shop: Visited, view: tuple[str, ...]
) -> None:
    ui.open(*view, **shop.range)
    with tools_needed():
        light = violations(ui.page)
        ui.page.do(lambda inner: inner.emulate_media(color_scheme="dark"))
        dark = violations(ui.page)
        ui.page.do(lambda inner: inner.set_viewport_size({"width": 390, "height": 844}))
        phone = violations(ui.page)
    widths = ui.page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")

    assert (light, dark, phone) == ([], [], [])
    assert widths == [390, 390]
    # Violations of the Content-Security-Policy would be here, too.
    assert [line for line in ui.page.console if line != _NO_POLICY] == []


def test_an_error_group_works_with_screen_readers(ui: Shown, shop: Visited) -> None:
    groups: Any = shop.read("errors")["groups"]
    ui.open("errors", groups[0]["fingerprint"], **shop.range)
    with tools_needed():
        found = violations(ui.page)

    assert found == []
    assert [line for line in ui.page.console if line != _NO_POLICY] == []


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
