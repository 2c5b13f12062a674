"""Read a request's members from the query, strictly: a misspelled filter would go unnoticed."""

from __future__ import annotations

__all__ = ["number_or_text", "query_members"]

import re
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from starlette.requests import Request

from rum_bridge.errors import validation_error

_NUMBERS = (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64)
# Python would also read `1_0`, and the digits of other scripts.
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
_BOOLEANS = {"true": True, "false": False}
# A presigned request has its signature in the query, too.
_SIGNATURE = "x-amz-"
_MAX_NAME = 64


def query_members(message: Descriptor, request: Request) -> dict[str, Any]:
    """Return the members in the query under their JSON names.

    A repeated member is a list, an enum may have the short form of its name: `by=page` for
    DIMENSION_PAGE.

    Raises:
        HttpError: a ValidationException that names a member: it is unknown or invalid, or it is
            there twice and is not a list.
    """
    fields = {field.json_name: field for field in message.fields}
    members: dict[str, Any] = {}
    for name in request.query_params:
        if name.lower().startswith(_SIGNATURE):
            continue
        field = fields.get(name)
        if field is None or name in _in_path(request, message):
            raise validation_error(f"{_shown(name)} is not a member of the query.")
        values = [_value(field, text) for text in request.query_params.getlist(name)]
        if field.is_repeated:
            members[name] = values
        elif len(values) > 1:
            raise validation_error(f"{name} must appear at most once.")
        else:
            members[name] = values[0]
    return members


def _in_path(request: Request, message: Descriptor) -> set[str]:
    return {message.fields_by_name[name].json_name for name in request.path_params}


def _value(field: FieldDescriptor, text: str) -> Any:
    if field.enum_type is not None:
        return _enum_value(field.json_name, field.enum_type, text)
    if field.type == FieldDescriptor.TYPE_BOOL:
        if text not in _BOOLEANS:
            raise validation_error(f"{field.json_name} must be true or false.")
        return _BOOLEANS[text]
    if not text and field.type != FieldDescriptor.TYPE_STRING:
        raise validation_error(f"{field.json_name} must be a number.")
    return number_or_text(field, text)


def number_or_text(field: FieldDescriptor, text: str) -> int | float | str:
    """Return the number in a text, or the text if the member is no number or the text has none."""
    number = _NUMBER.fullmatch(text) if field.type in _NUMBERS else None
    if number is None:
        return text
    return float(text) if number[1] else int(text)


def _enum_value(name: str, enum: EnumDescriptor, text: str) -> int:
    # Enum values have the enum's name as their prefix.
    prefix = f"{enum.name.upper()}_"
    upper = text.upper()
    value = enum.values_by_name.get(upper) or enum.values_by_name.get(prefix + upper)
    if value is None:
        short = [other.name.removeprefix(prefix).lower() for other in enum.values if other.number]
        raise validation_error(f"{name} must be one of {', '.join(short)}.")
    return value.number


def _shown(name: str) -> str:
    """Return a name for a message. Other bytes than those of names could mislead its readers."""
    return name[:_MAX_NAME] if name.isascii() and name.isidentifier() else "A member"
