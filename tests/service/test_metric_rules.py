"""Metric definitions and event patterns: which are valid, and the message for each that is not."""

from __future__ import annotations

import json
import re

import pytest

from rum.v1.metrics_pb2 import (
    DeleteRumMetricsDestinationRequest,
    MetricDefinitionRequest,
    PutRumMetricsDestinationRequest,
)
from rum_service.control.metric_rules import NamesDestination, check_definition, check_destination
from rum_service.errors import ValidationException
from rum_service.events.pattern import parse_pattern

JS_ERROR = '{"event_type":["com.amazon.rum.js_error_event"]}'
NAVIGATION = "com.amazon.rum.performance_navigation_event"


def duration(*operands: object) -> str:
    details = {"duration": [{"numeric": list(operands)}]}
    return json.dumps({"event_type": [NAVIGATION], "event_details": details})


def status(*operands: object) -> str:
    details = {"response": {"status": [{"numeric": list(operands)}]}}
    return json.dumps({"event_type": ["com.amazon.rum.http_event"], "event_details": details})


def counting(event_type: str) -> str:
    return json.dumps({"event_type": [f"com.amazon.rum.{event_type}_event"]})


# Each combination that the service model documents for MetricDefinitionRequest.
EXTENDED = [
    ("PerformanceNavigationDuration", "event_details.duration", counting("performance_navigation")),
    ("PerformanceResourceDuration", "event_details.duration", counting("performance_resource")),
    ("NavigationSatisfiedTransaction", None, duration(">", 2000)),
    ("NavigationSatisfiedTransaction", None, duration("<", 2000)),
    ("NavigationToleratedTransaction", None, duration(">=", 2000, "<", 8000)),
    ("NavigationFrustratedTransaction", None, duration(">=", 8000)),
    ("WebVitalsCumulativeLayoutShift", "event_details.value", counting("cumulative_layout_shift")),
    ("WebVitalsFirstInputDelay", "event_details.value", counting("first_input_delay")),
    (
        "WebVitalsLargestContentfulPaint",
        "event_details.value",
        counting("largest_contentful_paint"),
    ),
    ("JsErrorCount", None, counting("js_error")),
    ("HttpErrorCount", None, counting("http")),
    ("SessionCount", None, counting("session_start")),
    ("PageViewCount", None, counting("page_view")),
    ("Http4xxCount", None, status(">=", 400, "<", 500)),
    ("Http5xxCount", None, status(">=", 500, "<=", 599)),
]


@pytest.mark.parametrize(("name", "value_key", "pattern"), EXTENDED)
@pytest.mark.parametrize("namespace", [None, "AWS/RUM"])
def test_a_documented_extended_metric_is_valid(
    name: str, value_key: str | None, pattern: str, namespace: str | None
) -> None:
    check_definition(
        MetricDefinitionRequest(
            name=name, value_key=value_key, event_pattern=pattern, namespace=namespace
        )
    )


@pytest.mark.parametrize(("name", "value_key", "pattern"), EXTENDED)
def test_an_extended_metric_with_the_wrong_value_key_is_rejected(
    name: str, value_key: str | None, pattern: str
) -> None:
    wrong = None if value_key else "event_details.duration"

    with pytest.raises(ValidationException, match="ValueKey"):
        check_definition(MetricDefinitionRequest(name=name, value_key=wrong, event_pattern=pattern))


def extended(**members: object) -> dict[str, object]:
    return {"name": "JsErrorCount", "event_pattern": JS_ERROR, **members}


def custom(**members: object) -> dict[str, object]:
    return {"name": "any", "namespace": "mine", **members}


CHROME = '{"event_type":["com.amazon.rum.js_error_event"],"metadata":{"browserName":["Chrome"]}}'
VALID = [
    extended(event_pattern=CHROME, dimension_keys={"metadata.browserName": "BrowserName"}),
    extended(event_pattern=CHROME.replace('"Chrome"', '"Chrome","Safari"')),
    extended(unit_label="Count"),
    custom(),
    custom(event_pattern="{}"),
    # The example of `aws rum batch-create-rum-metric-definitions` in the AWS CLI.
    {
        "name": "AmazonVisitCount",
        "namespace": "PageVisit",
        "dimension_keys": {"event_details.current_url": "URL"},
        "event_pattern": '{"metadata":{"browserName":["Chrome"]},"event_type":["my_custom_event"],'
        '"event_details":{"current_url":["amazonaws.com"]}}',
    },
    custom(value_key="event_details.price", event_pattern='{"event_type":["sale"]}'),
    custom(event_pattern='{"metadata":{"a:b":[{"exists":true}]}}'),
    custom(namespace="AWS", name="n" * 255),
]


@pytest.mark.parametrize("members", VALID, ids=repr)
def test_a_valid_definition_is_accepted(members: dict[str, object]) -> None:
    check_definition(MetricDefinitionRequest(**members))  # type: ignore[arg-type]


INVALID = [
    ("Name is required", {"event_pattern": JS_ERROR}),
    ("Name must have 1 to 255", custom(name="n" * 256)),
    ("Name must be one of", extended(name="Clicks")),
    ('must have "event_type"', extended(event_pattern=None)),
    ('must have "event_type"', extended(event_pattern="")),
    ('must have "event_type"', extended(event_pattern=counting("http"))),
    (
        'must have "event_type"',
        extended(event_pattern='{"event_type":["com.amazon.rum.js_error_event","x"]}'),
    ),
    (
        "must compare event_details.duration",
        extended(name="NavigationFrustratedTransaction", event_pattern=duration(">=", 8001)),
    ),
    (
        "must compare event_details.duration",
        extended(
            name="NavigationFrustratedTransaction", event_pattern=counting("performance_navigation")
        ),
    ),
    (
        "DimensionKeys: metadata.osName must also be in EventPattern",
        extended(event_pattern=CHROME, dimension_keys={"metadata.osName": "OSName"}),
    ),
    (
        "DimensionKeys of an extended metric",
        extended(event_pattern=CHROME, dimension_keys={"metadata.browserName": "Browser"}),
    ),
    ("Namespace must not begin with AWS/", custom(namespace="AWS/Mine")),
    ("Namespace must have 1 to 237", custom(namespace="n" * 238)),
    ("Namespace must match", custom(namespace="no blank at the end ")),
    ("EventPattern must be a JSON object", custom(event_pattern='["a"]')),
    ("EventPattern must have 0 to 4000", custom(event_pattern=" " * 4001)),
    ("EventPattern must begin with one of", custom(event_pattern='{"type":["a"]}')),
    ("ValueKey must begin with one of", custom(value_key="duration")),
    ("ValueKey must have 1 to 280", custom(value_key="event_details." + "x" * 280)),
    ("UnitLabel must have 1 to 256", custom(unit_label="")),
    (
        "event_type if it has event_details",
        custom(event_pattern='{"event_details":{"a":["b"]}}'),
    ),
    (
        "metadata.a must have one value",
        custom(event_pattern='{"metadata":{"a":["b","c"]}}'),
    ),
    (
        "DimensionKeys must have at most 29",
        custom(dimension_keys={f"metadata.a{n}": "A" for n in range(30)}),
    ),
    (
        "DimensionKeys[metadata.a] must match",
        custom(dimension_keys={"metadata.a": ":a"}, event_pattern='{"metadata":{"a":["b"]}}'),
    ),
    ("DimensionKeys key must have 1 to 280", custom(dimension_keys={"": "a"})),
]


@pytest.mark.parametrize(("message", "members"), INVALID, ids=[name for name, _ in INVALID])
def test_an_invalid_definition_is_rejected(message: str, members: dict[str, object]) -> None:
    with pytest.raises(ValidationException, match=re.escape(message)):
        check_definition(MetricDefinitionRequest(**members))  # type: ignore[arg-type]


ARN = "arn:aws:rum:us-east-1:000000000000:appmonitor/shop"


@pytest.mark.parametrize(
    "request_",
    [
        PutRumMetricsDestinationRequest(destination="CloudWatch"),
        PutRumMetricsDestinationRequest(
            destination="Evidently", destination_arn=ARN, iam_role_arn=ARN
        ),
        DeleteRumMetricsDestinationRequest(destination="CloudWatch"),
        DeleteRumMetricsDestinationRequest(destination="Evidently", destination_arn=ARN),
    ],
    ids=repr,
)
def test_a_destination_with_the_arns_of_its_kind_is_accepted(request_: NamesDestination) -> None:
    check_destination(request_)


@pytest.mark.parametrize(
    ("message", "request_"),
    [
        (
            "DestinationArn is required for Evidently.",
            PutRumMetricsDestinationRequest(destination="Evidently", iam_role_arn=ARN),
        ),
        (
            "IamRoleArn is required for Evidently.",
            PutRumMetricsDestinationRequest(destination="Evidently", destination_arn=ARN),
        ),
        (
            "DestinationArn is only for Evidently.",
            PutRumMetricsDestinationRequest(destination="CloudWatch", destination_arn=ARN),
        ),
        (
            "IamRoleArn is only for Evidently.",
            PutRumMetricsDestinationRequest(destination="CloudWatch", iam_role_arn=ARN),
        ),
        (
            "destinationArn is required for Evidently.",
            DeleteRumMetricsDestinationRequest(destination="Evidently"),
        ),
        (
            "destinationArn is only for Evidently.",
            DeleteRumMetricsDestinationRequest(destination="CloudWatch", destination_arn=ARN),
        ),
    ],
    ids=repr,
)
def test_a_destination_with_the_wrong_arns_is_rejected(
    message: str, request_: NamesDestination
) -> None:
    with pytest.raises(ValidationException, match=f"^{message}$"):
        check_destination(request_)


@pytest.mark.parametrize(
    "alternative",
    [
        "a",
        "",
        1,
        1.5,
        True,
        None,
        {"numeric": ["=", 1]},
        {"numeric": [">", 0, "<=", 5.5]},
        {"exists": False},
        {"prefix": "/shop"},
        {"suffix": ".png"},
        {"equals-ignore-case": "chrome"},
        {"wildcard": "/a/*"},
        {"anything-but": "a"},
        {"anything-but": ["a", 1]},
        {"anything-but": {"prefix": "a"}},
    ],
    ids=repr,
)
def test_a_pattern_may_use_the_comparisons_of_eventbridge(alternative: object) -> None:
    pattern = {"metadata": {"a": {"b": [alternative]}}, "event_type": ["x"]}

    expected = {"event_type": ["x"], "metadata.a.b": [alternative]}
    assert expected == parse_pattern(json.dumps(pattern))


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "{",
        "null",
        '"text"',
        '{"a":"b"}',
        '{"a":1}',
        '{"a":null}',
        '{"a":[]}',
        '{"a":{}}',
        '{"a":[[1]]}',
        '{"a":[{}]}',
        '{"a":[{"numeric":[">"]}]}',
        '{"a":[{"numeric":["!",1]}]}',
        '{"a":[{"numeric":[">","1"]}]}',
        '{"a":[{"numeric":[">",true]}]}',
        '{"a":[{"numeric":[">",1,"<"]}]}',
        '{"a":[{"numeric":1}]}',
        '{"a":[{"exists":1}]}',
        '{"a":[{"prefix":""}]}',
        '{"a":[{"anything-but":[]}]}',
        '{"a":[{"anything-but":{"suffix":"a"}}]}',
        '{"a":[{"exists":true,"prefix":"a"}]}',
        '{"a":[{"like":"x"}]}',
        '{"a":[NaN]}',
        '{"a":' * 700 + "1" + "}" * 700,
    ],
    ids=lambda pattern: pattern[:40],
)
def test_an_invalid_pattern_is_rejected(pattern: str) -> None:
    with pytest.raises(ValidationException, match="EventPattern"):
        parse_pattern(pattern)
