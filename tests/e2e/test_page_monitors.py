"""App monitors on the page at `/ui/`: create one, its snippet, its policy and its metrics."""

from __future__ import annotations

import json
from typing import Any

from tests.bridge.wire import send
from tests.e2e.shown import Shown, read_api
from tests.support.running import OpenRum, wait_until
from tests.tools.chromium import Page


def test_an_app_monitor_can_be_created_and_its_snippet_names_this_server(
    openrum: OpenRum, page: Page
) -> None:
    ui = Shown(page, openrum)
    ui.open("monitors")
    ui.fill("input[name=name]", "shop.eu")
    ui.fill("input[name=domains]", "shop.example, *.shop.example")
    ui.click("button:text-is('Create')")
    wait_until(lambda: ui.texts("pre"))
    monitor: Any = read_api(openrum, "appmonitor", "shop.eu")["AppMonitor"]

    assert monitor["DomainList"] == ["shop.example", "*.shop.example"]
    assert f'new AwsRum("{monitor["Id"]}", "1.0.0", ' in ui.text("pre")
    assert f'endpoint: "{openrum.url}",' in ui.text("pre")
    assert "sessionSampleRate: 1,\n" in ui.text("pre")
    assert ui.texts("h1") == ["shop.eu"]


def test_the_snippet_says_that_few_sessions_are_recorded(openrum: OpenRum, page: Page) -> None:
    assert openrum.post("/appmonitor", {"Name": "sampled", "Domain": "a.example"})[0] == 200
    ui = Shown(page, openrum)
    ui.open("monitors", "sampled")

    assert "sessionSampleRate: 0.1, // records 10% of the sessions\n" in ui.text("pre")


def test_app_monitors_that_were_created_elsewhere_appear(openrum: OpenRum, page: Page) -> None:
    ui = Shown(page, openrum)
    ui.open("live")
    assert openrum.post("/appmonitor", {"Name": "elsewhere-1", "Domain": "a.example"})[0] == 200
    ui.click("nav >> text=App monitors")
    wait_until(lambda: "elsewhere-1" in ui.text("table"))
    assert openrum.post("/appmonitor", {"Name": "elsewhere-2", "Domain": "a.example"})[0] == 200
    ui.page.evaluate("() => { location.hash = '#/live?monitor=elsewhere-2'; }")

    wait_until(lambda: ui.texts("h1") == ["Live"] and "There is no" not in ui.text())


def test_a_name_that_is_in_use_is_rejected_with_the_message_of_the_api(
    openrum: OpenRum, page: Page
) -> None:
    ui = Shown(page, openrum)
    ui.open("monitors")
    ui.fill("input[name=name]", "my-app")
    ui.fill("input[name=domains]", "localhost")
    ui.click("button:text-is('Create')")
    wait_until(lambda: ui.texts("form [role=alert]"))

    assert ui.text("form [role=alert]") == "An app monitor with this name or id exists."


def test_without_a_projector_the_page_says_what_runs_it(openrum: OpenRum, page: Page) -> None:
    ui = Shown(page, openrum)
    ui.page.do(lambda inner: inner.clock.install())
    ui.open("errors")
    waiting = ui.texts(".waiting")
    ui.page.do(lambda inner: inner.clock.fast_forward(20_000))
    wait_until(lambda: ui.texts("[role=alert]"))

    assert waiting == ["Waiting for the projector to start…"]
    assert "The projector is not running." in ui.text("[role=alert]")
    assert "openrum projector" in ui.text("[role=alert]")


def test_a_policy_can_be_set_and_deleted(openrum: OpenRum, page: Page) -> None:
    ui = Shown(page, openrum)
    ui.open("monitors", "my-app")
    ui.click("button:text-is('Insert: everyone may send')")
    ui.click("button:text-is('Save')")
    wait_until(lambda: _has_delete(ui))
    stored: Any = read_api(openrum, "appmonitor", "my-app", "policy")
    ui.click("button:text-is('Delete the policy')")
    kept: Any = read_api(openrum, "appmonitor", "my-app", "policy")
    ui.click("button[aria-label='Really delete the policy']")
    wait_until(lambda: openrum.get("/appmonitor/my-app/policy")[0] == 404)

    assert json.loads(stored["PolicyDocument"])["Statement"][0]["Principal"] == "*"
    assert kept == stored


def _has_delete(ui: Shown) -> bool:
    return "Delete the policy" in ui.text()


def test_a_custom_metric_can_be_added_and_deleted(openrum: OpenRum, page: Page) -> None:
    ui = Shown(page, openrum)
    ui.open("monitors", "my-app")
    ui.fill("input[placeholder=CheckoutDuration]", "Orders")
    ui.fill("input[placeholder=Shop]", "Shop")
    ui.fill("textarea[name=pattern]", '{"event_type": ["shop.order"]}')
    ui.click("button:text-is('Add')")
    button = "button[aria-label='Delete Orders']"
    wait_until(lambda: ui.texts(button))
    rows = ui.table("Custom metrics")
    ui.click(button)
    path = ("rummetrics", "my-app", "metrics")
    kept = read_api(openrum, *path, destination="CloudWatch")["MetricDefinitions"]
    ui.click("button[aria-label='Really delete Orders']")
    wait_until(lambda: not ui.texts("button[aria-label$='elete Orders']"))
    left = read_api(openrum, *path, destination="CloudWatch")["MetricDefinitions"]

    assert rows[0][:4] == ["Orders", "Shop", "count", '{"event_type": ["shop.order"]}']
    assert len(kept) == 1
    assert left == []


def test_an_app_monitor_is_deleted_after_its_name_was_typed(openrum: OpenRum, page: Page) -> None:
    ui = Shown(page, openrum)
    _create(ui, "short-lived")
    button = "button:text-is('Delete permanently')"
    before = ui.page.evaluate(_IS_DISABLED, "Delete permanently")
    ui.fill(_CONFIRMATION, "short-live")
    almost = ui.page.evaluate(_IS_DISABLED, "Delete permanently")
    ui.fill(_CONFIRMATION, "short-lived")
    ui.click(button)
    wait_until(lambda: "/monitors" in ui.url and "short-lived" not in ui.url)
    wait_until(lambda: "short-lived" not in ui.text())

    assert (before, almost) == (True, True)
    assert [row[0] for row in ui.table("App monitors")][-1] != "short-lived"
    assert "short-lived" not in ui.text("select[aria-label='App monitor']")
    assert openrum.get("/appmonitor/short-lived")[0] == 404


def test_a_deletion_that_fails_says_why(openrum: OpenRum, page: Page) -> None:
    ui = Shown(page, openrum)
    _create(ui, "already-gone")
    assert send(openrum.url, "/appmonitor/already-gone", method="DELETE").status == 200
    ui.fill(_CONFIRMATION, "already-gone")
    ui.click("button:text-is('Delete permanently')")
    wait_until(lambda: ui.texts("form [role=alert]"))

    assert ui.text("form [role=alert]") == "There is no app monitor with this name."
    assert "/monitors/already-gone" in ui.url


def test_domains_and_custom_events_can_be_changed(openrum: OpenRum, page: Page) -> None:
    ui = Shown(page, openrum)
    _create(ui, "edited")
    ui.fill("input[name=domains]", "a.example, b.example")
    ui.page.do(lambda inner: inner.uncheck("input[name=custom]"))
    ui.click("button:text-is('Save') >> nth=-1")
    wait_until(lambda: "Saved." in ui.text())
    monitor: Any = read_api(openrum, "appmonitor", "edited")["AppMonitor"]

    assert monitor["DomainList"] == ["a.example", "b.example"]
    assert monitor["CustomEvents"] == {"Status": "DISABLED"}
    assert "a.example, b.example" in ui.text("dl")


def test_many_app_monitors_with_long_names_fit_on_a_phone(openrum: OpenRum, page: Page) -> None:
    ui = Shown(page, openrum)
    long = "x" * 255
    for name in [long, *(f"app-{number:02}" for number in range(30))]:
        body = {"Name": name, "DomainList": ["a.example"]}
        assert openrum.post("/appmonitor", body)[0] == 200
    ui.page.do(lambda inner: inner.set_viewport_size({"width": 390, "height": 844}))
    widths = {}
    for path in (("overview",), ("live",), ("monitors",), ("monitors", long)):
        ui.open(*path, monitor=long)
        widths[path] = ui.page.evaluate("() => document.documentElement.scrollWidth")
    ui.open("monitors")
    first = len(ui.table("App monitors"))
    ui.fill("label:has-text('Only names') input", "APP-1")
    ui.settle()
    found = [row[0] for row in ui.table("App monitors")]
    ui.fill("label:has-text('Only names') input", "")
    ui.click("button:has-text('Show all')")

    assert set(widths.values()) == {390}, widths
    assert first == 25
    assert found == [f"app-{number}" for number in range(10, 20)]
    assert long in [row[0] for row in ui.table("App monitors")]


_CONFIRMATION = "label:has-text('to confirm') input"
_IS_DISABLED = """text => [...document.querySelectorAll("button")]
    .find(button => button.textContent === text).disabled"""


def _create(ui: Shown, name: str) -> None:
    ui.open("monitors")
    ui.fill("input[name=name]", name)
    ui.fill("input[name=domains]", "shop.example")
    ui.click("button:text-is('Create')")
    wait_until(lambda: ui.texts("pre"))
