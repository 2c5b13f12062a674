"""The page at `/ui/` where callers are authorized: it asks for a token and keeps it in the tab."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.shown import Shown
from tests.support.running import OPENRUM, OpenRum, environment, wait_until
from tests.tools.chromium import Browser, Page

_KEPT = "() => [Object.keys(sessionStorage), Object.keys(localStorage), document.cookie]"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenRum]:
    """A server that authorizes callers."""
    with OpenRum(tmp_path_factory.mktemp("guarded"), OPENRUM_AUTH="required") as server:
        yield server
        server.stop()


def _token(server: OpenRum, *options: str) -> str:
    done = subprocess.run(
        [*OPENRUM, "tokens", "create", "--name", "page", *options],
        env=environment(OPENRUM_SERVICE=server.grpc),
        cwd=server.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def _enter(ui: Shown, token: str, monitor: str = "") -> None:
    ui.fill("input[name=token]", token)
    ui.fill("input[name=monitor]", monitor)
    ui.click("button:text-is('Continue')")


def test_without_a_token_the_page_asks_for_one(guarded: OpenRum, page: Page) -> None:
    ui = Shown(page, guarded)
    ui.open("monitors")

    assert "This server asks for a token." in ui.text()
    assert ui.texts("table") == []


def test_a_token_opens_the_page_and_stays_in_its_tab(guarded: OpenRum, browser: Browser) -> None:
    token = _token(guarded, "--access", "read")
    with browser.page() as page:
        ui = Shown(page, guarded)
        ui.open("monitors")
        _enter(ui, token)
        rows = ui.table("App monitors")
        kept: Any = page.evaluate(_KEPT)
        ui.open("monitors")
        again = ui.table("App monitors")

    assert [row[0] for row in rows] == [row[0] for row in again] == ["my-app"]
    assert kept == [["openrum.token"], [], ""]
    assert not [url for url in ui.requests if token in url]


def test_a_wrong_token_can_be_replaced(guarded: OpenRum, page: Page) -> None:
    ui = Shown(page, guarded)
    ui.open("monitors")
    _enter(ui, "wrong")

    assert "The token of this tab does not allow this." in ui.text()
    _enter(ui, _token(guarded, "--access", "read"))
    assert [row[0] for row in ui.table("App monitors")] == ["my-app"]


def test_a_wrong_token_can_be_forgotten(guarded: OpenRum, page: Page) -> None:
    ui = Shown(page, guarded)
    ui.open("monitors")
    _enter(ui, "wrong")
    ui.click("button:text-is('Forget the token')")

    assert ui.text("[role=alert]") == "This server asks for a token."
    assert page.evaluate(_KEPT) == [[], [], ""]


def test_a_token_for_one_app_monitor_opens_that_one(guarded: OpenRum, page: Page) -> None:
    ui = Shown(page, guarded)
    ui.open("overview")
    _enter(ui, _token(guarded, "--access", "read", "--monitor", "my-app"), "my-app")

    assert "asks for a token" not in ui.text()
    assert ui.texts("select[aria-label='App monitor'] option") == ["my-app"]
    ui.click("nav >> text=App monitors")
    assert ui.texts("[role=alert]") == []
    ui.click("main a:text-is('my-app')")
    assert "Connect a page" in ui.text()


def test_the_snippet_says_whether_the_policy_allows_pages_to_send(
    guarded: OpenRum, page: Page
) -> None:
    ui = Shown(page, guarded)
    ui.open("monitors", "my-app")
    _enter(ui, _token(guarded, "--access", "admin"))
    before = ui.text("section:has(pre)")
    ui.click("button:text-is('Insert: everyone may send')")
    ui.click("button:text-is('Save')")
    wait_until(lambda: "Delete the policy" in ui.text())
    after = ui.text("section:has(pre)")

    assert "They can send only if the resource policy below allows everyone" in before
    assert "They can send: the resource policy below allows everyone" in after


def test_a_token_that_only_reads_cannot_create_an_app_monitor(guarded: OpenRum, page: Page) -> None:
    ui = Shown(page, guarded)
    ui.open("monitors")
    _enter(ui, _token(guarded, "--access", "read"))
    ui.fill("input[name=name]", "another")
    ui.fill("input[name=domains]", "another.example")
    ui.click("button:text-is('Create')")

    assert "not authorized to perform: rum:CreateAppMonitor" in ui.text("form [role=alert]")
    assert [row[0] for row in ui.table("App monitors")] == ["my-app"]


def test_a_token_that_only_reads_cannot_delete_an_app_monitor(guarded: OpenRum, page: Page) -> None:
    ui = Shown(page, guarded)
    ui.open("monitors", "my-app")
    _enter(ui, _token(guarded, "--access", "read"))
    ui.fill("label:has-text('to confirm') input", "my-app")
    ui.click("button:text-is('Delete permanently')")

    assert "not authorized to perform: rum:DeleteAppMonitor" in ui.text("form [role=alert]")
    ui.open("monitors")
    assert [row[0] for row in ui.table("App monitors")] == ["my-app"]
