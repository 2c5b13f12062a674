"""The schemas of the members, from descriptors, comments and the tables that check requests."""

from __future__ import annotations

__all__ = ["Schemas", "reference"]

from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from docs.openapi.comments import Comments
from rum_bridge.operations.lists import WITH_ITEMS
from rum_service.control.constraints import RULES, Check, Number, OneOf, Rule, Text
from rum_service.events.identifiers import UUID_PATTERN
from rum_service.settings import ServiceSettings

_YEARS_1_TO_9999 = Number(-62_135_596_800.0, 253_402_300_799.999)
_UUID = Text(36, 36, UUID_PATTERN)
# `rum_service.ingest.validation` checks these with code, because it is on the way of every put.
_PUT_RULES = {
    "PutRumEventsRequest.Id": Rule(_UUID, required=True),
    "PutRumEventsRequest.BatchId": Rule(_UUID, required=True),
    "PutRumEventsRequest.AppMonitorDetails": Rule(required=True),
    "PutRumEventsRequest.UserDetails": Rule(required=True),
    "PutRumEventsRequest.RumEvents": Rule(
        required=True, max_items=ServiceSettings.model_fields["max_events"].default
    ),
    "PutRumEventsRequest.Alias": Rule(Text(1, 255)),
    "UserDetails.userId": Rule(_UUID),
    "UserDetails.sessionId": Rule(_UUID),
    "RumEvent.id": Rule(_UUID, required=True),
    "RumEvent.timestamp": Rule(_YEARS_1_TO_9999, required=True),
    "RumEvent.type": Rule(required=True),
    "RumEvent.details": Rule(required=True),
}
_RULES: Mapping[str, Rule | None] = {**RULES, **_PUT_RULES}
_INSIGHT = ("rum/v1/insight_service.proto", "rum/v1/source_map_service.proto")
# The response repeats an invalid definition as it was sent.
_AS_SENT = "BatchCreateRumMetricDefinitionsError.MetricDefinition"
_INT64 = {"type": ["integer", "string"], "format": "int64", "pattern": "^-?[0-9]+$"}
_SCALARS: dict[int, dict[str, Any]] = {
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.TYPE_INT32: {"type": "integer", "format": "int32"},
}


class Schemas:
    """The schemas of components. It collects those that others refer to."""

    def __init__(self, comments: Comments) -> None:
        self._comments = comments
        self.components: dict[str, Any] = {}

    def add(self, message: Descriptor, fields: Iterable[FieldDescriptor]) -> dict[str, Any]:
        """Add the schema of a message with these fields, and return a reference to it."""
        self.components[message.name] = self._object(self._comments.of(message.name), fields)
        return reference(message.name)

    def add_response(self, message: Descriptor) -> dict[str, Any]:
        """Add the schema of a response. Its lists and maps are always present."""
        added = self.add(message, message.fields)
        if message.file.name in _INSIGHT:
            return added
        if always := [field.json_name for field in message.fields if field.is_repeated]:
            self.components[message.name]["required"] = always
        return added

    def add_error(self, message: Descriptor) -> None:
        """Add the schema of the body of an exception."""
        # The REST form sends retry_after_seconds as a header.
        fields = [field for field in message.fields if field.name != "retry_after_seconds"]
        self.add(message, fields)
        always = [field.json_name for field in fields if not field.has_presence]
        self.components[message.name]["required"] = always

    def value_of(self, field: FieldDescriptor) -> dict[str, Any]:
        """Return the schema of the value of a field, without a description."""
        rule = _RULES.get(_rule_name(field)) or Rule()
        value = {**self._value(field), **(_check(rule.check) if rule.check else {})}
        most = rule.max_items
        if _is_map(field):
            keys = {"propertyNames": _check(rule.check_key)} if rule.check_key else {}
            limit = {} if most is None else {"maxProperties": most}
            return {"type": "object", "additionalProperties": value, **keys, **limit}
        if field.is_repeated:
            least = {"minItems": 1} if _rule_name(field) in WITH_ITEMS else {}
            limit = {} if most is None else {"maxItems": most}
            return {"type": "array", "items": value, **least, **limit}
        return value

    def is_required(self, field: FieldDescriptor) -> bool:
        """Return whether a request must have this member."""
        rule = _RULES.get(_rule_name(field))
        # protobuf cannot tell an empty list from a missing one, so no table requires a list.
        says_so = _rule_name(field) in _RULES and self._comments.requires(field)
        return bool(rule and rule.required) or says_so

    def _object(self, comment: str, fields: Iterable[FieldDescriptor]) -> dict[str, Any]:
        """Return the schema of an object. Unknown members are allowed: the bridge ignores them."""
        fields = list(fields)
        schema: dict[str, Any] = {"type": "object", "description": comment}
        if fields:
            schema["properties"] = {field.json_name: self._member(field) for field in fields}
        required = [field.json_name for field in fields if self.is_required(field)]
        required += [field.json_name for field in fields if _is_always_present(field)]
        return {**schema, "required": required} if required else schema

    def _member(self, field: FieldDescriptor) -> dict[str, Any]:
        if _rule_name(field) == _AS_SENT:
            schema: dict[str, Any] = {"type": "object"}
        else:
            schema = self.value_of(field)
        description = self._comments.of_field(field)
        return {**schema, "description": description} if description else schema

    def _value(self, field: FieldDescriptor) -> dict[str, Any]:
        """Return the schema of a field, of an item of a list, or of a value of a map."""
        if _is_map(field):
            return self._value(field.message_type.fields_by_name["value"])
        if field.type == FieldDescriptor.TYPE_INT64:
            is_request = field.containing_type.name == "TimeRange"
            return _INT64 if is_request else {**_INT64, "type": "string"}
        if field.enum_type is not None:
            return {"type": "string", "enum": _names(field)}
        if field.message_type is None:
            return dict(_SCALARS[field.type])
        name = field.message_type.name
        if name not in self.components:
            self.components[name] = {}  # ends a recursion
            comment = self._comments.of(name)
            self.components[name] = self._object(comment, field.message_type.fields)
        return reference(name)


def _rule_name(field: FieldDescriptor) -> str:
    return f"{field.containing_type.name}.{field.json_name}"


def _is_always_present(field: FieldDescriptor) -> bool:
    """Return whether responses have the member even if it is 0 or empty."""
    message = field.containing_type
    is_response = message.file.name in _INSIGHT and not message.name.endswith("Request")
    return is_response and not field.has_presence


def _names(field: FieldDescriptor) -> list[str]:
    """Return the names of an enum. Requests also accept them in lower case without the prefix."""
    names = [value.name for value in field.enum_type.values if value.number]
    if not field.containing_type.name.endswith("Request"):
        return names
    prefix = f"{field.enum_type.name.upper()}_"
    return [*(name.removeprefix(prefix).lower() for name in names), *names]


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _check(check: Check) -> dict[str, Any]:
    if isinstance(check, OneOf):
        return {"enum": list(check.values)}
    if isinstance(check, Number):
        return {"minimum": check.low, "maximum": check.high}
    limits: dict[str, Any] = {"minLength": check.low, "maxLength": check.high}
    if check.pattern:
        # \Z is Python's spelling.
        limits["pattern"] = f"^(?:{check.pattern})$".replace(r"\Z", "$")
    return limits


def reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}
