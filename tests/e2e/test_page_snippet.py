"""The code that the page at `/ui/` gives out runs unchanged, and its events arrive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.guarded import Guarded
from tests.e2e.shown import Shown
from tests.e2e.snippet_site import npm_page, script_tag_page, site
from tests.e2e.stored import stored_events
from tests.support.running import OpenRum, wait_until
from tests.tools.chromium import Browser, Page


@pytest.fixture(scope="module", params=["open", "guarded"])
def server(request: pytest.FixtureRequest) -> OpenRum:
    """A server that authorizes nobody, and one that authorizes callers."""
    found = request.getfixturevalue({"open": "openrum"}.get(request.param, request.param))
    assert isinstance(found, OpenRum)
    return found


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Guarded]:
    """A server that authorizes callers. Its page has allowed everyone to send."""
    with Guarded(tmp_path_factory.mktemp("guarded")) as running:
        with browser.page() as page:
            ui = _opened(Shown(page, running), running)
            ui.click("button:text-is('Insert: everyone may send')")
            ui.click("button:text-is('Save')")
            wait_until(lambda: "They can send: the resource policy" in ui.text())
        yield running
        running.stop()


def _opened(ui: Shown, server: OpenRum) -> Shown:
    """Open the app monitor, with a token if the server asks for one."""
    ui.open("monitors", "my-app")
    if isinstance(server, Guarded):
        ui.fill("input[name=token]", server.token("--access", "admin")[1])
        ui.click("button:text-is('Continue')")
    return ui


@pytest.mark.parametrize("way", ["npm", "Script tag"])
def test_the_events_of_a_page_with_the_snippet_arrive(
    server: OpenRum, page: Page, browser: Browser, tmp_path: Path, way: str
) -> None:
    ui = _opened(Shown(page, server), server)
    ui.click(f"button:text-is('{way}')")
    snippet = ui.texts("pre")[0]
    if way == "npm":
        npm_page(tmp_path, snippet)
    else:
        command = re.search(r"npx esbuild .*?(?= -->)", snippet)
        assert command
        script_tag_page(tmp_path, command[0], snippet)
    before = len(_page_views(server))
    with site(tmp_path) as url, browser.page() as visitor:
        visitor.open(url)
        visitor.open("about:blank")  # leaving a page sends its events
        wait_until(lambda: len(_page_views(server)) == before + 1)

    assert _page_views(server)[-1]["metadata"]["aws:releaseId"] == "1.0.0"


def _page_views(server: OpenRum) -> list[dict[str, dict[str, str]]]:
    events = stored_events(server.grpc, "my-app", server.operator)
    return [event for event in events if event["event_type"].endswith("page_view_event")]
