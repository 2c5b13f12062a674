"""Takes pictures of every view of the page: `python -m bench.screenshots`.

Fills a new database with the month of `make demo`, and writes var/pictures/VIEW-SCHEME.png for
light, dark and phones. With --docs it also renews docs/page-light.png, page-dark.png and
page-phone.png.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import ViewportSize

from bench.demo.fill import fill
from bench.demo.shop import SHOP
from tests.e2e.shown import Shown, read_api
from tests.support.running import OpenRum, wait_until
from tests.support.screenshots import DESKTOP, PHONE, keep
from tests.tools.chromium import Browser, chromium

_ROOT = Path(__file__).resolve().parents[1]
_PAGE = "/checkout"
_SCHEMES: Mapping[str, tuple[ViewportSize, Literal["light", "dark"]]] = {
    "light": (DESKTOP, "light"),
    "dark": (DESKTOP, "dark"),
    "phone": (PHONE, "light"),
}


class _Projecting(OpenRum):
    projects = True


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(prog="python -m bench.screenshots", description=__doc__)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--folder", type=Path, default=_ROOT / "var" / "pictures")
    parser.add_argument("--docs", action="store_true", help="renew those of the README")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(f"sqlite:///{folder}/openrum.sqlite3", options.events)
        with _Projecting(folder) as server, chromium() as browser:
            wait_until(lambda: _is_current(server), timeout_s=600)
            for scheme in _SCHEMES:
                _take(server, browser, scheme, options.folder)
                if options.docs:
                    _take_for_docs(server, browser, scheme)
    print(f"Pictures: {options.folder}")


def _is_current(server: OpenRum) -> bool:
    if server.get("/insight-state")[0] != 200:
        return False
    freshness: Any = read_api(server, "insight-state")["freshness"]
    return bool(0 < freshness["logSequence"] == freshness["projectedSequence"])


def _take(server: OpenRum, browser: Browser, scheme: str, folder: Path) -> None:
    with _window(server, browser, scheme) as ui:
        for name, path, members in _views(server):
            ui.open(*path, monitor=SHOP.name, **members)
            keep(ui.page, f"{name}-{scheme}", folder)


def _take_for_docs(server: OpenRum, browser: Browser, scheme: str) -> None:
    with _window(server, browser, scheme) as ui:
        ui.open("overview", monitor=SHOP.name)
        keep(ui.page, f"page-{scheme}", _ROOT / "docs", whole=False)


@contextmanager
def _window(server: OpenRum, browser: Browser, scheme: str) -> Iterator[Shown]:
    size, colors = _SCHEMES[scheme]
    with browser.page() as page:
        page.do(lambda inner: inner.set_viewport_size(size))
        page.do(lambda inner: inner.emulate_media(color_scheme=colors))
        yield Shown(page, server)


def _views(server: OpenRum) -> Iterator[tuple[str, tuple[str, ...], dict[str, str]]]:
    """Yield the name, the path and the parameters of each view."""
    for view in ("overview", "pages", "errors", "http", "sessions", "segments", "live", "monitors"):
        yield view, (view,), {}
    yield "page", ("pages", _PAGE), {"filter": f"page={_PAGE}"}
    yield "segment", ("segments",), {"by": "browser"}
    yield "monitor", ("monitors", SHOP.name), {}
    yield "month", ("overview",), {"range": "30d"}
    yield "empty", ("overview",), {"filter": "browser=Netscape"}
    now_ms = float(read_api(server, "insight-state")["updatedMs"])  # type: ignore[arg-type]
    day = {"after": now_ms - 86_400_000, "before": now_ms}
    groups: Any = read_api(server, "insight", SHOP.name, "errors", **day)["groups"]
    yield "error", ("errors", groups[0]["fingerprint"]), {}
    sessions: Any = read_api(server, "insight", SHOP.name, "sessions", **day, failed="true")
    yield "session", ("sessions", sessions["sessions"][0]["sessionId"]), {}


if __name__ == "__main__":
    main()
