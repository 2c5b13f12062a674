"""Minified frames from a browser lead to the original code: a bundle of esbuild, and its map."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent, UserDetails
from tests.e2e.shown import Shown
from tests.e2e.visited import MONITOR, Visited, visited
from tests.support.batches import new_id
from tests.support.running import run_openrum, wait_until
from tests.tools.axe import violations
from tests.tools.chromium import Browser, Page
from tests.tools.node import run_node
from tests.tools.rum_page import RumPage, demo_site, npm_packages
from tests.tools.toolbox import tools_needed

_RELEASE = "2026.11.1"
_CODE = {
    "src/cart.ts": """\
export interface Item {
  name: string;
  price: number;
}

/** A cart of the shop, with a comment that the bundle does not have. */
export class ShoppingCart {
  private readonly items: Item[] = [];

  addItem(item: Item): void {
    if (item.price < 0) {
      throw new RangeError(`negative price of ${item.name}`); // 1: ShoppingCart.addItem
    }
    this.items.push(item);
  }
}
""",
    "src/checkout/pay.ts": """\
import { ShoppingCart, type Item } from "../cart";

export function payEverything(items: Item[]): void {
  const cart = new ShoppingCart();
  for (const item of items) {
    cart.addItem(item); // 2: payEverything
  }
}

export const readCard = (card: { number?: string }): string => {
  return card.number!.trim(); // 1: readCard
};
""",
    "src/main.ts": """\
import { payEverything, readCard } from "./checkout/pay";

function startCheckout(kind: string): void {
  if (kind === "price") {
    payEverything([{ name: "shoe", price: 5 }, { name: "sock", price: -1 }]); // 3: startCheckout
  } else {
    readCard({}); // 2: startCheckout
  }
}

Object.assign(globalThis, { startCheckout });
""",
}
# Sections are what some bundlers write for scripts that they join.
_SECTION = {"version": 3, "sources": ["../a.ts"], "names": [], "mappings": "AAAA"}
_ODD_MAPS = {
    "sections.js": json.dumps(
        {"version": 3, "sections": [{"offset": {"line": 4, "column": 0}, "map": _SECTION}]}
    ),
    "broken.js": json.dumps({"version": 3, "mappings": "AAAA", "sources": 7}),
}
_MARK = re.compile(r"// (\d): ([\w.]+)$")


class Position(NamedTuple):
    """A frame that the page should show."""

    function: str
    file: str
    line: int


def _marked(*files: str) -> list[Position]:
    """Return the marked positions in these files, innermost first."""
    found: dict[int, Position] = {}
    for file in files:
        for number, text in enumerate(_CODE[file].splitlines(), 1):
            if match := _MARK.search(text):
                found.setdefault(int(match[1]), Position(match[2], file, number))
    return [found[depth] for depth in sorted(found)]


_OF_PRICE = _marked("src/cart.ts", "src/checkout/pay.ts", "src/main.ts")
_OF_CARD = [
    Position("readCard", "src/checkout/pay.ts", 11),
    Position("startCheckout", "src/main.ts", 7),
]


def _build(folder: Path) -> dict[str, bytes]:
    """Bundle and minify the code with esbuild, and return the scripts by their paths."""
    for name, text in _CODE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    esbuild = npm_packages() / "esbuild" / "bin" / "esbuild"
    options = ["--bundle", "--minify", "--sourcemap", "--entry-names=assets/[name]-[hash]"]
    run_node(esbuild, "src/main.ts", *options, "--outdir=dist", "--log-level=warning", cwd=folder)
    dist = folder / "dist"
    return {f"/{path.relative_to(dist)}": path.read_bytes() for path in dist.rglob("*.js")}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Visited]:
    """A server with errors of a real bundle, whose source map is uploaded."""
    folder = tmp_path_factory.mktemp("shop")
    with visited(tmp_path_factory.mktemp("visited"), sessions=5) as found, tools_needed():
        server = found.server
        scripts = _build(folder)
        settings = {
            "releaseId": _RELEASE,
            "telemetries": [["errors", {"stackTraceLength": 2000}]],
            "dispatchInterval": 600_000,
        }
        site = demo_site(server.url, server.monitor_id(), settings, scripts=scripts)
        with site as url, browser.page() as page:
            visitor = RumPage(page, url)
            for kind in ("price", "card"):
                page.evaluate(
                    """kind => new Promise(thrown => {
                        addEventListener("error", () => thrown(), {once: true});
                        setTimeout(() => startCheckout(kind));
                    })""",
                    kind,
                )
            visitor.leave()
        (bundle,) = scripts.values()
        assert b"startCheckout" in bundle and b"payEverything" not in bundle
        yield found


@pytest.fixture(scope="module")
def uploaded(shop: Visited, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The output of the command that uploads the source map."""
    # The same build: hashes in names are those of the content.
    folder = tmp_path_factory.mktemp("build")
    _build(folder)
    ran = run_openrum(
        *("sourcemaps", "upload", MONITOR, "--release", _RELEASE, str(folder / "dist")),
        OPENRUM_SERVICE=shop.server.grpc,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture
def ui(page: Page, shop: Visited) -> Shown:
    """The page of this server, not opened yet."""
    return Shown(page, shop.server)


def _group(shop: Visited, text: str) -> str:
    """Return the fingerprint of the group whose title contains the text."""
    found: list[Any] = []

    def is_there() -> bool:
        listed: Any = shop.read("errors")
        found[:] = [group for group in listed["groups"] if text in group["title"]]
        return bool(found)

    wait_until(is_there)
    fingerprint = found[0]["fingerprint"]
    assert isinstance(fingerprint, str)
    return fingerprint


def _frames(ui: Shown) -> list[Position]:
    """Return the frames with original code that the page shows."""
    found = []
    for text in ui.texts(".frames summary"):
        function, _, place = text.partition(" ")
        file, line, _ = place.split(":")
        found.append(Position(function, file, int(line)))
    return found


def test_without_a_source_map_the_page_says_how_to_upload_one(ui: Shown, shop: Visited) -> None:
    ui.open("errors", _group(shop, "negative price"), **shop.range)
    ui.click("button:text-is('Show the original code')")
    wait_until(lambda: ui.texts("main [role=alert]"))

    assert f"openrum sourcemaps upload {MONITOR} --release {_RELEASE} dist" in ui.text()


@pytest.mark.parametrize(
    ("title", "expected"),
    [("negative price", _OF_PRICE), ("reading 'trim'", _OF_CARD)],
    ids=["price", "card"],
)
def test_minified_frames_lead_to_function_file_and_line(
    ui: Shown, shop: Visited, uploaded: str, title: str, expected: list[Position]
) -> None:
    ui.open("errors", _group(shop, title), **shop.range)
    before = ui.requests.copy()
    minified = ui.text("pre")
    ui.click("button:text-is('Show the original code')")
    wait_until(lambda: ui.texts(".frames"))
    line = expected[0].line
    (shown,) = ui.texts(".frames details[open] .here")

    assert uploaded == f"Uploaded 1 source map of {MONITOR}, release {_RELEASE}\n"
    assert _frames(ui) == expected
    assert shown.strip().split(maxsplit=1) == [
        str(line),
        _CODE[expected[0].file].splitlines()[line - 1].strip(),
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
    ui.open("errors", _group(shop, "in a section"), **shop.range)
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
    ui.open("errors", _group(shop, "in a broken map"), **shop.range)
    ui.click("button:text-is('Show the original code')")
    wait_until(lambda: ui.texts("main [role=alert]"))

    expected = [f"The source map of {url} cannot be read. Upload it again."]
    assert ui.texts("main [role=alert]") == expected


def test_the_original_code_works_with_screen_readers_and_on_phones(
    ui: Shown, shop: Visited, uploaded: str
) -> None:
    ui.open("errors", _group(shop, "negative price"), **shop.range)
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
