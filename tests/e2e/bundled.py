"""A small shop in TypeScript, bundled and minified, whose functions throw errors in a browser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from tests.e2e.shown import Shown
from tests.e2e.visited import MONITOR, Visited
from tests.support.running import run_openrum, wait_until
from tests.tools.bundlers import BUNDLERS
from tests.tools.chromium import Browser
from tests.tools.rum_page import RumPage, demo_site

__all__ = [
    "CODE",
    "OF_CARD",
    "OF_PRICE",
    "RELEASE",
    "Position",
    "build",
    "frames",
    "group",
    "throw_errors",
    "upload",
]

RELEASE = "2026.11.1"
CODE = {
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
        for number, text in enumerate(CODE[file].splitlines(), 1):
            if match := _MARK.search(text):
                found.setdefault(int(match[1]), Position(match[2], file, number))
    return [found[depth] for depth in sorted(found)]


OF_PRICE = _marked("src/cart.ts", "src/checkout/pay.ts", "src/main.ts")
OF_CARD = [
    Position("readCard", "src/checkout/pay.ts", 11),
    Position("startCheckout", "src/main.ts", 7),
]


def build(folder: Path, bundler: str) -> dict[str, bytes]:
    """Bundle and minify the code, and return the scripts by their paths."""
    for name, text in CODE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    BUNDLERS[bundler](folder)
    dist = folder / "dist"
    return {f"/{path.relative_to(dist)}": path.read_bytes() for path in dist.rglob("*.js")}


def throw_errors(shop: Visited, browser: Browser, scripts: dict[str, bytes], release: str) -> None:
    """Open a page with these scripts, and let both functions throw."""
    settings = {
        "releaseId": release,
        "telemetries": [["errors", {"stackTraceLength": 2000}]],
        "dispatchInterval": 600_000,
    }
    site = demo_site(shop.server.url, shop.server.monitor_id(), settings, scripts=scripts)
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


def upload(shop: Visited, folder: Path, release: str) -> str:
    """Upload the source maps in a folder, and return what the command printed."""
    ran = run_openrum(
        *("sourcemaps", "upload", MONITOR, "--release", release, str(folder)),
        OPENRUM_SERVICE=shop.server.grpc,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def group(shop: Visited, text: str, **members: object) -> str:
    """Return the fingerprint of the group whose title contains the text."""
    found: list[Any] = []

    def is_there() -> bool:
        listed: Any = shop.read("errors", **members)
        found[:] = [item for item in listed["groups"] if text in item["title"]]
        return bool(found)

    wait_until(is_there)
    fingerprint = found[0]["fingerprint"]
    assert isinstance(fingerprint, str)
    return fingerprint


def frames(ui: Shown) -> list[Position]:
    """Return the frames with original code that the page shows."""
    found = []
    for text in ui.texts(".frames summary"):
        function, _, place = text.partition(" ")
        file, line, _ = place.split(":")
        found.append(Position(function, file, int(line)))
    return found
