"""Replays on the page at `/ui/`: what aws-rum-web recorded is shown, and nothing of it runs."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from playwright.async_api import Frame
from playwright.async_api import Page as PlaywrightPage

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent, UserDetails
from tests.e2e.shown import Shown, read_api
from tests.e2e.visited import HOSTILE_SESSION, MONITOR, Visited, hostile_visit, visited
from tests.support.batches import new_id
from tests.support.running import wait_until
from tests.tools.axe import violations
from tests.tools.chromium import Browser, Page
from tests.tools.rum_page import RumPage, demo_site
from tests.tools.toolbox import tools_needed

_HOSTILE_SESSION = "deadbeef-0000-4000-8000-000000000002"
_GAP_SESSION = "deadbeef-0000-4000-8000-000000000003"
_QUOTA = 1_000_000
_PLAYER = "iframe >> internal:control=enter-frame >> "
_RUN = "parent.parent.hacked = 1"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Visited]:
    """A server with a visit that aws-rum-web recorded, and a quota of replays."""
    quota = {"OPENRUM_REPLAY_BYTES_PER_DAY": str(_QUOTA)}
    with visited(tmp_path_factory.mktemp("visited"), sessions=5, **quota) as found:
        settings = {"telemetries": ["replay", "errors"], "dispatchInterval": 600_000}
        server = found.server
        site = demo_site(server.url, server.monitor_id(), settings)
        with tools_needed(), site as url, browser.page() as page:
            visitor = RumPage(page, url)
            visitor.click()
            visitor.leave()
        yield found


@pytest.fixture
def ui(page: Page, shop: Visited) -> Shown:
    """The page of this server, not opened yet."""
    return Shown(page, shop.server)


def _recorded(shop: Visited) -> str:
    """Return the ID of the recorded session."""
    found: list[Any] = []

    def is_there() -> bool:
        listed: Any = shop.read("sessions", hasReplay="true")
        found[:] = [s for s in listed["sessions"] if not s["sessionId"].startswith("deadbeef")]
        return bool(found)

    wait_until(is_there)
    session_id = found[0]["sessionId"]
    assert isinstance(session_id, str)
    return session_id


def _open(ui: Shown, session_id: str) -> None:
    ui.open("sessions", session_id)
    ui.click("button:text-is('Show the replay')")
    wait_until(lambda: _in_recording(ui, "() => document.body !== null"))


def _in_recording(ui: Shown, script: str) -> Any:
    """Evaluate a script in the recorded page, or return None if it is not there yet."""

    async def evaluate(inner: PlaywrightPage) -> Any:
        frame = _innermost(inner)
        return await frame.evaluate(script) if frame else None

    return ui.page.do(evaluate)


def _innermost(inner: PlaywrightPage) -> Frame | None:
    frames = [f for f in inner.frames if f.parent_frame and f.parent_frame.parent_frame]
    return frames[0] if frames else None


def test_a_recorded_visit_is_shown(ui: Shown, shop: Visited) -> None:
    session_id = _recorded(shop)
    _open(ui, session_id)
    wait_until(lambda: _in_recording(ui, "() => document.querySelector('h1')?.textContent"))
    events = read_api(shop.server, "insight", MONITOR, "sessions", session_id, "replay")["events"]

    assert _in_recording(ui, "() => document.querySelector('#buy') !== null")
    assert isinstance(events, list)
    assert {json.loads(event)["type"] for event in events} >= {2, 4}


def test_the_replay_plays_and_pauses(ui: Shown, shop: Visited) -> None:
    _open(ui, _recorded(shop))
    ui.page.do(lambda inner: inner.click(f"{_PLAYER} button:text-is('Play')"))
    ui.page.do(lambda inner: inner.click(f"{_PLAYER} button:text-matches('Pause|Play')"))
    ui.page.do(lambda inner: inner.fill(f"{_PLAYER} input[type=range]", "0"))

    with tools_needed():
        found = violations(ui.page)

    assert found == []
    assert [line for line in ui.page.console if "error" in line] == []


def test_nothing_in_a_recording_runs_and_nothing_is_loaded(ui: Shown, shop: Visited) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        shop.put([_hostile_recording(f"http://127.0.0.1:{other.getsockname()[1]}")])
        _open(ui, _HOSTILE_SESSION)
        wait_until(lambda: _in_recording(ui, "() => document.querySelector('h1')?.textContent"))
        ui.settle()
        other.setblocking(False)
        with pytest.raises(BlockingIOError):  # nobody connected
            other.accept()

    assert _in_recording(ui, "() => getComputedStyle(document.querySelector('h1')).color") == (
        "rgb(255, 0, 0)"
    )
    assert ui.page.evaluate("() => window.hacked") is None


def test_gaps_in_a_recording_are_shown(ui: Shown, shop: Visited) -> None:
    now_ms = int(time.time() * 1000)
    moves = [_moved(now_ms + at_ms) for at_ms in (2_000, 22_000, 23_000)]
    shop.put([_recording(_GAP_SESSION, [*_first_events(now_ms, _page("Shop")), *moves])])
    _open(ui, _GAP_SESSION)
    marks = "iframe >> internal:control=enter-frame >> .marks"
    text = ui.page.do(lambda inner: inner.inner_text(marks))
    ui.page.do(lambda inner: inner.click(f"{marks} >> button"))
    position = ui.page.do(
        lambda inner: inner.input_value(marks.replace(".marks", "input[type=range]"))
    )
    drawn = ui.page.do(
        lambda inner: inner.locator(marks.replace(".marks", "rect.gap")).evaluate_all(
            "found => found.map(gap => [gap.x.baseVal.value, gap.width.baseVal.value])"
        )
    )

    assert text.split("\n") == ["Without recorded events:", "0:02 to 0:22"]
    assert position == "2000"
    assert [[round(part * 23) for part in gap] for gap in drawn] == [[2_000, 20_000]]


def test_failures_at_both_ends_of_a_recording_are_marked(ui: Shown, shop: Visited) -> None:
    """aws-rum-web rounds the times of errors to seconds."""
    session = f"deadbeef{new_id()[8:]}"
    start_s = int(time.time()) - 10
    recorded = [*_first_events(start_s * 1000 + 400, _page("Shop")), _moved(start_s * 1000 + 4_600)]
    request = _recording(session, recorded)
    for at_s, text in ((-1, "before"), (0, "at the start"), (5, "at the end"), (6, "after")):
        details = json.dumps({"version": "1.0.0", "type": "Error", "message": text})
        request.rum_events.add(
            id=new_id(),
            timestamp=start_s + at_s,
            type="com.amazon.rum.js_error_event",
            details=details,
            metadata="{}",
        )
    shop.put([request])
    _open(ui, session)
    marks = "iframe >> internal:control=enter-frame >> .marks button"
    ui.page.do(lambda inner: inner.wait_for_selector(marks))
    texts = ui.page.do(lambda inner: inner.locator(marks).all_inner_texts())

    assert texts == ["0:00 Error: at the start", "0:04 Error: at the end"]


def test_windows_that_are_open_at_the_same_time_have_a_replay_each(
    ui: Shown, shop: Visited
) -> None:
    session = f"deadbeef{new_id()[8:]}"
    now_ms = int(time.time() * 1000)
    parts = [
        ("/cart", _first_events(now_ms, _page("Cart"))),
        ("/help", _first_events(now_ms + 1_000, _page("Help"))),
        ("/cart", [_moved(now_ms + 2_000), _moved(now_ms + 3_000)]),
        ("/help", [_moved(now_ms + 4_000), _moved(now_ms + 9_000)]),
        ("/paid", _first_events(now_ms + 5_000, _page("Paid"))),  # the first window goes on
    ]
    shop.put([_recording(session, recorded, page) for page, recorded in parts])
    _open(ui, session)

    def shown() -> tuple[str, str]:
        total = ui.page.do(
            lambda inner: inner.inner_text(
                "iframe >> internal:control=enter-frame >> .quiet >> nth=0"
            )
        )
        return _in_recording(ui, "() => document.body.textContent"), total

    first = shown()
    ui.choose("label:has-text('Window') select", "1")
    wait_until(lambda: "Help" in str(_in_recording(ui, "() => document.body?.textContent")))

    assert first == ("Cart", "0:00 of 0:05")
    assert shown() == ("Help", "0:00 of 0:08")
    assert "The user had 2 windows open at the same time." in ui.text()


def _windows(ui: Shown, parts: Sequence[tuple[str, Sequence[object]]]) -> list[list[int]]:
    """Return the times of the events of each window, as the page tells them apart."""
    found: Any = ui.page.evaluate(
        """async parts => (await import("./parts/replay_windows.js")).windowsOf(parts)
            .map(({events}) => events.map(event => event.timestamp))""",
        [{"page": page, "events": events} for page, events in parts],
    )
    return found  # type: ignore[no-any-return]  # from JavaScript


def test_windows_with_the_same_page_have_a_replay_each(ui: Shown) -> None:
    ui.open("monitors")

    overlapping = _windows(
        ui,
        [
            ("/", _first_events(1_000, _page("Shop"))),
            ("/", [_moved(2_000), _moved(7_000)]),
            ("/", _first_events(3_000, _page("Shop"))),
            ("/", [_moved(4_000), _moved(9_000)]),
            ("/", [_moved(8_000), _moved(8_500)]),
            ("/", [_moved(9_500)]),
        ],
    )
    in_turns = _windows(
        ui,
        [
            ("/", _first_events(1_000, _page("Shop"))),
            ("/", _first_events(2_000, _page("Shop"))),
            ("/cart", [_replaced(3_000, 5, 6)]),
            ("/cart", [_replaced(4_000, 5, 6)]),
            ("/paid", [_replaced(5_000, 6, 7)]),
            ("/paid", [_replaced(6_000, 6, 7)]),
        ],
    )

    first, second = overlapping
    assert first[:2] == [1_000, 1_001]
    assert set(first) >= {2_000, 7_000, 8_000, 8_500}
    assert set(second) >= {3_000, 3_001, 4_000, 9_000}
    assert sorted(map(len, in_turns)) == [4, 4]
    assert sum(time_ms in (3_000, 4_000) for time_ms in in_turns[0]) == 1
    assert sum(time_ms in (5_000, 6_000) for time_ms in in_turns[0]) == 1


def test_one_window_that_reloads_a_page_and_comes_back_to_it_has_one_replay(ui: Shown) -> None:
    ui.open("monitors")
    parts = [
        ("/", _first_events(1_000, _page("Shop"))),
        ("/cart", [_replaced(2_000, 5, 6)]),
        ("/cart", _first_events(3_000, _page("Cart"))),  # reloaded
        ("/", [_replaced(4_000, 5, 6)]),
        ("/cart", [_replaced(5_000, 6, 7)]),
    ]

    windows = _windows(ui, parts)

    assert windows == [[1_000, 1_001, 2_000, 3_000, 3_001, 4_000, 5_000]]


def test_nodes_inside_each_other_do_not_stop_the_page(ui: Shown) -> None:
    ui.open("monitors")
    added = [
        {"parentId": parent, "nextId": None, "node": _node(number, "b", {})}
        for number, parent in ((5, 5), (6, 99), (7, 8), (8, 7), (7, 8))
    ]
    change = {"type": 3, "data": {"source": 0, "adds": added}}
    parts: list[tuple[str, list[object]]] = [
        ("/", _first_events(1_000, _page("Shop"))),
        ("/", _first_events(2_000, _page("Shop"))),
        ("/", [{**change, "timestamp": 3_000}]),
        ("/", [{**change, "timestamp": 4_000}]),
    ]

    windows = _windows(ui, parts)

    assert sum(map(len, windows)) == 6


@pytest.mark.parametrize(
    "data",
    [
        {"source": 0, "removes": [None], "adds": [], "texts": [], "attributes": []},
        {"source": 0, "adds": [5]},
        {"source": 0, "texts": 5},
        {"source": 0, "attributes": {}},
        {"source": 1, "positions": [None]},
        7,
        None,
    ],
    ids=json.dumps,
)
def test_malformed_events_are_left_out(ui: Shown, data: object) -> None:
    ui.open("monitors")
    malformed: list[Any] = [None, 5, {}, {"type": 3, "data": {}}, {"timestamp": 1, "data": {}}]
    malformed += [{"type": 3, "timestamp": 2_000 + at, "data": data} for at in range(2)]

    windows = _windows(
        ui,
        [
            ("/", _first_events(1_000, _page("Shop"))),
            ("/", [*malformed, _moved(4_000)]),
            ("/", malformed),
        ],
    )

    assert windows == [[1_000, 1_001, 4_000]]


def test_malformed_nodes_do_not_stop_the_page(ui: Shown) -> None:
    ui.open("monitors")
    nodes = [5, None, {}, {"childNodes": 5}, {"id": "x", "childNodes": [None, 5, {}]}]
    change = {"type": 3, "data": {"source": 0, "adds": [{"node": node} for node in nodes]}}
    parts: list[tuple[str, list[object]]] = [
        ("/", _first_events(1_000, _page("Shop"), *nodes)),
        ("/", _first_events(2_000, _page("Shop"), *nodes)),
        ("/", [{**change, "timestamp": 3_000}]),
        ("/", [{**change, "timestamp": 4_000}]),
    ]

    windows = _windows(ui, parts)

    assert sum(map(len, windows)) == 6


def test_a_recording_with_malformed_events_is_shown(ui: Shown, shop: Visited) -> None:
    session = f"deadbeef{new_id()[8:]}"
    now_ms = int(time.time() * 1000)
    malformed = [
        {"type": 3, "timestamp": now_ms + 2, "data": {"source": 0, "removes": [None], "adds": 5}},
        {"type": 3, "timestamp": now_ms + 3, "data": None},
    ]
    events = [*_first_events(now_ms, _page("Shop")), *malformed, _moved(now_ms + 1000), {}]
    shop.put([_recording(session, events)])
    ui.open("sessions", session)
    ui.click("button:text-is('Show the replay')")
    wait_until(lambda: "Shop" in str(_in_recording(ui, "() => document.body?.textContent")))
    ui.page.do(lambda inner: inner.fill(f"{_PLAYER} input[type=range]", "1000"))

    position = ui.page.do(lambda inner: inner.inner_text(f"{_PLAYER} .row >> nth=0"))

    assert "0:01 of 0:01" in position
    assert _in_recording(ui, "() => document.body.textContent") == "Shop"


def test_a_recording_without_its_beginning_says_so(ui: Shown, shop: Visited) -> None:
    session = new_id()
    session = f"deadbeef{session[8:]}"
    now_ms = int(time.time() * 1000)
    shop.put([_recording(session, [_moved(now_ms), _moved(now_ms + 1000)])])
    ui.open("sessions", session)
    ui.click("button:text-is('Show the replay')")
    wait_until(lambda: "cannot be shown" in ui.text())

    assert "The start of the session was not stored." in ui.text()


def test_a_session_says_that_its_replay_was_dropped(ui: Shown, shop: Visited) -> None:
    monitor = {"Name": "over-quota", "DomainList": ["shop.example"]}
    assert shop.server.post("/appmonitor", monitor)[0] == 200
    now_ms = int(time.time() * 1000)
    first = _recording(new_id(), _first_events(now_ms, _page("x" * _QUOTA)))
    request = hostile_visit(now_ms)
    replay = _recording(HOSTILE_SESSION, _first_events(now_ms, _page("Shop")))
    request.rum_events.extend(replay.rum_events)
    shop.put([first, request], "over-quota")
    ui.open("sessions", HOSTILE_SESSION, monitor="over-quota")

    assert "There is no replay. The server dropped 1 event of this session:" in ui.text()
    assert "session replays that are off or over their quota" in ui.text()
    assert "Show the replay" not in ui.text()


def _moved(time_ms: int) -> object:
    return {"type": 3, "timestamp": time_ms, "data": {"source": 1, "positions": []}}


def _replaced(time_ms: int, removed: int, added: int) -> object:
    """Return the event of a text that replaces another one in the body."""
    data = {
        "source": 0,
        "removes": [{"parentId": 4, "id": removed}],
        "adds": [{"parentId": 4, "nextId": None, "node": _text(added, "Other")}],
    }
    return {"type": 3, "timestamp": time_ms, "data": data}


def _node(number: int, name: str, attributes: dict[str, str], *children: object) -> object:
    members = {"tagName": name, "attributes": attributes, "childNodes": children}
    return {"type": 2, "id": number, **members}


def _text(number: int, content: str) -> object:
    return {"type": 3, "id": number, "textContent": content}


def _page(content: str) -> object:
    return _node(2, "html", {}, _node(3, "head", {}), _node(4, "body", {}, _text(5, content)))


def _first_events(time_ms: int, *nodes: object) -> list[object]:
    """Return the size of the window, and a full snapshot of a document with these nodes."""
    document = {"type": 0, "id": 1, "childNodes": nodes}
    view = {"href": "https://shop.example/", "width": 800, "height": 600}
    snapshot = {"node": document, "initialOffset": {"left": 0, "top": 0}}
    return [
        {"type": 4, "timestamp": time_ms, "data": view},
        {"type": 2, "timestamp": time_ms + 1, "data": snapshot},
    ]


def _recording(session: str, recorded: list[Any], page: str = "/") -> PutRumEventsRequest:
    """Return a batch with events that were recorded on a page."""
    details = {"version": "1.0.0", "events": recorded, "eventCount": len(recorded)}
    return PutRumEventsRequest(
        batch_id=new_id(),
        app_monitor_details={},
        user_details=UserDetails(user_id=new_id(), session_id=session),
        rum_events=[
            RumEvent(
                id=new_id(),
                timestamp=recorded[0]["timestamp"] / 1000,
                type="com.amazon.rum.rrweb_event",
                details=json.dumps(details),
                metadata=json.dumps({"version": "1.0.0", "pageId": page}),
            )
        ],
    )


def _hostile_recording(other: str) -> PutRumEventsRequest:
    now_ms = int(time.time() * 1000)
    body = _node(
        5,
        "body",
        {"onload": _RUN},
        _node(6, "h1", {"style": "color: red", "onclick": _RUN}, _text(7, "Shop")),
        _node(8, "script", {}, _text(9, _RUN)),
        _node(10, "img", {"src": f"{other}/pixel.png", "onerror": _RUN}),
        _node(11, "iframe", {"src": f"{other}/frame"}),
        _node(12, "a", {"href": f"javascript:{_RUN}"}, _text(13, "link")),
        _node(14, "link", {"rel": "stylesheet", "href": f"{other}/style.css"}),
        _node(15, "meta", {"http-equiv": "refresh", "content": f"0;url={other}/"}),
    )
    html = _node(3, "html", {}, _node(4, "head", {}), body)
    return _recording(_HOSTILE_SESSION, [*_first_events(now_ms, html), _moved(now_ms + 2000)])
