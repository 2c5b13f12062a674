"""The page at `/ui/` in a browser: opens its views, and reads what they show."""

from __future__ import annotations

import json
import re
from urllib.parse import quote, urlencode

from playwright.async_api import Page as PlaywrightPage

from tests.support.running import OpenRum, wait_until
from tests.tools.chromium import Page

_BUSY_S = 60.0
# A change of the URL is rendered in a later task, and requests start after the next paint.
_SETTLED = """async () => {
    for (let number = 0; number < 4; number += 1) {
        await new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)));
    }
    const loading = "main [role=status]:not(.banner, .waiting), [aria-busy=true]";
    const isShown = (found) => !found.closest("[hidden]");
    return document.querySelector("main h1") !== null &&
        ![...document.querySelectorAll(loading)].some(isShown);
}"""
# On a busy machine, queries may take too long. It returns whether there was one.
_TRY_AGAIN = """() => {
    const slow = [...document.querySelectorAll(".failure")]
        .filter(found => found.textContent.startsWith("The query took longer"));
    slow.forEach(found => found.querySelector("button")?.click());
    return slow.length > 0;
}"""
_TEXTS = """selector => [...document.querySelectorAll(selector)]
    .map(found => found.innerText ?? found.textContent)"""
_TABLES = """caption => [...document.querySelectorAll("table")]
    .filter(table => table.caption?.textContent === caption)
    .map(table => [...table.tBodies[0].rows]
        .map(row => [...row.cells].map(cell => cell.innerText)))"""


class Shown:
    """The page of one server."""

    def __init__(self, page: Page, server: OpenRum) -> None:
        self.page = page
        self._server = server
        self.requests: list[str] = []
        page.do(self._record)

    async def _record(self, inner: PlaywrightPage) -> None:
        inner.on("request", lambda request: self.requests.append(request.url))

    def open(self, *path: str, **parameters: object) -> None:
        """Open a view, and wait until it has loaded everything or waits for the projector."""
        view = "/".join(quote(segment, safe="") for segment in path)
        query = urlencode(parameters, doseq=True)
        self.page.open("about:blank")
        self.page.open(f"{self._server.url}/ui/#/{view}?{query}")
        self.settle()

    def settle(self) -> None:
        """Wait until the view has loaded everything."""
        wait_until(
            lambda: self.page.evaluate(_SETTLED) and not self.page.evaluate(_TRY_AGAIN), _BUSY_S
        )

    def click(self, selector: str) -> None:
        self.page.do(lambda inner: inner.click(selector))
        self.settle()

    def fill(self, selector: str, text: str) -> None:
        self.page.do(lambda inner: inner.fill(selector, text))

    def choose(self, selector: str, value: str) -> None:
        self.page.do(lambda inner: inner.select_option(selector, value))
        self.settle()

    def texts(self, selector: str) -> list[str]:
        """Return the texts of elements, as a person sees them."""
        found = self.page.evaluate(_TEXTS, selector)
        assert isinstance(found, list)
        return found

    def text(self, selector: str = "main") -> str:
        return "\n".join(self.texts(selector))

    def table(self, caption: str) -> list[list[str]]:
        """Return the texts of the cells of the table with this caption."""
        found = self.page.evaluate(_TABLES, caption)
        assert isinstance(found, list)
        assert len(found) == 1, f"{len(found)} tables {caption!r} in: {self.text()}"
        rows = found[0]
        assert isinstance(rows, list)
        return rows

    def tiles(self) -> dict[str, str]:
        """Return the big numbers by their names."""
        return dict(zip(self.texts(".tile h2"), self.texts(".tile .number"), strict=True))

    @property
    def url(self) -> str:
        url = self.page.evaluate("() => location.href")
        assert isinstance(url, str)
        return url


def number(text: str) -> float:
    """Return a number that the page shows, such as "1,264" or "17%"."""
    return float(re.sub(r"[,%]", "", text))


def read_api(server: OpenRum, *path: str, **members: object) -> dict[str, object]:
    """Return a document of the REST API."""
    query = urlencode(members, doseq=True)
    status, text = server.get(f"/{'/'.join(quote(segment, safe='') for segment in path)}?{query}")
    assert status == 200, text
    document = json.loads(text)
    assert isinstance(document, dict)
    return document
