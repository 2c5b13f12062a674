"""The constraints on the fields of control plane requests: one table, `RULES`. Pure.

Rules that span several fields are in the modules of the use cases and in `metric_rules`.
Source: the service model of the AWS SDKs (botocore `rum/2018-05-10`), shapes of the same names.
"""

from __future__ import annotations

__all__ = ["RULES", "Check", "Number", "OneOf", "Rule", "Text", "validate_control"]

import re
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from rum_service.errors import ValidationException
from rum_service.events.identifiers import UUID_PATTERN


@dataclass(frozen=True, slots=True)
class Text:
    """A string with a number of characters, and a pattern that matches all of it."""

    low: int
    high: int
    pattern: str | None = None
    form: str | None = None
    """What the pattern allows, in words, if people cannot read the pattern."""

    def __call__(self, member: str, value: object) -> None:
        if not self.low <= len(str(value)) <= self.high:
            raise ValidationException(f"{member} must have {self.low} to {self.high} characters.")
        if "\0" in str(value):  # not in the model: PostgreSQL cannot store it
            raise ValidationException(f"{member} must not contain NUL.")
        if self.pattern and not re.fullmatch(self.pattern, str(value)):
            wanted = f"be {self.form}" if self.form else f"match {self.pattern}"
            raise ValidationException(f"{member} must {wanted}.")


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some strings."""

    values: tuple[str, ...]

    def __call__(self, member: str, value: object) -> None:
        if value not in self.values:
            raise ValidationException(f"{member} must be one of {', '.join(self.values)}.")


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a range that includes both ends."""

    low: float
    high: float

    def __call__(self, member: str, value: object) -> None:
        if not (isinstance(value, int | float) and self.low <= value <= self.high):
            raise ValidationException(f"{member} must be between {self.low} and {self.high}.")


Check = Text | OneOf | Number
"""Raises ValidationException if a value, given after its member's name, breaks a constraint."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The constraints on one field."""

    check: Check | None = None
    """Checks the value, each item of a list, or each value of a map."""
    check_key: Check | None = None
    """Checks each key of a map."""
    required: bool = False
    max_items: int | None = None
    """The longest list or largest map."""
    validate_items: bool = True
    """Whether the messages in a list are validated with the request."""


def validate_control(request: Message) -> None:
    """Raise ValidationException, naming the member, unless every constraint holds."""
    _validate("", request)


_check_name = Text(1, 255, r"(?!\.)[\.\-_#A-Za-z0-9]+")
# AWS's pattern, with the anchors that its alternatives lack.
_check_domain = Text(
    1,
    253,
    r"localhost"
    r"|((25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)\.){3}(25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)"
    r"|(?=[a-zA-Z0-9.*-]{4,253}\Z)(?!.*\.-)(?!.*-\.)(?!.*\.\.)(?!.*[^.]{64,})"
    r"(\*\.)?(?![-.*])[^*]+\.(\*|(?!.*--)(?=.*[a-zA-Z])[^*]+[^*-])",
    "localhost, an IPv4 address, or a host name such as shop.example or *.shop.example, without"
    " scheme, port and path",
)
# AWS's pattern requires a dot in the host. We accept hosts without one, such as localhost.
_check_url = Text(1, 1260, r".*https?://[^\s/].*")
# The model limits the length of DestinationArn only. We use its limit for every ARN.
_check_arn = Text(0, 2048, r".*arn:[^:]*:[^:]*:[^:]*:[^:]*:.*")
_check_identity_pool = Text(1, 55, r".*[\w-]+:[0-9a-f-]+.*")
_check_s3_uri = Text(
    1,
    1024,
    r"s3://[a-z0-9][-.a-z0-9]{1,62}(?:/[-!_*'().a-z0-9A-Z]+(?:/[-!_*'().a-z0-9A-Z]+)*)?/?",
    "an S3 URI such as s3://bucket/source-maps",
)
_check_id = Text(1, 255)
_check_token = Text(0, 1024)
_check_tag_key = Text(1, 128, r"(?!aws:)[a-zA-Z+-=._:/]+")
_check_destination = OneOf(("CloudWatch", "Evidently"))
_check_status = OneOf(("ENABLED", "DISABLED"))
_check_filter_name = OneOf(("Browser", "Device", "Country", "Page", "OS", "EventType", "Invert"))

_NAME = Rule(_check_name, required=True)
_DOMAIN, _DOMAIN_LIST = Rule(_check_domain), Rule(_check_domain, max_items=5)
_PAGES = Rule(_check_url, max_items=50)
_TAGS = Rule(Text(0, 256), _check_tag_key, max_items=50)
_ARN, _REQUIRED_ARN = Rule(_check_arn), Rule(_check_arn, required=True)
_DESTINATION = Rule(_check_destination, required=True)
_PAGE_SIZE, _TOKEN = Rule(Number(1, 100)), Rule(_check_token)

# Keyed "Message.field", with the field's JSON name. None: the field has no constraint. Fields
# in a nested message are listed under that message's name.
RULES: dict[str, Rule | None] = {
    "CreateAppMonitorRequest.Name": _NAME,
    "CreateAppMonitorRequest.Domain": _DOMAIN,
    "CreateAppMonitorRequest.DomainList": _DOMAIN_LIST,
    "CreateAppMonitorRequest.Tags": _TAGS,
    "CreateAppMonitorRequest.AppMonitorConfiguration": None,
    "CreateAppMonitorRequest.CwLogEnabled": None,
    "CreateAppMonitorRequest.CustomEvents": None,
    "CreateAppMonitorRequest.DeobfuscationConfiguration": None,
    "CreateAppMonitorRequest.Platform": Rule(OneOf(("Web", "Android", "iOS"))),
    "CreateAppMonitorRequest.Id": Rule(Text(36, 36, UUID_PATTERN)),
    "GetAppMonitorRequest.Name": _NAME,
    "ListAppMonitorsRequest.maxResults": _PAGE_SIZE,
    "ListAppMonitorsRequest.nextToken": _TOKEN,
    "UpdateAppMonitorRequest.Name": _NAME,
    "UpdateAppMonitorRequest.Domain": _DOMAIN,
    "UpdateAppMonitorRequest.DomainList": _DOMAIN_LIST,
    "UpdateAppMonitorRequest.AppMonitorConfiguration": None,
    "UpdateAppMonitorRequest.CwLogEnabled": None,
    "UpdateAppMonitorRequest.CustomEvents": None,
    "UpdateAppMonitorRequest.DeobfuscationConfiguration": None,
    "UpdateAppMonitorRequest.EmptiedLists": Rule(
        OneOf(("ExcludedPages", "IncludedPages", "FavoritePages", "Telemetries"))
    ),
    "DeleteAppMonitorRequest.Name": _NAME,
    "AppMonitorConfiguration.IdentityPoolId": Rule(_check_identity_pool),
    "AppMonitorConfiguration.ExcludedPages": _PAGES,
    "AppMonitorConfiguration.IncludedPages": _PAGES,
    "AppMonitorConfiguration.FavoritePages": Rule(max_items=50),
    "AppMonitorConfiguration.SessionSampleRate": Rule(Number(0, 1)),
    "AppMonitorConfiguration.GuestRoleArn": _ARN,
    "AppMonitorConfiguration.AllowCookies": None,
    "AppMonitorConfiguration.Telemetries": Rule(OneOf(("errors", "performance", "http"))),
    "AppMonitorConfiguration.EnableXRay": None,
    "CustomEvents.Status": Rule(_check_status),
    "DeobfuscationConfiguration.JavaScriptSourceMaps": None,
    "JavaScriptSourceMaps.Status": Rule(_check_status, required=True),
    "JavaScriptSourceMaps.S3Uri": Rule(_check_s3_uri),
    "GetAppMonitorDataRequest.Name": _NAME,
    "GetAppMonitorDataRequest.TimeRange": Rule(required=True),
    "GetAppMonitorDataRequest.Filters": None,
    "GetAppMonitorDataRequest.MaxResults": Rule(Number(0, 100)),
    "GetAppMonitorDataRequest.NextToken": _TOKEN,
    "TimeRange.After": Rule(required=True),
    "TimeRange.Before": None,
    # Not required in the model; we require it because a filter without a name has no meaning.
    "QueryFilter.Name": Rule(_check_filter_name, required=True),
    "QueryFilter.Values": None,
    "TagResourceRequest.ResourceArn": _REQUIRED_ARN,
    "TagResourceRequest.Tags": _TAGS,
    "UntagResourceRequest.ResourceArn": _REQUIRED_ARN,
    "UntagResourceRequest.tagKeys": Rule(_check_tag_key, max_items=50),
    "ListTagsForResourceRequest.ResourceArn": _REQUIRED_ARN,
    "PutResourcePolicyRequest.Name": _NAME,
    "PutResourcePolicyRequest.PolicyDocument": Rule(required=True),
    "PutResourcePolicyRequest.PolicyRevisionId": Rule(_check_id),
    "GetResourcePolicyRequest.Name": _NAME,
    "DeleteResourcePolicyRequest.Name": _NAME,
    "DeleteResourcePolicyRequest.policyRevisionId": Rule(_check_id),
    "PutRumMetricsDestinationRequest.AppMonitorName": _NAME,
    "PutRumMetricsDestinationRequest.Destination": _DESTINATION,
    "PutRumMetricsDestinationRequest.DestinationArn": _ARN,
    "PutRumMetricsDestinationRequest.IamRoleArn": _ARN,
    "ListRumMetricsDestinationsRequest.AppMonitorName": _NAME,
    "ListRumMetricsDestinationsRequest.maxResults": _PAGE_SIZE,
    "ListRumMetricsDestinationsRequest.nextToken": _TOKEN,
    "DeleteRumMetricsDestinationRequest.AppMonitorName": _NAME,
    "DeleteRumMetricsDestinationRequest.destination": _DESTINATION,
    "DeleteRumMetricsDestinationRequest.destinationArn": _ARN,
    "BatchCreateRumMetricDefinitionsRequest.AppMonitorName": _NAME,
    "BatchCreateRumMetricDefinitionsRequest.Destination": _DESTINATION,
    "BatchCreateRumMetricDefinitionsRequest.DestinationArn": _ARN,
    # An invalid definition does not fail the request: the use case validates each and reports it.
    "BatchCreateRumMetricDefinitionsRequest.MetricDefinitions": Rule(
        max_items=200, validate_items=False
    ),
    "BatchGetRumMetricDefinitionsRequest.AppMonitorName": _NAME,
    "BatchGetRumMetricDefinitionsRequest.destination": _DESTINATION,
    "BatchGetRumMetricDefinitionsRequest.destinationArn": _ARN,
    "BatchGetRumMetricDefinitionsRequest.maxResults": _PAGE_SIZE,
    "BatchGetRumMetricDefinitionsRequest.nextToken": _TOKEN,
    "BatchDeleteRumMetricDefinitionsRequest.AppMonitorName": _NAME,
    "BatchDeleteRumMetricDefinitionsRequest.destination": _DESTINATION,
    "BatchDeleteRumMetricDefinitionsRequest.destinationArn": _ARN,
    "BatchDeleteRumMetricDefinitionsRequest.metricDefinitionIds": Rule(_check_id, max_items=200),
    "UpdateRumMetricDefinitionRequest.AppMonitorName": _NAME,
    "UpdateRumMetricDefinitionRequest.Destination": _DESTINATION,
    "UpdateRumMetricDefinitionRequest.DestinationArn": _ARN,
    "UpdateRumMetricDefinitionRequest.MetricDefinition": Rule(required=True),
    "UpdateRumMetricDefinitionRequest.MetricDefinitionId": Rule(_check_id, required=True),
    "MetricDefinitionRequest.Name": Rule(Text(1, 255), required=True),
    "MetricDefinitionRequest.ValueKey": Rule(Text(1, 280)),
    "MetricDefinitionRequest.UnitLabel": Rule(Text(1, 256)),
    "MetricDefinitionRequest.DimensionKeys": Rule(
        Text(1, 255, r"(?!:).*[^\s].*"), Text(1, 280), max_items=29
    ),
    "MetricDefinitionRequest.EventPattern": Rule(Text(0, 4000)),
    "MetricDefinitionRequest.Namespace": Rule(Text(1, 237, r".*[a-zA-Z0-9-._/#:]+")),
}


def _validate(path: str, message: Message) -> None:
    shape = message.DESCRIPTOR.name
    present = {field.json_name: (field, value) for field, value in message.ListFields()}
    rules = {
        field.json_name: RULES[f"{shape}.{field.json_name}"] for field in message.DESCRIPTOR.fields
    }
    for name, rule in rules.items():
        if rule and rule.required and name not in present:
            raise ValidationException(f"{path}{name} is required.")
    for name, (field, value) in present.items():
        _validate_field(f"{path}{name}", field, value, rules[name] or Rule())


def _validate_field(member: str, field: FieldDescriptor, value: Any, rule: Rule) -> None:
    if rule.max_items is not None and len(value) > rule.max_items:
        raise ValidationException(f"{member} must have at most {rule.max_items} items.")
    if field.message_type and field.message_type.GetOptions().map_entry:
        for key, item in value.items():
            if rule.check_key:
                rule.check_key(f"{member} key", key)
            _validate_value(f"{member}[{key}]", item, rule)
    elif not field.is_repeated:
        _validate_value(member, value, rule)
    elif rule.validate_items:
        for index, item in enumerate(value):
            _validate_value(f"{member}[{index}]", item, rule)


def _validate_value(member: str, value: object, rule: Rule) -> None:
    if isinstance(value, Message):
        _validate(f"{member}.", value)
    elif rule.check:
        rule.check(member, value)
