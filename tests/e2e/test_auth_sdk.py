"""The AWS SDK for JavaScript and the AWS CLI with access keys, against a server that needs them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e import sdk_js
from tests.e2e.guarded import Guarded, Key
from tests.support.batches import batch, event
from tests.tools import awscli
from tests.tools.toolbox import tools_needed

_WRONG_SECRET = "no-secret-of-any-key-there-is"
_MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with Guarded(tmp_path_factory.mktemp("guarded")) as running:
        yield running


@pytest.fixture(scope="module")
def writer(server: Guarded) -> Key:
    return server.key(name="writer")


@pytest.fixture(scope="module")
def admin(server: Guarded) -> Key:
    return server.key("--access", "admin", name="admin")


def _stored(server: Guarded, body: dict[str, Any]) -> bool:
    return body["BatchId"] in {event["batch_id"] for event in server.stored()}


# The AWS SDK for JavaScript


def _body() -> dict[str, Any]:
    return batch([event(timestamp="2025-01-02T03:04:05.678Z")])


def _put(server: Guarded, body: dict[str, Any]) -> sdk_js.Call:
    return "PutRumEventsCommand", {"Id": server.monitor_id(), **body}


def _node(
    server: Guarded, key: Key, *calls: sdk_js.Call, session_token: str | None = None, **more: Any
) -> list[dict[str, Any]]:
    credentials = {"accessKeyId": key.id, "secretAccessKey": key.secret}
    if session_token:
        credentials["sessionToken"] = session_token
    return sdk_js.call(server, *calls, credentials=credentials, **more)


def test_the_sdk_for_javascript_can_make_only_the_calls_that_its_key_allows(
    server: Guarded, writer: Key, admin: Key
) -> None:
    body, other = _body(), _body()
    create = ("CreateAppMonitorCommand", {"Name": "shop#1", "Domain": "a.example"})
    delete = ("DeleteAppMonitorCommand", {"Name": "shop#1"})
    put, rejected = _node(server, writer, _put(server, body), create)
    statuses = [r["status"] for r in _node(server, admin, create, delete, _put(server, other))]

    assert (put["status"], statuses) == (200, [200, 200, 200])
    assert (rejected["status"], rejected["error"], rejected["modelled"]) == (
        403,
        "AccessDeniedException",
        True,
    )
    assert rejected["message"] == (
        "User: arn:aws:iam::000000000000:user/writer is not authorized to perform: "
        "rum:CreateAppMonitor on resource: arn:aws:rum:us-east-1:000000000000:appmonitor/*"
    )
    assert [_stored(server, body), _stored(server, other)] == [True, True]


def test_the_sdk_for_javascript_reports_an_invalid_credential(server: Guarded, admin: Key) -> None:
    body = _body()
    calls = (_put(server, body), ("ListAppMonitorsCommand", {}))
    results = [
        *_node(server, Key(admin.id, _WRONG_SECRET), *calls),
        *_node(server, Key("ORAAAAAAAAAAAAAAAAAA", admin.secret), *calls),
        *_node(server, admin, *calls, session_token="unknown"),
    ]

    assert [(r["status"], r["error"]) for r in results] == [
        *[(403, "InvalidSignatureException")] * 2,
        *[(403, "UnrecognizedClientException")] * 4,
    ]
    assert not _stored(server, body)


def test_the_sdk_for_javascript_corrects_its_clock_and_retries(
    server: Guarded, writer: Key
) -> None:
    """It takes the time from the Date header of the rejection."""
    first, second = _body(), _body()
    slow = {"systemClockOffset": -20 * _MINUTE_MS}
    (rejected,) = _node(server, writer, _put(server, first), **slow, maxAttempts=1)
    (corrected,) = _node(server, writer, _put(server, second), **slow, maxAttempts=2)

    assert (rejected["status"], rejected["error"]) == (403, "InvalidSignatureException")
    assert rejected["message"].startswith("Signature expired: ")
    assert (corrected["status"], corrected["attempts"]) == (200, 2)
    assert [_stored(server, first), _stored(server, second)] == [False, True]


# The AWS CLI


def _aws(server: Guarded, key: Key, *args: str) -> subprocess.CompletedProcess[str]:
    pair = {"AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret}
    with tools_needed():
        return awscli.run(["rum", *args], server.url, pair)


def _put_args(server: Guarded, body: dict[str, Any]) -> tuple[str, ...]:
    document = json.dumps({"Id": server.monitor_id(), **body})
    return ("put-rum-events", "--cli-input-json", document)


def test_the_aws_cli_can_make_only_the_calls_that_its_key_allows(
    server: Guarded, writer: Key, admin: Key
) -> None:
    body = batch(2)
    put = _aws(server, writer, *_put_args(server, body))
    listed = _aws(server, admin, "list-app-monitors", "--query", "AppMonitorSummaries[].Name")
    rejected = _aws(server, writer, "delete-app-monitor", "--name", "my-app")

    assert (put.returncode, put.stderr) == (0, "")
    assert json.loads(listed.stdout) == ["my-app"]
    assert (rejected.returncode, rejected.stderr.strip()) == (
        255,
        "An error occurred (AccessDeniedException) when calling the DeleteAppMonitor operation: "
        "User: arn:aws:iam::000000000000:user/writer is not authorized to perform: "
        "rum:DeleteAppMonitor on resource: arn:aws:rum:us-east-1:000000000000:appmonitor/my-app",
    )
    assert _stored(server, body)


@pytest.mark.parametrize(
    ("change", "more", "exception"),
    [
        ({"secret": _WRONG_SECRET}, (), "(InvalidSignatureException)"),
        ({"id": "ORAAAAAAAAAAAAAAAAAA"}, (), "(UnrecognizedClientException)"),
        ({}, ("--no-sign-request",), "(MissingAuthenticationTokenException)"),
    ],
    ids=["wrong secret", "unknown key", "unsigned"],
)
def test_the_aws_cli_reports_an_invalid_credential(
    server: Guarded, admin: Key, change: dict[str, str], more: tuple[str, ...], exception: str
) -> None:
    key = admin._replace(**change)
    body = batch()
    put = _aws(server, key, *_put_args(server, body), *more)
    listed = _aws(server, key, "list-app-monitors", *more)

    assert (put.returncode, listed.returncode) == (255, 255)
    assert f"An error occurred {exception} when calling the PutRumEvents operation: " in put.stderr
    assert (
        f"An error occurred {exception} when calling the ListAppMonitors operation: "
        in listed.stderr
    )
    assert not _stored(server, body)
