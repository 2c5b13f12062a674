"""Validates metric definitions and destinations by the rules that span members. Pure.

An extended metric (Namespace absent or AWS/RUM) has one of the documented names; each name
prescribes ValueKey and EventPattern. A custom metric may use any event field.
Source: the service model of the AWS SDKs, MetricDefinitionRequest and PutRumMetricsDestination.
"""

from __future__ import annotations

__all__ = ["NamesDestination", "check_definition", "check_destination"]

from dataclasses import dataclass

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
from rum_service.events.custom_metrics import AWS_NAMESPACE
from rum_service.events.pattern import Alternatives, parse_pattern

NamesDestination = (
    PutRumMetricsDestinationRequest
    | DeleteRumMetricsDestinationRequest
    | BatchCreateRumMetricDefinitionsRequest
    | BatchGetRumMetricDefinitionsRequest
    | BatchDeleteRumMetricDefinitionsRequest
    | UpdateRumMetricDefinitionRequest
)


@dataclass(frozen=True, slots=True)
class _Extended:
    """The rules for one extended metric."""

    event_type: str
    value_key: str | None = None
    """The required ValueKey; None: ValueKey must be absent."""
    compared_field: str | None = None
    """The field that EventPattern must compare besides event_type."""
    comparisons: tuple[list[object], ...] = ()
    """The numeric comparisons of that field; EventPattern must have one of them."""


_NAVIGATION = "com.amazon.rum.performance_navigation_event"
_HTTP = "com.amazon.rum.http_event"
_DURATION, _VALUE = "event_details.duration", "event_details.value"


def _transaction(*comparisons: list[object]) -> _Extended:
    return _Extended(_NAVIGATION, compared_field=_DURATION, comparisons=comparisons)


def _http(*comparison: object) -> _Extended:
    return _Extended(
        _HTTP, compared_field="event_details.response.status", comparisons=([*comparison],)
    )


_EXTENDED = {
    "PerformanceNavigationDuration": _Extended(_NAVIGATION, _DURATION),
    "PerformanceResourceDuration": _Extended(
        "com.amazon.rum.performance_resource_event", _DURATION
    ),
    # The model says `> 2000` in one place and shows `< 2000` in another, and Apdex counts up to and
    # including 2,000 ms. Accept all three, because callers copy any of them.
    "NavigationSatisfiedTransaction": _transaction([">", 2000], ["<", 2000], ["<=", 2000]),
    "NavigationToleratedTransaction": _transaction([">=", 2000, "<", 8000]),
    "NavigationFrustratedTransaction": _transaction([">=", 8000]),
    "WebVitalsCumulativeLayoutShift": _Extended(
        "com.amazon.rum.cumulative_layout_shift_event", _VALUE
    ),
    "WebVitalsFirstInputDelay": _Extended("com.amazon.rum.first_input_delay_event", _VALUE),
    "WebVitalsLargestContentfulPaint": _Extended(
        "com.amazon.rum.largest_contentful_paint_event", _VALUE
    ),
    "JsErrorCount": _Extended("com.amazon.rum.js_error_event"),
    "HttpErrorCount": _Extended(_HTTP),
    "SessionCount": _Extended("com.amazon.rum.session_start_event"),
    "PageViewCount": _Extended("com.amazon.rum.page_view_event"),
    "Http4xxCount": _http(">=", 400, "<", 500),
    "Http5xxCount": _http(">=", 500, "<=", 599),
}
_EXTENDED_DIMENSIONS = {
    "metadata.pageId": "PageId",
    "metadata.browserName": "BrowserName",
    "metadata.deviceType": "DeviceType",
    "metadata.osName": "OSName",
    "metadata.countryCode": "CountryCode",
    "event_details.fileType": "FileType",
}
# `application_Id` is the spelling of the model, `application_id` that of event documents.
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
    """Raise ValidationException unless Evidently has its ARNs and CloudWatch has none."""
    destination_arn = request.DESCRIPTOR.fields_by_name["destination_arn"].json_name
    has_arn = {destination_arn: request.HasField("destination_arn")}
    if isinstance(request, PutRumMetricsDestinationRequest):
        has_arn["IamRoleArn"] = request.HasField("iam_role_arn")
    for member, is_present in has_arn.items():
        if request.destination == "Evidently" and not is_present:
            raise ValidationException(f"{member} is required for Evidently.")
        if request.destination == "CloudWatch" and is_present:
            raise ValidationException(f"{member} is only for Evidently.")


def check_definition(definition: MetricDefinitionRequest) -> None:
    """Raise ValidationException, naming the member, unless every rule holds."""
    validate_control(definition)
    # The model allows an empty EventPattern. It means the same as an absent one.
    pattern = parse_pattern(definition.event_pattern) if definition.event_pattern else {}
    if missing := sorted(set(definition.dimension_keys) - set(pattern)):
        raise ValidationException(f"DimensionKeys: {missing[0]} must also be in EventPattern.")
    if definition.HasField("namespace") and definition.namespace != AWS_NAMESPACE:
        _check_custom(definition, pattern)
    else:
        _check_extended(definition, pattern)


def _check_extended(definition: MetricDefinitionRequest, pattern: dict[str, Alternatives]) -> None:
    rule = _EXTENDED.get(definition.name)
    if rule is None:
        raise ValidationException(
            f"Name must be one of {', '.join(_EXTENDED)}; custom metrics need a Namespace."
        )
    value_key = definition.value_key if definition.HasField("value_key") else None
    if value_key != rule.value_key:
        expected = rule.value_key or "absent"
        raise ValidationException(f"ValueKey must be {expected} for {definition.name}.")
    if pattern.get("event_type") != [rule.event_type]:
        raise ValidationException(
            f'EventPattern must have "event_type": ["{rule.event_type}"] for {definition.name}.'
        )
    allowed = [[{"numeric": comparison}] for comparison in rule.comparisons]
    if rule.compared_field and pattern.get(rule.compared_field) not in allowed:
        raise ValidationException(
            f"EventPattern must compare {rule.compared_field} as documented for {definition.name}."
        )
    for path, name in definition.dimension_keys.items():
        if _EXTENDED_DIMENSIONS.get(path) != name:
            pairs = ", ".join(f"{path}={name}" for path, name in _EXTENDED_DIMENSIONS.items())
            raise ValidationException(f"DimensionKeys of an extended metric must be among {pairs}.")


def _check_custom(definition: MetricDefinitionRequest, pattern: dict[str, Alternatives]) -> None:
    if definition.namespace.startswith("AWS/"):
        raise ValidationException("Namespace must not begin with AWS/.")
    paths = [("EventPattern", path) for path in pattern]
    paths += [("DimensionKeys", path) for path in definition.dimension_keys]
    if definition.HasField("value_key"):
        paths.append(("ValueKey", definition.value_key))
    for member, path in paths:
        if path.partition(".")[0] not in _FIRST_LEVEL_KEYS:
            raise ValidationException(
                f"{member} must begin with one of {', '.join(_FIRST_LEVEL_KEYS)}."
            )
    if any(path.startswith("event_details") for path in pattern) and "event_type" not in pattern:
        raise ValidationException("EventPattern must have event_type if it has event_details.")
    for path, alternatives in pattern.items():
        if len(alternatives) != 1:
            raise ValidationException(f"EventPattern: {path} must have one value.")
