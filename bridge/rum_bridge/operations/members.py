"""Turn a control plane request's members into a message, at a bounded cost.

json_format takes some microseconds for each value, and more for each object: 262 kB of empty
objects in one list took 0.4 s (2026-11). So lists are counted before it reads them, and members
that are not documented are left out.
"""

from __future__ import annotations

__all__ = ["message_of"]

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from rum_bridge.errors import validation_error

# More than any operation allows, so that the service's own messages name its lower limits.
_MAX_ITEMS = 1_000
# The largest valid request, 200 metric definitions with 29 dimensions each, has 7,000.
_MAX_VALUES = 10_000

_TYPES = {
    FieldDescriptor.TYPE_STRING: ("a string", "strings"),
    FieldDescriptor.TYPE_BOOL: ("true or false", "true or false"),
    FieldDescriptor.TYPE_DOUBLE: ("a number", "numbers"),
    FieldDescriptor.TYPE_INT32: ("a whole number of at most 32 bits", "whole numbers"),
    FieldDescriptor.TYPE_INT64: ("a whole number of at most 64 bits", "whole numbers"),
}
_NUMBERS = (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64)
# ProtoJSON writes 64-bit numbers as text, so clients may do so, too.
_INT64_TEXT = re.compile(r"-?[0-9]{1,20}")
_WRAPPERS = re.compile(r"(?:Failed to parse \w+ field: )*")
_WRAPPER = re.compile(r"Failed to parse (\w+) field: ")
_TAIL = re.compile(r" at \w+\.([\w.\[\]]+?)\.*$")
_MAX_TAIL = 256
_INDEX = re.compile(r"\[[^\]]*\]")


def message_of(message: Descriptor, members: dict[str, Any]) -> Message:
    """Return the message with these members, given under their JSON names.

    Raises:
        HttpError: a ValidationException: a member, which the message names, has the wrong type or
            too many items.
    """
    documented = _documented(message, members, "")
    if len([*islice(_values(documented), _MAX_VALUES + 1)]) > _MAX_VALUES:
        raise validation_error(f"The body must have at most {_MAX_VALUES} values.")
    try:
        return ParseDict(documented, GetMessageClass(message)())
    except ParseError as error:
        path = _path(error)
        raise validation_error(f"{path} must be {_type_of(message, path)}.") from None


def _documented(message: Descriptor, members: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the documented members. ParseDict would also accept protobuf's names for them."""
    return {
        field.json_name: _checked(field, value, path + field.json_name)
        for field in message.fields
        if (value := members.get(field.json_name)) is not None
    }


def _checked(field: FieldDescriptor, value: Any, path: str) -> Any:
    if isinstance(value, dict | list) and len(value) > _MAX_ITEMS:
        raise validation_error(f"{path} must have at most {_MAX_ITEMS} items.")
    is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
    if field.is_repeated and not is_map and not isinstance(value, list):
        raise validation_error(f"{path} must be a list.")
    if field.type in _NUMBERS and not field.is_repeated and not _is_number(field, value):
        raise validation_error(f"{path} must be {_TYPES[field.type][0]}.")
    if field.message_type is None or is_map:
        return value
    if field.is_repeated:
        return [_object(field.message_type, item, path) for item in value]
    return _object(field.message_type, value, path)


def _is_number(field: FieldDescriptor, value: Any) -> bool:
    """Return whether a value is a number. ParseDict also reads booleans and most texts as such."""
    if field.type == FieldDescriptor.TYPE_INT64 and isinstance(value, str):
        return _INT64_TEXT.fullmatch(value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _object(message: Descriptor, value: Any, path: str) -> dict[str, Any]:
    """Reject strings and arrays in the place of objects. ParseDict reads them as empty objects."""
    if not isinstance(value, dict):
        raise validation_error(f"{path} must be an object.")
    return _documented(message, value, f"{path}.")


def _values(value: Any) -> Iterator[Any]:
    """Yield a value and all values in it."""
    yield value
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _values(item)


def _path(error: ParseError) -> str:
    """Return the invalid member's path. json_format has two formats for it.

    The text contains the invalid value, so it is long if the client wants that. The path is at one
    of its ends.
    """
    text = str(error)
    if at := _TAIL.search(text[-_MAX_TAIL:]):
        return at[1]
    wrappers = _WRAPPERS.match(text)
    return ".".join(_WRAPPER.findall(wrappers[0] if wrappers else "")) or "A member"


def _type_of(message: Descriptor, path: str) -> str:
    """Return the documented type of the member with this path, in words."""
    field: FieldDescriptor | None = None
    within: Descriptor | None = message
    for name in _INDEX.sub("", path).split("."):
        fields = within.fields if within else ()
        field = next((f for f in fields if name in (f.json_name, f.name)), None)
        within = field.message_type if field else None
    if within and within.GetOptions().map_entry:
        return "an object with strings"
    if field is None or field.type not in _TYPES:
        return "of the documented type"
    one, many = _TYPES[field.type]
    return f"a list of {many}" if field.is_repeated and not path.endswith("]") else one
