"""Minified frames lead to the original code with Vite and webpack, too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.bundled import (
    OF_CARD,
    OF_PRICE,
    build,
    frames,
    group,
    throw_errors,
    upload,
)
from tests.e2e.shown import Shown
from tests.e2e.visited import Visited, visited
from tests.support.running import wait_until
from tests.tools.chromium import Browser, Page
from tests.tools.toolbox import tools_needed

pytestmark = pytest.mark.slow

_EXPECTED = {
    "vite": (OF_PRICE, OF_CARD),
    # Its minifier puts readCard into startCheckout, so that the stack has one frame for both.
    "webpack": (OF_PRICE, OF_CARD[:1]),
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visited]:
    """A server with a few visits."""
    with visited(tmp_path_factory.mktemp("visited"), sessions=5) as found:
        yield found


@pytest.mark.parametrize("bundler", _EXPECTED)
def test_minified_frames_lead_to_function_file_and_line(
    shop: Visited, browser: Browser, page: Page, tmp_path: Path, bundler: str
) -> None:
    release = f"of-{bundler}"
    with tools_needed():
        throw_errors(shop, browser, build(tmp_path, bundler), release)
    printed = upload(shop, tmp_path / "dist", release)
    ui = Shown(page, shop.server)
    found = []
    for title in ("negative price", "reading 'trim'"):
        limit = {"filter": f"release={release}"}
        ui.open("errors", group(shop, title, **limit), **shop.range, **limit)
        ui.click("button:text-is('Show the original code')")
        wait_until(lambda: ui.texts(".frames"))
        found.append(frames(ui))

    assert printed.startswith("Uploaded 1 source map of ")
    assert found == list(_EXPECTED[bundler])
