"""Captured control-plane requests of boto3, replayed over a real connection."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.test_replay import replay
from tests.support.running import OpenRum, run_openrum
from tests.support.traffic import CapturedRequest, load

_OTHER_CAPTURE = ("/policy", "/tags/", "/rummetrics/")
# The expected responses, in the order of the capture. Each depends on the requests before it.
_EXPECTED = [
    ("POST", "/appmonitor", 200, {"Id"}),
    ("POST", "/appmonitor", 200, {"Id"}),
    ("GET", "/appmonitor/shop", 200, {"AppMonitor"}),
    ("GET", "/appmonitor/a.b_c-d%23e", 200, {"AppMonitor"}),
    ("POST", "/appmonitors", 200, {"AppMonitorSummaries"}),
    # These two contain tokens that no page returned.
    ("POST", "/appmonitors?maxResults=5&nextToken=abc%3D%3D", 400, {"message"}),
    ("PATCH", "/appmonitor/shop", 200, set()),
    ("POST", "/appmonitor/shop/data", 400, {"message"}),
    ("POST", "/appmonitor/shop/data", 200, {"Events"}),
    ("DELETE", "/appmonitor/shop", 200, set()),
]


Responses = list[tuple[CapturedRequest, int, dict[str, str], Any]]


@pytest.fixture(scope="module")
def responses(openrum: OpenRum) -> Responses:
    """Each captured request for app monitors and their events, with its response."""
    create = ("monitors", "create", "a.b_c-d#e")
    assert run_openrum(*create, OPENRUM_SERVICE=openrum.grpc).returncode == 0
    captured = [
        request
        for request in load("boto3-control-plane")
        if not any(part in request.url for part in _OTHER_CAPTURE)
    ]
    return [
        (request, status, headers, json.loads(body))
        for request, (status, headers, body) in zip(
            captured, replay(openrum, captured, connections=1), strict=True
        )
    ]


def test_every_captured_operation_has_the_expected_response(responses: Responses) -> None:
    assert [
        (request.method, request.url, status, set(body)) for request, status, _, body in responses
    ] == _EXPECTED


def test_a_created_app_monitor_can_be_read(responses: Responses) -> None:
    expected = {**responses[0][0].document, **responses[0][3], "State": "CREATED"}
    read = responses[2][3]["AppMonitor"]

    assert expected.pop("CwLogEnabled") is read["DataStorage"]["CwLog"]["CwLogEnabled"]
    configuration = read["AppMonitorConfiguration"] | expected.pop("AppMonitorConfiguration")
    assert read == {**read, **expected, "AppMonitorConfiguration": configuration}
    assert responses[3][3]["AppMonitor"]["Name"] == "a.b_c-d#e"


def test_app_monitors_are_listed_by_name(responses: Responses) -> None:
    names = [summary["Name"] for summary in responses[4][3]["AppMonitorSummaries"]]

    assert names == ["a.b_c-d#e", "my-app", "shop", "shop2"]


def test_an_invalid_token_is_rejected_with_the_member(responses: Responses) -> None:
    rejections = [
        (headers["x-amzn-errortype"], body["message"].split()[0])
        for _, status, headers, body in responses
        if status == 400
    ]

    assert rejections == [
        ("ValidationException", "nextToken"),
        ("ValidationException", "NextToken"),
    ]
