"""Reads a policy document's JSON strictly, and names its elements in messages.

Messages name an element by its path, with indexes from 0, as in
`Statement[1].Condition.StringEquals.rum:alias[0]`. They repeat names from the document, shortened
and in ASCII, but never values.
Source: IAM User Guide, "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

__all__ = [
    "MAX_DOCUMENT_BYTES",
    "entries",
    "malformed",
    "members",
    "printable",
    "read",
    "scalars",
    "strings",
]

import json
from collections.abc import Collection
from typing import NoReturn, cast

from rum_service.errors import MalformedPolicyDocumentException, PolicySizeLimitExceededException
from rum_service.events.nesting import is_nested_too_deeply

# Source: PutResourcePolicy API page, "PolicyDocument": up to 4 KB.
# Undocumented: whether white space counts. We count all bytes of the UTF-8 text, because all of it
# is stored. IAM ignores white space in its policies.
MAX_DOCUMENT_BYTES = 4096


def malformed(element: str, problem: str) -> MalformedPolicyDocumentException:
    """Return the exception to raise, with the message `element: problem`."""
    return MalformedPolicyDocumentException(f"{element}: {problem}")


def printable(name: str) -> str:
    """Return a name from a document as printable ASCII, at most 64 characters."""
    text = name if len(name) <= 64 else name[:61] + "..."
    return "".join(c if " " <= c <= "~" else "?" for c in text)


def read(document: str) -> object:
    """Return a policy document's JSON value.

    Raises:
        PolicySizeLimitExceededException: the document has more than 4,096 bytes of UTF-8.
        MalformedPolicyDocumentException: the document is not JSON, is nested more than 100 deep,
            or repeats a name in an object.
    """
    size = len(document.encode("utf-8", "surrogatepass"))
    if size > MAX_DOCUMENT_BYTES:
        raise PolicySizeLimitExceededException(
            f"PolicyDocument must have at most {MAX_DOCUMENT_BYTES} bytes, not {size}"
        )
    if is_nested_too_deeply(document):
        raise malformed("PolicyDocument", "nested too deeply")
    try:
        value: object = json.loads(document, object_pairs_hook=_object, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        at = f"PolicyDocument line {error.lineno} column {error.colno}"
        raise malformed(at, "not JSON") from None
    return value


def members(
    value: object, where: str, known: Collection[str], required: Collection[str]
) -> dict[str, object]:
    """Return `value` as an object that has all required members and only known ones."""
    if not isinstance(value, dict):
        raise malformed(where, "must be an object")
    for name in value:
        if name not in known:
            raise malformed(where, f"unknown element {printable(name)}")
    for name in required:
        if name not in value:
            raise malformed(where, f"{name} is missing")
    return cast("dict[str, object]", value)


def entries(value: object, where: str) -> list[tuple[str, object]]:
    """Return the members in order. `value` must be an object that is not empty."""
    if not isinstance(value, dict):
        raise malformed(where, "must be an object")
    if not value:
        raise malformed(where, "must not be empty")
    return list(cast("dict[str, object]", value).items())


def strings(value: object, where: str) -> list[tuple[str, str]]:
    """Return (path, string) for a string, or for each string in a list that is not empty."""
    items = _items(value, where)
    if not all(isinstance(item, str) for _, item in items):
        raise malformed(where, "must be a string or a list of strings")
    return cast("list[tuple[str, str]]", items)


def scalars(value: object, where: str) -> list[tuple[str, str]]:
    """Return as `strings` does. Numbers and Booleans are allowed, and returned as JSON text.

    Source: the grammar's `condition_value`.
    """
    items = _items(value, where)
    if not all(isinstance(item, str | int | float) for _, item in items):
        raise malformed(where, "must be a string, number or Boolean, or a list of them")
    return [(at, item if isinstance(item, str) else json.dumps(item)) for at, item in items]


def _items(value: object, where: str) -> list[tuple[str, object]]:
    if not isinstance(value, list):
        return [(where, value)]
    if not value:
        raise malformed(where, "must not be empty")
    return [(f"{where}[{index}]", item) for index, item in enumerate(value)]


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object. Reject repeated names: grammar notes, "multiple instances"."""
    built: dict[str, object] = {}
    for name, value in pairs:
        if name in built:
            raise malformed(printable(name), "appears twice in one object")
        built[name] = value
    return built


def _no_constant(name: str) -> NoReturn:
    raise malformed("PolicyDocument", f"{name} is not JSON")
