"""The page at `/ui/` while requests fail for a moment: it retries them by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.shown import Shown, number
from tests.e2e.visited import Visited, hostile_visit, visited
from tests.projector.running import Projector
from tests.support.running import OpenRum, wait_until
from tests.tools.chromium import Page


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visited]:
    """A server with visits."""
    with visited(tmp_path_factory.mktemp("visited"), sessions=20) as found:
        yield found


@pytest.fixture
def ui(page: Page, shop: Visited) -> Shown:
    """The page of this server, not opened yet."""
    return Shown(page, shop.server)


def test_a_page_that_is_opened_before_the_projector_starts_waits_for_it(
    page: Page, tmp_path: Path
) -> None:
    settings = {"OPENRUM_PROJECTOR_SOCKET": "var/projector.sock"}
    with OpenRum(tmp_path, **settings) as server:
        ui = Shown(page, server)
        ui.page.do(lambda inner: inner.clock.install())
        ui.open("errors")
        waiting = ui.texts(".waiting, [role=alert]")
        ui.page.do(lambda inner: inner.clock.fast_forward(20_000))
        wait_until(lambda: ui.texts("[role=alert]"))
        failure = ui.texts("[role=alert] p")
        with Projector(tmp_path, OPENRUM_DATABASE_URL=f"sqlite:///{server.database}", **settings):
            wait_until(lambda: _later(ui).texts(".empty"))
        left = ui.texts("[role=alert]")

    assert waiting == ["Waiting for the projector to start…"]
    assert failure[0] == "The projector is not running."
    assert failure[-1] == "The page keeps trying by itself."
    assert left == []


def _later(ui: Shown) -> Shown:
    """Let the longest pause between two attempts pass."""
    ui.page.do(lambda inner: inner.clock.fast_forward(12_000))
    return ui


def test_a_request_that_a_busy_server_rejects_is_retried(ui: Shown, shop: Visited) -> None:
    ui.page.do(
        lambda inner: inner.route(
            "**/overview?*", lambda route: route.fulfill(status=429, body="{}"), times=1
        )
    )
    ui.open("overview", **shop.range)
    wait_until(lambda: ui.texts(".tile"))

    assert number(ui.tiles()["Page views"]) > 0
    assert ui.texts("[role=alert]") == []


def test_live_keeps_polling_after_an_error(ui: Shown, shop: Visited) -> None:
    pattern = "**/tail?*"
    ui.open("live")
    before = ui.texts(".what")
    ui.page.do(lambda inner: inner.route(pattern, lambda route: route.abort()))
    wait_until(lambda: ui.texts(".failure"))
    message, during = ui.texts(".failure p"), ui.texts(".what")
    ui.page.do(lambda inner: inner.unroute(pattern))
    shop.put([hostile_visit(int(time.time() * 1000))])
    wait_until(lambda: ui.texts(".what") != before)

    assert message == ["The server does not respond.", "The page keeps trying by itself."]
    assert during == before
    assert ui.texts(".failure") == []
