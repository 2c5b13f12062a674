"""Judges the requests of the control plane, member by member, from one table. Pure.

Source: the service model of the AWS SDKs (botocore `rum/2018-05-10`), shapes of the same names.
"""

from __future__ import annotations

__all__ = ["validate_control"]

import re
from collections.abc import Callable, Iterable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from rum_service.errors import ValidationException
from rum_service.events.identifiers import UUID_PATTERN

_Rule = Callable[[str, object], None]


def _text(low: int, high: int, pattern: str | None = None) -> _Rule:
    compiled = re.compile(pattern) if pattern else None

    def check(member: str, value: object) -> None:
        if not low <= len(str(value)) <= high:
            raise ValidationException(f"{member} must have {low} to {high} characters.")
        if compiled and not compiled.fullmatch(str(value)):
            raise ValidationException(f"{member} must match {pattern}.")

    return check


def _one_of(*values: str) -> _Rule:
    def check(member: str, value: object) -> None:
        if value not in values:
            raise ValidationException(f"{member} must be one of {', '.join(values)}.")

    return check


def _number(low: float, high: float) -> _Rule:
    def check(member: str, value: object) -> None:
        if not (isinstance(value, int | float) and low <= value <= high):
            raise ValidationException(f"{member} must be between {low} and {high}.")

    return check


_NAME = _text(1, 255, r"(?!\.)[\.\-_#A-Za-z0-9]+")
# AWS's own pattern, with the anchors that its alternatives lack.
_DOMAIN = _text(
    1,
    253,
    r"localhost"
    r"|((25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)\.){3}(25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)"
    r"|(?=[a-zA-Z0-9.*-]{4,253}\Z)(?!.*\.-)(?!.*-\.)(?!.*\.\.)(?!.*[^.]{64,})"
    r"(\*\.)?(?![-.*])[^*]+\.(\*|(?!.*--)(?=.*[a-zA-Z])[^*]+[^*-])",
)
# AWS's own wants a dot in the host; the pages of a developer's machine have none.
_URL = _text(1, 1260, r".*https?://[^\s/].*")
_ARN_PATTERN = r".*arn:[^:]*:[^:]*:[^:]*:[^:]*:.*"
# The model bounds DestinationArn only; nothing that AWS takes for a role or a resource is longer.
_ARN = _text(0, 2048, _ARN_PATTERN)
_DESTINATION = _one_of("CloudWatch", "Evidently")
_ID = _text(1, 255)
_TAG_KEY = _text(1, 128, r"(?!aws:)[a-zA-Z+-=._:/]+")
_STATUS = _one_of("ENABLED", "DISABLED")
_TOKEN = _text(1, 1024)

# By the name of the member, or of message and member where a name means two things.
_RULES: dict[str, _Rule] = {
    "Name": _NAME,
    "AppMonitorName": _NAME,
    "MetricDefinitionRequest.Name": _text(1, 255),
    "QueryFilter.Name": _one_of(
        "Browser", "Device", "Country", "Page", "OS", "EventType", "Invert"
    ),
    "Id": _text(36, 36, UUID_PATTERN),
    "Domain": _DOMAIN,
    "DomainList": _DOMAIN,
    "Platform": _one_of("Web", "Android", "iOS"),
    "IdentityPoolId": _text(1, 55, r".*[\w-]+:[0-9a-f-]+.*"),
    "ExcludedPages": _URL,
    "IncludedPages": _URL,
    "SessionSampleRate": _number(0, 1),
    "GuestRoleArn": _ARN,
    "Telemetries": _one_of("errors", "performance", "http"),
    "Status": _STATUS,
    "S3Uri": _text(
        1,
        1024,
        r"s3://[a-z0-9][-.a-z0-9]{1,62}(?:/[-!_*'().a-z0-9A-Z]+(?:/[-!_*'().a-z0-9A-Z]+)*)?/?",
    ),
    "Destination": _DESTINATION,
    "destination": _DESTINATION,
    "DestinationArn": _ARN,
    "destinationArn": _ARN,
    "IamRoleArn": _ARN,
    "ResourceArn": _ARN,
    "PolicyRevisionId": _ID,
    "policyRevisionId": _ID,
    "MetricDefinitionId": _ID,
    "metricDefinitionIds": _ID,
    "ValueKey": _text(1, 280),
    "UnitLabel": _text(1, 256),
    "EventPattern": _text(0, 4000),
    "Namespace": _text(1, 237, r".*[a-zA-Z0-9-._/#:]+"),
    "DimensionKeys.key": _text(1, 280),
    "DimensionKeys.value": _text(1, 255, r"(?!:).*[^\s].*"),
    "maxResults": _number(1, 100),
    "MaxResults": _number(0, 100),
    "nextToken": _TOKEN,
    "NextToken": _TOKEN,
    "tagKeys": _TAG_KEY,
    "Tags.key": _TAG_KEY,
    "Tags.value": _text(0, 256),
}
_LENGTHS: dict[str, range] = {
    "DomainList": range(6),
    "ExcludedPages": range(51),
    "IncludedPages": range(51),
    "FavoritePages": range(51),
    "Tags": range(51),
    "tagKeys": range(51),
    "DimensionKeys": range(30),
    "MetricDefinitions": range(201),
    "metricDefinitionIds": range(201),
}
_REQUIRED: dict[str, tuple[str, ...]] = {
    "CreateAppMonitorRequest": ("Name",),
    "GetAppMonitorRequest": ("Name",),
    "UpdateAppMonitorRequest": ("Name",),
    "DeleteAppMonitorRequest": ("Name",),
    "GetAppMonitorDataRequest": ("Name", "TimeRange"),
    "TimeRange": ("After",),
    "QueryFilter": ("Name",),
    "JavaScriptSourceMaps": ("Status",),
    "TagResourceRequest": ("ResourceArn",),
    "UntagResourceRequest": ("ResourceArn",),
    "ListTagsForResourceRequest": ("ResourceArn",),
    "PutResourcePolicyRequest": ("Name", "PolicyDocument"),
    "GetResourcePolicyRequest": ("Name",),
    "DeleteResourcePolicyRequest": ("Name",),
    "PutRumMetricsDestinationRequest": ("AppMonitorName", "Destination"),
    "ListRumMetricsDestinationsRequest": ("AppMonitorName",),
    "DeleteRumMetricsDestinationRequest": ("AppMonitorName", "destination"),
    "BatchCreateRumMetricDefinitionsRequest": ("AppMonitorName", "Destination"),
    "BatchGetRumMetricDefinitionsRequest": ("AppMonitorName", "destination"),
    "BatchDeleteRumMetricDefinitionsRequest": ("AppMonitorName", "destination"),
    "UpdateRumMetricDefinitionRequest": (
        "AppMonitorName",
        "Destination",
        "MetricDefinition",
        "MetricDefinitionId",
    ),
    "MetricDefinitionRequest": ("Name",),
}
# Each of these fails on its own, in the response's Errors: whoever asks for one judges it.
_JUDGED_ONE_BY_ONE = ("BatchCreateRumMetricDefinitionsRequest.MetricDefinitions",)


def validate_control(request: Message) -> None:
    """Raises ValidationException, naming the member, unless every constraint holds."""
    _validate("", request)


def _validate(path: str, message: Message) -> None:
    shape = message.DESCRIPTOR.name
    present = {field.json_name: (field, value) for field, value in message.ListFields()}
    for name in _REQUIRED.get(shape, ()):
        if name not in present:
            raise ValidationException(f"{path}{name} is required.")
    for name, (field, value) in present.items():
        member = f"{path}{name}"
        if name in _LENGTHS and len(value) not in _LENGTHS[name]:
            raise ValidationException(f"{member} must have at most {_LENGTHS[name][-1]} items.")
        if f"{shape}.{name}" in _JUDGED_ONE_BY_ONE:
            continue
        for item_member, item in _items(member, field, value):
            if isinstance(item, Message):
                _validate(f"{item_member}.", item)
            elif rule := _RULES.get(f"{shape}.{name}") or _RULES.get(name):
                rule(item_member, item)


def _items(member: str, field: FieldDescriptor, value: Any) -> Iterable[tuple[str, object]]:
    """Yields the values of a member, each with its name: of lists each item, of maps each value."""
    if field.message_type and field.message_type.GetOptions().map_entry:
        for key, text in value.items():
            _RULES[f"{field.json_name}.key"](f"{member} key", key)
            _RULES[f"{field.json_name}.value"](f"{member}[{key}]", text)
    elif field.is_repeated:
        for index, item in enumerate(value):
            yield f"{member}[{index}]", item
    else:
        yield member, value
