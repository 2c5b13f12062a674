"""After an erasure, no response of InsightService contains the user."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.batches import batch, event, new_id
from tests.support.running import OpenRum, read_back, run_openrum, wait_until


class _Up(OpenRum):
    projects = True


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenRum]:
    url = f"sqlite:///{tmp_path / 'openrum.sqlite3'}"
    if request.param == "postgres":
        url = request.getfixturevalue("empty_postgres")
    with _Up(tmp_path, OPENRUM_DATABASE_URL=url) as running:
        yield running
        running.stop()


def _events(name: str) -> list[dict[str, Any]]:
    """Return events of the kinds that the views show, whose texts contain `name`."""
    about = json.dumps({"version": "1.0.0", "pageId": f"/u/{name}", "account": name})
    details = {
        "session_start_event": {},
        "page_view_event": {"pageId": f"/u/{name}"},
        "largest_contentful_paint_event": {"value": 1800.5},
        "http_event": {
            "request": {"method": "GET", "url": f"/{name}"},
            "response": {"status": 500},
        },
        "js_error_event": {"type": "Error", "message": name, "stack": "Error\n at f (a.js:1:2)"},
        "rrweb_event": {"events": [{"type": 4, "data": {"href": f"/{name}"}, "timestamp": 1}]},
    }
    return [
        event(
            type=f"com.amazon.rum.{kind}",
            details=json.dumps({"version": "1.0.0", **members}),
            metadata=about,
        )
        for kind, members in details.items()
    ]


def _state(server: OpenRum) -> dict[str, Any]:
    status, text = server.get("/insight-state")
    return dict(json.loads(text)) if status == 200 else {}


def _responses(server: OpenRum, times: str, sessions: list[str]) -> dict[str, Any]:
    """Return the responses of all methods."""
    views = ("overview", "changes", "errors", "http", "sessions", "page")
    targets = [f"/insight/my-app/{view}{times}filter=country%3D" for view in views]
    targets += [f"/insight/my-app/errors{times}", f"/insight/my-app/sessions{times}hasReplay=true"]
    targets += [f"/insight/my-app/segments{times}by={name}" for name in ("page", "country")]
    targets += [
        f"/insight/my-app/{view}"
        for session in sessions
        for view in (f"sessions/{session}", f"sessions/{session}/replay")
    ]
    targets += ["/insight/my-app/tail", "/insight-metrics", "/insight"]
    found = {target: _response(server, target) for target in targets}
    for group in found[f"/insight/my-app/errors{times}"]["groups"]:
        target = f"/insight/my-app/errors/{group['fingerprint']}{times}"
        found[target] = _response(server, target)
    found["readback"] = read_back(server.grpc, "my-app")
    return found


def _response(server: OpenRum, target: str) -> Any:
    status, text = server.get(target)
    assert status == 200 or (status == 404 and "/sessions/" in target), text
    return json.loads(text) if text.startswith("{") else text


def test_no_response_contains_an_erased_user(server: OpenRum) -> None:
    user, session, other = new_id(), new_id(), new_id()
    own = batch(_events(user), UserDetails={"userId": user, "sessionId": session})
    mixed = batch(
        [*_events("someone"), *_events(user), *_events("someone")],
        UserDetails={"userId": new_id(), "sessionId": other},
    )
    for document in (own, mixed):
        assert server.post(f"/appmonitors/{server.monitor_id()}", document)[0] == 200
    wait_until(lambda: _state(server).get("events") == 24)
    now = round(time.time() * 1000)
    times = f"?after={now - 600_000}&before={now + 600_000}&"
    before = _responses(server, times, [session, other])

    ran = run_openrum(
        *("erase", "my-app", "--user", user, "--yes"),
        OPENRUM_SERVICE=server.grpc,
        cwd=server.folder,
    )
    assert ran.returncode == 0, ran.stderr
    wait_until(lambda: _state(server).get("events") == 12)
    after = _responses(server, times, [session, other])

    shown = [target for target, response in before.items() if user in str(response)]
    assert len(shown) >= 6, shown
    assert [target for target, response in after.items() if user in str(response).lower()] == []
    assert "someone" in str(after)
