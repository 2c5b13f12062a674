"""Judges metric definitions and destinations by the rules that span members. Pure.

An extended metric (Namespace absent or AWS/RUM) has one of the documented names, each with its
ValueKey and pattern; a custom metric is anything over the fields of events.
Source: the service model of the AWS SDKs, MetricDefinitionRequest and PutRumMetricsDestination.
"""

from __future__ import annotations

__all__ = ["check_definition", "check_destination"]

from typing import NamedTuple

from rum.v1.metrics_pb2 import (
    BatchCreateRumMetricDefinitionsRequest,
    BatchDeleteRumMetricDefinitionsRequest,
    BatchGetRumMetricDefinitionsRequest,
    DeleteRumMetricsDestinationRequest,
    MetricDefinitionRequest,
    PutRumMetricsDestinationRequest,
    UpdateRumMetricDefinitionRequest,
)
from rum_service.control.constraints import validate_control
from rum_service.errors import ValidationException
from rum_service.events.pattern import Alternatives, parse_pattern

NamesDestination = (
    PutRumMetricsDestinationRequest
    | DeleteRumMetricsDestinationRequest
    | BatchCreateRumMetricDefinitionsRequest
    | BatchGetRumMetricDefinitionsRequest
    | BatchDeleteRumMetricDefinitionsRequest
    | UpdateRumMetricDefinitionRequest
)


class _Extended(NamedTuple):
    value_key: str
    """What ValueKey must be; empty: absent."""
    event_type: str
    field: str = ""
    """A field that the pattern must have besides event_type."""
    ranges: tuple[list[object], ...] = ()
    """The numeric comparisons that the field may have, one of them."""


_NAVIGATION = "com.amazon.rum.performance_navigation_event"
_HTTP = "com.amazon.rum.http_event"
_DURATION, _VALUE = "event_details.duration", "event_details.value"
_HTTP_STATUS = "event_details.response.status"
_EXTENDED = {
    "PerformanceNavigationDuration": _Extended(_DURATION, _NAVIGATION),
    "PerformanceResourceDuration": _Extended(
        _DURATION, "com.amazon.rum.performance_resource_event"
    ),
    # The model says `> 2000` in one place and shows `< 2000` in another, and Apdex counts up to
    # and including 2,000 ms: whichever a caller has copied is taken.
    "NavigationSatisfiedTransaction": _Extended(
        "", _NAVIGATION, _DURATION, ([">", 2000], ["<", 2000], ["<=", 2000])
    ),
    "NavigationToleratedTransaction": _Extended(
        "", _NAVIGATION, _DURATION, ([">=", 2000, "<", 8000],)
    ),
    "NavigationFrustratedTransaction": _Extended("", _NAVIGATION, _DURATION, ([">=", 8000],)),
    "WebVitalsCumulativeLayoutShift": _Extended(
        _VALUE, "com.amazon.rum.cumulative_layout_shift_event"
    ),
    "WebVitalsFirstInputDelay": _Extended(_VALUE, "com.amazon.rum.first_input_delay_event"),
    "WebVitalsLargestContentfulPaint": _Extended(
        _VALUE, "com.amazon.rum.largest_contentful_paint_event"
    ),
    "JsErrorCount": _Extended("", "com.amazon.rum.js_error_event"),
    "HttpErrorCount": _Extended("", _HTTP),
    "SessionCount": _Extended("", "com.amazon.rum.session_start_event"),
    "PageViewCount": _Extended("", "com.amazon.rum.page_view_event"),
    "Http4xxCount": _Extended("", _HTTP, _HTTP_STATUS, ([">=", 400, "<", 500],)),
    "Http5xxCount": _Extended("", _HTTP, _HTTP_STATUS, ([">=", 500, "<=", 599],)),
}
_EXTENDED_DIMENSIONS = {
    "metadata.pageId": "PageId",
    "metadata.browserName": "BrowserName",
    "metadata.deviceType": "DeviceType",
    "metadata.osName": "OSName",
    "metadata.countryCode": "CountryCode",
    "event_details.fileType": "FileType",
}
# As the model lists them, capital I and all, and as event documents really spell it.
_FIRST_LEVEL_KEYS = (
    "account_id",
    "application_Id",
    "application_id",
    "application_version",
    "application_name",
    "batch_id",
    "event_details",
    "event_id",
    "event_interaction",
    "event_timestamp",
    "event_type",
    "event_version",
    "log_stream",
    "metadata",
    "sessionId",
    "user_details",
    "userId",
)


def check_destination(request: NamesDestination) -> None:
    """Raises ValidationException unless the ARNs are there just when Destination is Evidently."""
    for field in ("destination_arn", "iam_role_arn"):
        described = request.DESCRIPTOR.fields_by_name.get(field)
        if described is None:
            continue
        is_there = any(present is described for present, _ in request.ListFields())
        if request.destination == "Evidently" and not is_there:
            raise ValidationException(f"{described.json_name} is required for Evidently.")
        if request.destination == "CloudWatch" and is_there:
            raise ValidationException(f"{described.json_name} is only for Evidently.")


def check_definition(definition: MetricDefinitionRequest) -> None:
    """Raises ValidationException, naming the member, unless every rule holds."""
    validate_control(definition)
    pattern = parse_pattern(definition.event_pattern) if definition.event_pattern else {}
    if missing := sorted(set(definition.dimension_keys) - set(pattern)):
        raise ValidationException(f"DimensionKeys: {missing[0]} must be in EventPattern too.")
    if definition.namespace in ("", "AWS/RUM"):
        _check_extended(definition, pattern)
    else:
        _check_custom(definition, pattern)


def _check_extended(definition: MetricDefinitionRequest, pattern: dict[str, Alternatives]) -> None:
    rule = _EXTENDED.get(definition.name)
    if rule is None:
        raise ValidationException(
            f"Name must be one of {', '.join(_EXTENDED)}; custom metrics need a Namespace."
        )
    if definition.value_key != rule.value_key:
        must = f"be {rule.value_key}" if rule.value_key else "be absent"
        raise ValidationException(f"ValueKey must {must} for {definition.name}.")
    if pattern.get("event_type") != [rule.event_type]:
        raise ValidationException(
            f'EventPattern must have "event_type": ["{rule.event_type}"] for {definition.name}.'
        )
    if rule.field and pattern.get(rule.field) not in [[{"numeric": r}] for r in rule.ranges]:
        raise ValidationException(
            f"EventPattern must compare {rule.field} as documented for {definition.name}."
        )
    for path, name in definition.dimension_keys.items():
        if _EXTENDED_DIMENSIONS.get(path) != name:
            pairs = ", ".join(f"{path}={name}" for path, name in _EXTENDED_DIMENSIONS.items())
            raise ValidationException(f"DimensionKeys of an extended metric must be of {pairs}.")


def _check_custom(definition: MetricDefinitionRequest, pattern: dict[str, Alternatives]) -> None:
    if definition.namespace.startswith("AWS/"):
        raise ValidationException("Namespace must not begin with AWS/.")
    paths = [("EventPattern", path) for path in pattern]
    paths += [("DimensionKeys", path) for path in definition.dimension_keys]
    if definition.value_key:
        paths.append(("ValueKey", definition.value_key))
    for member, path in paths:
        if path.partition(".")[0] not in _FIRST_LEVEL_KEYS:
            raise ValidationException(
                f"{member} must begin with one of {', '.join(_FIRST_LEVEL_KEYS)}."
            )
    if any(path.startswith("event_details") for path in pattern) and "event_type" not in pattern:
        raise ValidationException("EventPattern must have event_type where it has event_details.")
    if several := [path for path, alternatives in pattern.items() if len(alternatives) != 1]:
        raise ValidationException(f"EventPattern: {several[0]} must have one value.")
