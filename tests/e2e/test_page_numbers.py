"""The numbers of the page at `/ui/` equal those that plain Python computes straight from the log.

One app monitor has generated visits, another one the captured traffic of aws-rum-web 1, 2 and 3.
"""

from __future__ import annotations

import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from rum_service.storage import open_store
from tests.e2e.shown import Shown, number
from tests.e2e.visited import MONITOR, Visited, visited
from tests.insight.oracle import Seen, measures, read
from tests.support.traffic import load
from tests.tools.chromium import Page

_CAPTURED = "captured"
_CLIENTS = ("web-v1-default", "web-v2-default", "web-v3-default-unsigned")
_NOTHING = "\N{EN DASH}"
_TITLES = {
    "lcp": "Largest Contentful Paint",
    "inp": "Interaction to Next Paint",
    "cls": "Cumulative Layout Shift",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visited]:
    """A server with generated visits and captured traffic."""
    with visited(tmp_path_factory.mktemp("visited"), sessions=40) as found:
        created = found.server.post("/appmonitor", {"Name": _CAPTURED, "DomainList": ["a.example"]})
        path = f"/appmonitors/{json.loads(created[1])['Id']}"
        for document in _captured_batches():
            assert found.server.post(path, document)[0] == 200
        found.put([])
        yield found


def _captured_batches() -> list[dict[str, Any]]:
    """Return the captured batches. Their last event was an hour ago."""
    batches = {
        request.document["BatchId"]: request.document
        for name in _CLIENTS
        for request in load(name)
        if request.method == "POST" and "RumEvents" in (request.document or ())
    }
    events = [event for batch in batches.values() for event in batch["RumEvents"]]
    shift_s = int(time.time()) - 3600 - max(event["timestamp"] for event in events)
    for event in events:
        event["timestamp"] += shift_s
    return list(batches.values())


@pytest.fixture(scope="module")
def logged(shop: Visited) -> dict[str, list[Seen]]:
    """The events of each app monitor in the log, in the time range of the visits."""
    store = open_store(f"sqlite:///{shop.server.database}")
    try:
        batches = store.log.after(0, limit=100_000, max_bytes=1 << 30)
        owners = {batch.sequence: batch.app_monitor for batch in batches}
        events = [event for event in read(store.log) if shop.after <= event.ts < shop.before]
        found = {}
        for name in (MONITOR, _CAPTURED):
            record = store.monitors.by_name(name)
            assert record
            found[name] = [event for event in events if owners[event.sequence] == record.key]
        return found
    finally:
        store.close()


@pytest.fixture(params=[MONITOR, _CAPTURED], ids=["generated", "captured"])
def monitor(request: pytest.FixtureRequest) -> str:
    """The app monitor."""
    name = request.param
    assert isinstance(name, str)
    return name


@pytest.fixture
def seen(logged: dict[str, list[Seen]], monitor: str) -> list[Seen]:
    """The events of the app monitor."""
    return logged[monitor]


@pytest.fixture
def ui(page: Page, shop: Visited) -> Shown:
    """The page of this server, not opened yet."""
    return Shown(page, shop.server)


@pytest.fixture
def members(shop: Visited, monitor: str) -> dict[str, object]:
    """The app monitor and the time range, as parameters of the page."""
    return {"monitor": monitor, **shop.range}


def test_the_overview(ui: Shown, members: dict[str, object], seen: list[Seen]) -> None:
    ui.open("overview", **members)
    expected = measures(seen)

    assert _tiles(ui) == _expected_tiles(expected)
    for vital in _TITLES:
        assert _vital(ui, vital) == _expected_vital(expected[vital])


def test_the_pages_and_one_page(ui: Shown, members: dict[str, object], seen: list[Seen]) -> None:
    by_page = defaultdict(list)
    for event in seen:
        by_page[event.dimensions["page"]].append(event)
    # A page whose name has no number is its own route.
    names = [name for name in by_page if not re.search(r"\d", name)]
    name = max(names, key=lambda found: _number(by_page[found], "page_view_event"))
    events = by_page[name]
    expected = measures(events)
    ui.open("pages", **members)
    rows = ui.table("Pages")
    ui.open("pages", name, **members, filter=f"page={name}")
    tiles = _tiles(ui)

    assert sum(number(row[1]) for row in rows) == _number(seen, "page_view_event")
    assert dict(row[:2] for row in rows)[name] == str(_number(events, "page_view_event"))
    assert tiles == {name: tiles[name] for name in _expected_tiles(expected)}
    assert tiles == _expected_tiles(expected)
    for vital in _TITLES:
        assert _vital(ui, vital) == _expected_vital(expected[vital])


def test_errors_requests_and_segments(
    ui: Shown, members: dict[str, object], seen: list[Seen]
) -> None:
    counts = measures(seen)["counts"]
    ui.open("errors", **members)
    errors = ui.table("Error groups")
    ui.open("http", **members)
    requests = [[number(text) for text in row[2:6]] for row in ui.table("HTTP requests")]
    ui.open("segments", **members, by="browser")
    browsers = {row[0]: number(row[1]) for row in ui.table("Measures by Browser")}
    firefox = [event for event in seen if event.dimensions["browser"] == "Firefox"]

    assert sum(number(row[3]) for row in errors) == counts["jsErrors"] > 0
    assert [sum(column) for column in zip(*requests, strict=True)] == [
        counts[name] for name in ("httpRequests", "http4xx", "http5xx", "httpNoResponse")
    ]
    assert sum(browsers.values()) == counts["pageViews"]
    assert browsers["Firefox"] == _number(firefox, "page_view_event") > 0


def test_the_sessions_and_one_session(
    ui: Shown, members: dict[str, object], seen: list[Seen]
) -> None:
    sessions = defaultdict(list)
    for event in seen:
        sessions[event.session].append(event)
    latest = sorted(sessions, key=lambda name: (max(e.ts for e in sessions[name]), name))[::-1]
    ui.open("sessions", **members)
    rows = [row[2:5] for row in ui.table("Sessions")]
    ui.open("sessions", latest[0], **members, resources="1")
    times: Any = ui.page.evaluate(_TIMES)
    types = ui.texts(".timeline > li > .mono")
    facts = dict(zip(ui.texts("dt"), ui.texts("dd"), strict=True))
    events = sorted(sessions[latest[0]], key=lambda e: (e.ts, e.sequence, e.position))[:500]

    assert rows == [_session_row(sessions[name]) for name in latest[:50]]
    assert times == [event.ts for event in events]
    assert types == [_short(event.type) for event in events]
    assert facts["Events"] == f"{len(sessions[latest[0]]):,}"
    assert [
        facts[name] for name in ("Page views", "JavaScript errors", "Failed requests")
    ] == _session_row(sessions[latest[0]])


def test_live_shows_the_newest_events(ui: Shown, monitor: str, seen: list[Seen]) -> None:
    newest = sorted(seen, key=lambda event: (event.sequence, event.position))[:-101:-1]
    ui.open("live", monitor=monitor)

    assert ui.page.evaluate(_TIMES) == [event.ts for event in newest]
    assert ui.texts(".timeline > li > .mono") == [_short(event.type) for event in newest]


_TIMES = """() => [...document.querySelectorAll(".timeline time")]
    .map(time => Date.parse(time.dateTime))"""


def _number(events: list[Seen], kind: str) -> int:
    return sum(event.type == kind for event in events)


def _short(kind: str) -> str:
    return kind.removesuffix("_event") if "." not in kind else kind


def _session_row(events: list[Seen]) -> list[str]:
    """Return the page views, the errors and the failed requests."""
    failed = sum(e.type == "http_event" and e.is_failed() for e in events)
    numbers = (_number(events, "page_view_event"), _number(events, "js_error_event"), failed)
    return [f"{value:,}" for value in numbers]


def _tiles(ui: Shown) -> dict[str, str]:
    return {name: text for name, text in ui.tiles().items() if not name.startswith("Nav")}


def _expected_tiles(expected: dict[str, Any]) -> dict[str, str]:
    counts = expected["counts"]
    names = {
        "Sessions": "sessions",
        "Page views": "pageViews",
        "JavaScript errors": "jsErrors",
        "HTTP 5xx": "http5xx",
        "HTTP 4xx": "http4xx",
    }
    apdex = _rounded(counts["apdex"], 2) if "apdex" in counts else _NOTHING
    return {"Apdex": apdex, **{name: f"{counts[member]:,}" for name, member in names.items()}}


def _vital(ui: Shown, vital: str) -> tuple[str, str, list[str]]:
    """Return the 75th and the 90th percentile and the shares of ratings, as texts."""
    found: Any = ui.page.evaluate(_PANEL, _TITLES[vital])
    p75, p90, shares = found
    return p75, re.split(r"p90 | · ", p90)[1], re.findall(r"([\d.]+)%", shares)


_PANEL = """title => {
    const panel = [...document.querySelectorAll(".panel.vital")]
        .find(found => found.querySelector("h2").textContent.startsWith(title));
    const [p90, shares] = panel.querySelectorAll("p.quiet");
    return [panel.querySelector(".number").firstChild.textContent, p90.innerText, shares.innerText]
}"""


def _expected_vital(expected: dict[str, Any]) -> tuple[str, str, list[str]]:
    form = _shift if expected.get("p75", 0) < 1 else _duration
    shares = [expected[name] for name in ("good", "needsImprovement", "poor")]
    if not expected["samples"]:
        return _NOTHING, _NOTHING, []
    return (
        form(expected["p75"]),
        form(expected["p90"]),
        [_percent(100 * share / expected["samples"]) for share in shares],
    )


def _shift(value: float) -> str:
    return _rounded(value, 3)


def _duration(ms: float) -> str:
    if ms < 1000:
        return f"{_rounded(ms, 0)} ms"
    return f"{_rounded(ms / 1000, 2 if ms < 10_000 else 1)} s"


def _percent(value: float) -> str:
    """Return a percentage with two significant digits."""
    digits = 0 if value >= 10 else 1 if value >= 1 else 2
    return _rounded(value, digits).rstrip("0").rstrip(".") if digits else _rounded(value, 0)


def _rounded(value: float, digits: int) -> str:
    """Return a number as browsers round it: from its decimal form, and halves up."""
    return str(Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))
