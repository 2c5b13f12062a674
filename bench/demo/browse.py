"""A small shop with aws-rum-web, and visitors in Chromium who look around in it."""

from __future__ import annotations

__all__ = ["shop_site", "visit_for"]

import itertools
import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from playwright.async_api import Page as PlaywrightPage

from tests.tools.chromium import Browser, Page
from tests.tools.rum_page import bundle

_FILES = Path(__file__).parent / "site"
_PAGE_S = 2.0


class _Shop(BaseHTTPRequestHandler):
    """Serves every page of the shop, its scripts, and an API that fails sometimes."""

    page: ClassVar[bytes]
    scripts: ClassVar[dict[str, bytes]]
    requests: ClassVar[Iterator[int]]

    def do_GET(self) -> None:
        if self.path in self.scripts:
            self._answer(200, "text/javascript; charset=utf-8", self.scripts[self.path])
        elif self.path.startswith("/api/"):
            self._answer_api()
        else:
            self._answer(200, "text/html; charset=utf-8", self.page)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer_api()

    def _answer_api(self) -> None:
        number = next(self.requests)
        time.sleep(0.02 + 0.2 * (number % 5 == 0))
        status = 503 if "/payments/" in self.path and number % 3 == 0 else 200
        status = 404 if "/products/1222" in self.path else status
        self._answer(status, "application/json", b'{"price": 19.9, "total": 59.7}')

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing."""


@contextmanager
def shop_site(endpoint: str, app_monitor_id: str) -> Iterator[str]:
    """Serve the shop and yield its address. Raises ToolMissingError without aws-rum-web."""
    settings = {
        "endpoint": endpoint,
        "signing": False,
        "allowCookies": True,
        "releaseId": "1.5.0",
        "dispatchInterval": 2000,
        "enableXRay": True,  # the only way in which aws-rum-web measures the latency of requests
        "telemetries": ["errors", "performance", ["http", {"recordAllRequests": True}], "replay"],
    }
    arguments = json.dumps([app_monitor_id, "1.5.0", "us-east-1", settings]).replace("<", "\\u003c")
    content = {
        "page": (_FILES / "index.html").read_text().replace("SETTINGS", arguments).encode(),
        "scripts": {
            "/aws-rum-web.js": bundle().read_bytes(),
            "/shop.js": (_FILES / "shop.js").read_bytes(),
        },
        "requests": itertools.count(1),
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Shop", (_Shop,), content))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="shop")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def visit_for(browser: Browser, site: str, seconds: float) -> int:
    """Let one visitor after the other look around. Return their number."""
    rng = random.Random(1)
    ends = time.monotonic() + seconds
    visitors = 0
    while time.monotonic() < ends:
        visitors += 1
        with browser.page() as page:
            page.open(f"{site}/")
            while time.monotonic() < ends and rng.random() < 0.85:
                _act(page, rng)
                time.sleep(_PAGE_S * rng.random())
            page.open("about:blank")  # the shop's page sends its last events
    return visitors


def _act(page: Page, rng: random.Random) -> None:
    """Click a link or a button, chosen by chance."""
    count = page.evaluate("() => document.querySelectorAll('a, button').length")
    assert isinstance(count, int)
    number = rng.randrange(count)

    async def click(page: PlaywrightPage) -> None:
        await page.locator("a, button").nth(number).click(timeout=2_000)

    page.do(click)
