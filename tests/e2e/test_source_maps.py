"""Minified frames from a browser lead to the original code: a bundle of esbuild, and its map."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent, UserDetails
from tests.e2e.bundled import (
    CODE,
    OF_CARD,
    OF_PRICE,
    RELEASE,
    Position,
    build,
    frames,
    group,
    throw_errors,
    upload,
)
from tests.e2e.shown import Shown
from tests.e2e.visited import MONITOR, Visited, visited
from tests.support.batches import new_id
from tests.support.running import run_openrum, wait_until
from tests.tools.axe import violations
from tests.tools.chromium import Browser, Page
from tests.tools.toolbox import tools_needed

# Sections are what some bundlers write for scripts that they join.
_SECTION = {"version": 3, "sources": ["../a.ts"], "names": [], "mappings": "AAAA"}
_ODD_MAPS = {
    "sections.js": json.dumps(
        {"version": 3, "sections": [{"offset": {"line": 4, "column": 0}, "map": _SECTION}]}
    ),
    "broken.js": json.dumps({"version": 3, "mappings": "AAAA", "sources": 7}),
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Visited]:
    """A server with errors of a real bundle, whose source map is uploaded."""
    with visited(tmp_path_factory.mktemp("visited"), sessions=5) as found, tools_needed():
        scripts = build(tmp_path_factory.mktemp("shop"), "esbuild")
        throw_errors(found, browser, scripts, RELEASE)
        (bundle,) = scripts.values()
        assert b"startCheckout" in bundle and b"payEverything" not in bundle
        yield found


@pytest.fixture(scope="module")
def uploaded(shop: Visited, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The output of the command that uploads the source map."""
    # The same build: hashes in names are those of the content.
    folder = tmp_path_factory.mktemp("build")
    build(folder, "esbuild")
    return upload(shop, folder / "dist", RELEASE)


@pytest.fixture
def ui(page: Page, shop: Visited) -> Shown:
    """The page of this server, not opened yet."""
    return Shown(page, shop.server)


def test_without_a_source_map_the_page_says_how_to_upload_one(ui: Shown, shop: Visited) -> None:
    ui.open("errors", group(shop, "negative price"), **shop.range)
    ui.click("button:text-is('Show the original code')")
    wait_until(lambda: ui.texts("main [role=alert]"))

    assert f"openrum sourcemaps upload {MONITOR} --release {RELEASE} dist" in ui.text()


@pytest.mark.parametrize(
    ("title", "expected"),
    [("negative price", OF_PRICE), ("reading 'trim'", OF_CARD)],
    ids=["price", "card"],
)
def test_minified_frames_lead_to_function_file_and_line(
    ui: Shown, shop: Visited, uploaded: str, title: str, expected: list[Position]
) -> None:
    ui.open("errors", group(shop, title), **shop.range)
    before = ui.requests.copy()
    minified = ui.text("pre")
    ui.click("button:text-is('Show the original code')")
    wait_until(lambda: ui.texts(".frames"))
    line = expected[0].line
    (shown,) = ui.texts(".frames details[open] .here")

    assert uploaded == f"Uploaded 1 source map of {MONITOR}, release {RELEASE}\n"
    assert frames(ui) == expected
    assert shown.strip().split(maxsplit=1) == [
        str(line),
        CODE[expected[0].file].splitlines()[line - 1].strip(),
    ]
    # The minified frames stay beside the original ones.
    assert re.search(r"assets/main-\w+\.js:\d+:\d+", minified)
    assert [text for text in ui.texts(".frames .minified") if "assets/main-" in text]
    assert not any("source-maps" in url or "trace-mapping" in url for url in before)


def _put_error(shop: Visited, message: str, stack: str) -> None:
    """Store an error without a release."""
    details = {"version": "1.0.0", "type": "Error", "message": message, "stack": stack}
    event = RumEvent(
        id=new_id(),
        timestamp=shop.after / 1000 + 3600,
        type="com.amazon.rum.js_error_event",
        details=json.dumps(details),
        metadata="{}",
    )
    user = UserDetails(user_id=new_id(), session_id=new_id())
    put = PutRumEventsRequest(
        batch_id=new_id(), app_monitor_details={}, user_details=user, rum_events=[event]
    )
    shop.put([put])


def _upload_odd_maps(shop: Visited, folder: Path) -> None:
    for name, text in _ODD_MAPS.items():
        (folder / f"{name}.map").write_text(text)
    command = ("sourcemaps", "upload", MONITOR, "--release", "odd", str(folder))
    assert run_openrum(*command, OPENRUM_SERVICE=shop.server.grpc).returncode == 0


def test_a_map_with_sections_and_without_code_shows_file_and_line(
    ui: Shown, shop: Visited, tmp_path: Path
) -> None:
    _upload_odd_maps(shop, tmp_path)
    url = "https://shop.example/x/sections.js"
    _put_error(shop, "in a section", f"f@{url}:5:1\ng@{url}:3\nh@{url}:999999999:999999999")
    ui.open("errors", group(shop, "in a section"), **shop.range)
    ui.click("button:text-is('Show the original code')")
    wait_until(lambda: ui.texts(".frames"))

    assert ui.texts(".frames li") == [
        f"f a.ts:1:1\n\nf {url}:5:1",
        f"g {url}:3",
        f"h {url}:999999999:999999999",
    ]


def test_a_map_that_cannot_be_read_is_named(ui: Shown, shop: Visited, tmp_path: Path) -> None:
    _upload_odd_maps(shop, tmp_path)
    url = "https://shop.example/broken.js"
    _put_error(shop, "in a broken map", f"f@{url}:1:1")
    ui.open("errors", group(shop, "in a broken map"), **shop.range)
    ui.click("button:text-is('Show the original code')")
    wait_until(lambda: ui.texts("main [role=alert]"))

    expected = [f"The source map of {url} cannot be read. Upload it again."]
    assert ui.texts("main [role=alert]") == expected


def test_the_original_code_works_with_screen_readers_and_on_phones(
    ui: Shown, shop: Visited, uploaded: str
) -> None:
    ui.open("errors", group(shop, "negative price"), **shop.range)
    ui.click("button:text-is('Show the original code')")
    wait_until(lambda: ui.texts(".frames"))
    with tools_needed():
        light = violations(ui.page)
        ui.page.do(lambda inner: inner.emulate_media(color_scheme="dark"))
        dark = violations(ui.page)
    ui.page.do(lambda inner: inner.set_viewport_size({"width": 390, "height": 844}))
    widths = ui.page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")

    assert (light, dark) == ([], [])
    assert widths == [390, 390]
