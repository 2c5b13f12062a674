"""The AWS CLI as users call it, against a running server."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.rest import put
from tests.e2e.stored import stored_events
from tests.support.batches import batch, event, new_id
from tests.support.running import OpenRum
from tests.tools import awscli
from tests.tools.toolbox import tools_needed

_AWS_ERROR = 255
"""Exit status of version 1 of the CLI if the server returns an error or is unreachable."""

Aws = Callable[..., Any]


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """Install the CLI, or skip the tests with the reason why it is missing."""
    with tools_needed():
        awscli.install()


@pytest.fixture
def aws(openrum: OpenRum) -> Aws:
    """Runs `aws rum ARGS` and returns the JSON that it prints, or None if it prints nothing."""

    def run(*args: str) -> Any:
        done = awscli.run(["rum", *args], openrum.url)
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout) if done.stdout else None

    return run


def _error(openrum: OpenRum, *args: str) -> str:
    """Run `aws rum ARGS`, which must fail, and return the error that the CLI prints."""
    done = awscli.run(["rum", *args], openrum.url)
    assert (done.returncode, done.stdout) == (_AWS_ERROR, "")
    return done.stderr.strip()


def _of_batch(openrum: OpenRum, batch_id: str) -> list[dict[str, Any]]:
    return [e for e in stored_events(openrum.grpc) if e["batch_id"] == batch_id]


# PutRumEvents


def test_events_in_shorthand_syntax_are_stored(openrum: OpenRum, aws: Aws) -> None:
    batch_id, user, session, first, second = (new_id() for _ in range(5))
    printed = aws(
        *("put-rum-events", "--id", openrum.monitor_id(), "--batch-id", batch_id),
        *("--app-monitor-details", "name=shop,version=1.2.3"),
        *("--user-details", f"userId={user},sessionId={session}"),
        "--rum-events",
        f'id={first},timestamp=1735787045,type=cart,details=\'{{"items":3}}\',metadata=\'{{"pageId":"/x"}}\'',
        f"id={second},timestamp=2025-01-02T03:04:06Z,type=日本,details='{{}}'",
    )

    found = _of_batch(openrum, batch_id)
    assert printed is None
    assert [(first, 1735787045000, "cart"), (second, 1735787046000, "日本")] == [
        (e["event_id"], e["event_timestamp"], e["event_type"]) for e in found
    ]
    assert found[0]["event_details"] == {"items": 3}
    assert [e["metadata"] for e in found] == [{"pageId": "/x"}, {}]
    assert {(e["userId"], e["sessionId"], e["application_version"]) for e in found} == {
        (user, session, "1.2.3")
    }


def test_events_in_json_arguments_are_stored(openrum: OpenRum, aws: Aws) -> None:
    body = batch(3)
    aws(
        *("put-rum-events", "--id", openrum.monitor_id(), "--batch-id", body["BatchId"]),
        *("--app-monitor-details", json.dumps(body["AppMonitorDetails"])),
        *("--user-details", json.dumps(body["UserDetails"])),
        *("--rum-events", json.dumps(body["RumEvents"])),
    )

    found = _of_batch(openrum, body["BatchId"])
    assert [e["id"] for e in body["RumEvents"]] == [e["event_id"] for e in found]
    assert {e["sessionId"] for e in found} == {body["UserDetails"]["sessionId"]}


def test_an_input_file_that_is_sent_twice_is_stored_once(
    openrum: OpenRum, aws: Aws, tmp_path: Path
) -> None:
    body = batch(2, Alias="shop-alias")
    path = tmp_path / "put.json"
    path.write_text(json.dumps({"Id": openrum.monitor_id(), **body}))
    aws("put-rum-events", "--cli-input-json", f"file://{path}")
    aws("put-rum-events", "--cli-input-json", f"file://{path}")

    found = _of_batch(openrum, body["BatchId"])
    assert [e["id"] for e in body["RumEvents"]] == [e["event_id"] for e in found]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"Id": "00000000-0000-4000-8000-000000000000"},
            "(ResourceNotFoundException) when calling the PutRumEvents operation: "
            "There is no app monitor with this id.",
        ),
        (
            {"BatchId": "x" * 36},
            "(ValidationException) when calling the PutRumEvents operation: BatchId must match ",
        ),
        (
            {"RumEvents": [event(), event(id="y" * 36)]},
            "(ValidationException) when calling the PutRumEvents operation: "
            "RumEvents[1].id must match ",
        ),
    ],
    ids=["unknown app monitor", "batch id", "event id"],
)
def test_a_rejected_put_reports_its_exception(
    openrum: OpenRum, change: dict[str, Any], expected: str
) -> None:
    body = {"Id": openrum.monitor_id(), **batch(), **change}
    before = stored_events(openrum.grpc)

    error = _error(openrum, "put-rum-events", "--cli-input-json", json.dumps(body))

    assert error.startswith(f"An error occurred {expected}")
    assert stored_events(openrum.grpc) == before


# The control plane


def test_an_app_monitor_is_created_read_updated_and_deleted(openrum: OpenRum, aws: Aws) -> None:
    options = ("--domain", "shop.example", "--tags", "team=blue", "--cw-log-enabled")
    settings = "AllowCookies=true,SessionSampleRate=0.5,Telemetries=errors,http"
    created = aws(
        *("create-app-monitor", "--name", "shop", *options),
        *("--app-monitor-configuration", settings, "--custom-events", "Status=ENABLED"),
    )
    created_monitor = aws("get-app-monitor", "--name", "shop")["AppMonitor"]
    aws("update-app-monitor", "--name", "shop", "--domain-list", "a.example", "*.b.example")
    updated = aws("get-app-monitor", "--name", "shop")["AppMonitor"]
    put(openrum, batch(), created["Id"])
    active = aws("list-app-monitors", "--query", "AppMonitorSummaries[?Name=='shop']")
    aws("delete-app-monitor", "--name", "shop")

    assert created_monitor["Id"] == created["Id"]
    assert (created_monitor["Domain"], created_monitor["Tags"], created_monitor["State"]) == (
        "shop.example",
        {"team": "blue"},
        "CREATED",
    )
    assert created_monitor["AppMonitorConfiguration"] == {
        "AllowCookies": True,
        **{name: [] for name in ("ExcludedPages", "FavoritePages", "IncludedPages")},
        "SessionSampleRate": 0.5,
        "Telemetries": ["errors", "http"],
    }
    assert created_monitor["DataStorage"]["CwLog"]["CwLogEnabled"] is True
    assert created_monitor["CustomEvents"] == {"Status": "ENABLED"}
    assert "Domain" not in updated
    assert updated["DomainList"] == ["a.example", "*.b.example"]
    assert [(m["Id"], m["State"]) for m in active] == [(created["Id"], "ACTIVE")]
    assert "(ResourceNotFoundException)" in _error(openrum, "get-app-monitor", "--name", "shop")
    assert put(openrum, batch(), created["Id"])[0] == 404


def test_creating_an_existing_app_monitor_is_a_conflict(openrum: OpenRum) -> None:
    error = _error(openrum, "create-app-monitor", "--name", "my-app", "--domain", "localhost")

    assert error.startswith("An error occurred (ConflictException)")


def test_app_monitors_are_listed_page_by_page(aws: Aws) -> None:
    names = ["my-app", "paged-1", "paged-2"]
    for name in names[1:]:
        aws("create-app-monitor", "--name", name, "--domain", "localhost")
    listed = aws("list-app-monitors", "--page-size", "1")
    first = aws("list-app-monitors", "--max-items", "2")
    rest = aws("list-app-monitors", "--starting-token", first["NextToken"])

    assert [m["Name"] for m in listed["AppMonitorSummaries"]] == names
    assert [m["Name"] for m in first["AppMonitorSummaries"]] == names[:2]
    assert [m["Name"] for m in rest["AppMonitorSummaries"]] == names[2:]


def test_events_are_read_back_page_by_page(openrum: OpenRum, aws: Aws) -> None:
    options = ("--domain", "localhost", "--custom-events", "Status=ENABLED")
    created = aws("create-app-monitor", "--name", "read", *options)
    at = 1735787045
    bodies = [batch([event(timestamp=at + n, type=f"t{n}")]) for n in range(5)]
    for body in bodies:
        put(openrum, body, created["Id"])
    data = ("get-app-monitor-data", "--name", "read", "--time-range")
    whole = f"After={at * 1000}"
    paged = aws(*data, whole, "--page-size", "2")
    first = aws(*data, whole, "--max-items", "3")
    rest = aws(*data, whole, "--starting-token", first["NextToken"])
    middle = aws(*data, f"After={(at + 1) * 1000},Before={(at + 3) * 1000}")
    filtered = aws(*data, whole, "--filters", "Name=EventType,Values=t1,t4")

    def types(response: Any) -> list[str]:
        return [json.loads(document)["event_type"] for document in response["Events"]]

    assert types(paged) == ["t4", "t3", "t2", "t1", "t0"]
    assert types(first) + types(rest) == types(paged)
    assert (types(middle), types(filtered)) == (["t3", "t2", "t1"], ["t4", "t1"])


def test_an_unreachable_server_is_named_in_the_error() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        done = awscli.run(["rum", "list-app-monitors"], url)

    message = f'Could not connect to the endpoint URL: "{url}/appmonitors"'
    assert (done.returncode, done.stderr.strip()) == (_AWS_ERROR, message)
