"""Captured requests of boto3 for policies, tags and metrics, replayed byte for byte."""

from __future__ import annotations

import base64
import http.client
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.running import OpenRum

# Source: tests/golden/control_plane_operations.md
_CAPTURE = Path(__file__).parents[1] / "golden" / "control_plane_operations.jsonl"
_METRICS = "/rummetrics/shop/metrics"
_DESTINATION = "/rummetrics/shop/metricsdestination"
_TAGS = "/tags/arn%3Aaws%3Arum%3Aus-west-2%3A000000000000%3Aappmonitor%2Fshop"
# The expected responses, in the order of the capture. Each depends on the requests before it.
_EXPECTED = [
    ("POST", "/appmonitor", 200, "", {"Id"}),
    # The policy has no statement, and the request names a revision that does not exist.
    ("PUT", "/appmonitor/shop/policy", 400, "MalformedPolicyDocumentException", {"message"}),
    ("GET", "/appmonitor/shop/policy", 404, "PolicyNotFoundException", {"message"}),
    ("DELETE", "/appmonitor/shop/policy", 404, "PolicyNotFoundException", {"message"}),
    ("POST", _TAGS, 200, "", set()),
    # `c d` is not a valid tag key: the documented pattern does not allow spaces.
    ("DELETE", _TAGS, 400, "ValidationException", {"message"}),
    ("GET", _TAGS, 200, "", {"ResourceArn", "Tags"}),
    ("POST", _DESTINATION, 200, "", set()),
    ("GET", _DESTINATION, 200, "", {"Destinations"}),
    ("POST", _METRICS, 200, "", {"Errors", "MetricDefinitions"}),
    ("GET", _METRICS, 200, "", {"MetricDefinitions"}),
    ("DELETE", _METRICS, 200, "", {"Errors", "MetricDefinitionIds"}),
    # JsErrorCount without its event pattern.
    ("PATCH", _METRICS, 400, "ValidationException", {"message"}),
    ("DELETE", _DESTINATION, 200, "", set()),
]

Response = tuple[dict[str, Any], int, str, Any]


@pytest.fixture(scope="module")
def responses(openrum: OpenRum) -> list[Response]:
    connection = http.client.HTTPConnection(openrum.url.removeprefix("http://"), timeout=30)
    found: list[Response] = []
    for line in _CAPTURE.read_text().splitlines():
        sent = json.loads(line)
        connection.putrequest(
            sent["method"], sent["url"], skip_host=True, skip_accept_encoding=True
        )
        names, values = sent["raw_headers"][::2], sent["raw_headers"][1::2]
        for name, value in zip(names, values, strict=True):
            connection.putheader(name, value)
        connection.endheaders(base64.b64decode(sent["body_b64"] or ""))
        response = connection.getresponse()
        error = response.headers.get("x-amzn-ErrorType", "")
        found.append((sent, response.status, error, json.loads(response.read())))
    connection.close()
    return found


def test_every_captured_operation_has_the_expected_response(responses: list[Response]) -> None:
    assert [
        (sent["method"], sent["path"], status, error, set(body))
        for sent, status, error, body in responses
    ] == _EXPECTED


def test_tags_from_the_creation_and_from_tag_resource_are_listed(responses: list[Response]) -> None:
    listed = next(
        body for sent, *_, body in responses if "Tags" in body and sent["method"] == "GET"
    )

    assert listed["Tags"] == {"team": "web", "a": "b", "c": ""}
    assert listed["ResourceArn"] == "arn:aws:rum:us-west-2:000000000000:appmonitor/shop"


def test_the_captured_definition_is_created_and_listed(responses: list[Response]) -> None:
    bodies = [body for sent, _, _, body in responses if sent["path"] == _METRICS]
    created, listed, deleted, _ = bodies

    assert created["Errors"] == []
    assert created["MetricDefinitions"] == listed["MetricDefinitions"]
    assert [error["MetricDefinitionId"] for error in deleted["Errors"]] == ["id1", "id2"]
