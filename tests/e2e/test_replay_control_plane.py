"""The captured control-plane requests of boto3, sent again over a real connection."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.test_replay import replay
from tests.support.running import OpenRum, run_openrum
from tests.support.traffic import CapturedRequest, load

_NOT_YET = ("/policy", "/tags/", "/rummetrics/")
# In the captured order: what the server, that had really stored what came before, answers.
_EXPECTED = [
    ("POST", "/appmonitor", 200, {"Id"}),
    ("POST", "/appmonitor", 200, {"Id"}),
    ("GET", "/appmonitor/shop", 200, {"AppMonitor"}),
    ("GET", "/appmonitor/a.b_c-d%23e", 200, {"AppMonitor"}),
    ("POST", "/appmonitors", 200, {"AppMonitorSummaries"}),
    # These two carry tokens that no server gave.
    ("POST", "/appmonitors?maxResults=5&nextToken=abc%3D%3D", 400, {"message"}),
    ("PATCH", "/appmonitor/shop", 200, set()),
    ("POST", "/appmonitor/shop/data", 400, {"message"}),
    ("POST", "/appmonitor/shop/data", 200, {"Events"}),
    ("DELETE", "/appmonitor/shop", 200, set()),
]


Answers = list[tuple[CapturedRequest, int, dict[str, str], Any]]


@pytest.fixture(scope="module")
def answers(openrum: OpenRum) -> Answers:
    """Each captured request of an operation that exists, with its answer."""
    create = ("monitors", "create", "a.b_c-d#e")
    assert run_openrum(*create, OPENRUM_SERVICE=openrum.grpc).returncode == 0
    captured = [
        request
        for request in load("boto3-control-plane")
        if not any(part in request.url for part in _NOT_YET)
    ]
    return [
        (request, status, headers, json.loads(body))
        for request, (status, headers, body) in zip(
            captured, replay(openrum, captured, connections=1), strict=True
        )
    ]


def test_every_captured_operation_is_answered(answers: Answers) -> None:
    assert [
        (request.method, request.url, status, set(body)) for request, status, _, body in answers
    ] == _EXPECTED


def test_what_was_created_is_shown(answers: Answers) -> None:
    wanted = {**answers[0][0].document, **answers[0][3], "State": "CREATED"}
    shown = answers[2][3]["AppMonitor"]

    assert wanted.pop("CwLogEnabled") is shown["DataStorage"]["CwLog"]["CwLogEnabled"]
    assert shown == {**shown, **wanted}
    assert answers[3][3]["AppMonitor"]["Name"] == "a.b_c-d#e"


def test_a_list_shows_all_app_monitors_by_name(answers: Answers) -> None:
    names = [summary["Name"] for summary in answers[4][3]["AppMonitorSummaries"]]

    assert names == ["a.b_c-d#e", "my-app", "shop", "shop2"]


def test_a_token_that_no_page_gave_is_refused_by_name(answers: Answers) -> None:
    refused = [
        (headers["x-amzn-errortype"], body["message"].split()[0])
        for _, status, headers, body in answers
        if status == 400
    ]

    assert refused == [("ValidationException", "nextToken"), ("ValidationException", "NextToken")]
