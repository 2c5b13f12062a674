"""Source maps on the page at `/ui/`: each release with its scripts, and how to delete them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Route

from tests.e2e.shown import Shown, read_api
from tests.support.running import OpenRum, run_openrum, wait_until
from tests.tools.axe import violations
from tests.tools.chromium import Page
from tests.tools.toolbox import tools_needed

_MAP = json.dumps({"version": 3, "sources": ["a.ts"], "names": [], "mappings": "AAAA"})
_HOSTILE = "<b>1.0"


@pytest.fixture
def ui(openrum: OpenRum, page: Page, tmp_path: Path) -> Iterator[Shown]:
    """The page, and two releases with source maps, of which the second is newer."""
    for release, scripts in {_HOSTILE: ["a.js", "b.js"], "1.1": ["a.js"]}.items():
        folder = tmp_path / scripts[-1]
        folder.mkdir()
        for script in scripts:
            (folder / f"{script}.map").write_text(_MAP)
        command = ("sourcemaps", "upload", "my-app", "--release", release, str(folder))
        assert run_openrum(*command, OPENRUM_SERVICE=openrum.grpc).returncode == 0
    yield Shown(page, openrum)
    for release in (_HOSTILE, "1.1"):
        command = ("sourcemaps", "delete", "my-app", "--release", release)
        assert run_openrum(*command, OPENRUM_SERVICE=openrum.grpc).returncode == 0


def _listed(openrum: OpenRum) -> list[tuple[str, str]]:
    found: Any = read_api(openrum, "insight", "my-app", "source-maps")["sourceMaps"]
    return [(item["release"], item["file"]) for item in found]


def test_source_maps_are_listed_by_release_newest_first(ui: Shown, openrum: OpenRum) -> None:
    ui.open("monitors", "my-app")
    summaries = ui.texts(".release summary")
    ui.click(f".release:has-text('{_HOSTILE}') summary")
    rows = ui.table(f"Source maps of release {_HOSTILE}")

    assert [text.split(" ")[0] for text in summaries] == ["1.1", _HOSTILE]
    assert f"1 script, {len(_MAP)} B, uploaded " in summaries[0]
    assert f"2 scripts, {2 * len(_MAP)} B, uploaded " in summaries[1]
    assert sorted(row[0] for row in rows) == ["a.js", "b.js"]
    assert {row[1] for row in rows} == {f"{len(_MAP)} B"}
    assert " of 1.07 GB used" in ui.text()
    assert "openrum sourcemaps upload my-app --release RELEASE dist" in ui.text()


def test_one_source_map_or_a_release_is_deleted_after_a_question(
    ui: Shown, openrum: OpenRum
) -> None:
    ui.open("monitors", "my-app")
    ui.click(f".release:has-text('{_HOSTILE}') summary")
    ui.click("button[aria-label='Delete the source map of b.js']")
    asked = _listed(openrum)
    focused = ui.text(":focus")
    ui.click("button:text-is('Keep')")
    kept = ui.page.evaluate("() => document.activeElement.ariaLabel")
    ui.page.do(lambda inner: inner.keyboard.press("Enter"))
    ui.settle()
    ui.click("button[aria-label='Really delete the source map of b.js']")
    wait_until(lambda: "b.js" not in ui.text())
    without_script = _listed(openrum)
    ui.click("button[aria-label='Delete all source maps of release <b>1.0']")
    ui.click("button[aria-label='Really delete source maps of release <b>1.0']")
    wait_until(lambda: len(ui.texts(".release")) == 1)

    assert len(asked) == 3
    assert (focused, kept) == ("Really delete", "Delete the source map of b.js")
    assert sorted(without_script) == [("1.1", "a.js"), (_HOSTILE, "a.js")]
    assert _listed(openrum) == [("1.1", "a.js")]


def test_a_source_map_of_a_later_page_disappears_when_it_is_deleted(
    ui: Shown, openrum: OpenRum
) -> None:
    ui.page.do(lambda inner: inner.route("**/monitor_source_maps.js", _with_short_pages))
    ui.open("monitors", "my-app")
    for _ in range(2):
        ui.click("button:text-is('Show more')")
    shown = len(ui.texts(".release"))
    ui.click(f".release:has-text('{_HOSTILE}') summary")
    ui.click("button[aria-label='Delete the source map of b.js']")
    ui.click("button[aria-label='Really delete the source map of b.js']")

    assert shown == 2
    assert (_HOSTILE, "b.js") not in _listed(openrum)
    wait_until(lambda: "b.js" not in ui.text())


async def _with_short_pages(route: Route) -> None:
    """Serve the view with pages of one source map."""
    response = await route.fetch()
    text = await response.text()
    for constant in ("PAGE = 200", "READ_AT_ONCE = 2000"):
        assert constant in text
        text = text.replace(constant, f"{constant.split(' ')[0]} = 1")
    await route.fulfill(response=response, body=text)


def test_a_deletion_that_fails_says_why(ui: Shown, openrum: OpenRum) -> None:
    ui.open("monitors", "my-app")
    ui.page.do(lambda inner: inner.route("**/source-maps?*", lambda route: route.abort()))
    ui.click(".release >> nth=0 >> summary")
    ui.click(".release[open] button:text-is('Delete all')")
    ui.click(".release[open] button.danger")
    wait_until(lambda: ui.texts(".release [role=alert]"))

    assert ui.text(".release [role=alert]") == "The server does not respond."
    assert len(_listed(openrum)) == 3


def test_source_maps_work_with_screen_readers_and_on_phones(ui: Shown) -> None:
    ui.open("monitors", "my-app")
    ui.click(f".release:has-text('{_HOSTILE}') summary")
    ui.click("button[aria-label='Delete the source map of b.js']")
    with tools_needed():
        light = violations(ui.page)
        ui.page.do(lambda inner: inner.emulate_media(color_scheme="dark"))
        dark = violations(ui.page)
    ui.page.do(lambda inner: inner.set_viewport_size({"width": 390, "height": 844}))
    widths = ui.page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")

    assert (light, dark) == ([], [])
    assert widths == [390, 390]
