"""The JSON of a policy document, read strictly, and the names of its elements in messages.

An element is named by its path, indexes from 0: `Statement[1].Condition.StringEquals.rum:alias[0]`.
Messages repeat names found in the document, shortened and in ASCII, but never values.
Source: IAM User Guide, "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

__all__ = [
    "MAX_DOCUMENT_BYTES",
    "entries",
    "malformed",
    "members",
    "read",
    "scalars",
    "shown",
    "strings",
]

import json
from collections.abc import Collection
from typing import NoReturn, cast

from rum_service.errors import MalformedPolicyDocumentException, PolicySizeLimitExceededException

# Source: PutResourcePolicy API page, "PolicyDocument": up to 4 KB.
# Undocumented: what counts. We count every byte of the UTF-8 text, as it is what is stored;
# IAM leaves white space out for its own policies.
MAX_DOCUMENT_BYTES = 4096


def malformed(element: str, problem: str) -> MalformedPolicyDocumentException:
    """Returns the exception to raise, with the message `element: problem`."""
    return MalformedPolicyDocumentException(f"{element}: {problem}")


def shown(name: str) -> str:
    """Returns a name found in a document as printable ASCII of at most 64 characters."""
    text = name if len(name) <= 64 else name[:61] + "..."
    return "".join(c if " " <= c <= "~" else "?" for c in text)


def read(document: str) -> object:
    """Returns the value a policy document is: dict, list, str, bool, int, float or None.

    Raises PolicySizeLimitExceededException over 4,096 bytes of UTF-8, and
    MalformedPolicyDocumentException for what is not JSON or repeats a name in one object.
    """
    size = len(document.encode("utf-8", "surrogatepass"))
    if size > MAX_DOCUMENT_BYTES:
        raise PolicySizeLimitExceededException(
            f"PolicyDocument must have at most {MAX_DOCUMENT_BYTES} bytes, not {size}"
        )
    try:
        value: object = json.loads(document, object_pairs_hook=_object, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        at = f"PolicyDocument line {error.lineno} column {error.colno}"
        raise malformed(at, "not JSON") from None
    except RecursionError:
        raise malformed("PolicyDocument", "nested too deeply") from None
    return value


def members(
    value: object, where: str, known: Collection[str], required: Collection[str]
) -> dict[str, object]:
    """Returns an object that has the required members and none but the known ones."""
    if not isinstance(value, dict):
        raise malformed(where, "must be an object")
    for name in value:
        if name not in known:
            raise malformed(where, f"unknown element {shown(name)}")
    for name in required:
        if name not in value:
            raise malformed(where, f"{name} is missing")
    return cast("dict[str, object]", value)


def entries(value: object, where: str) -> list[tuple[str, object]]:
    """Returns the 1 or more members of an object of any names, in order."""
    if not isinstance(value, dict):
        raise malformed(where, "must be an object")
    if not value:
        raise malformed(where, "must not be empty")
    return list(cast("dict[str, object]", value).items())


def strings(value: object, where: str) -> list[tuple[str, str]]:
    """Returns each string of a string or of a list of 1 or more, after the name of its place."""
    items = _items(value, where)
    if not all(isinstance(item, str) for _, item in items):
        raise malformed(where, "must be a string or a list of strings")
    return cast("list[tuple[str, str]]", items)


def scalars(value: object, where: str) -> list[tuple[str, str]]:
    """Like `strings`, but a number or a Boolean will do and is returned as its JSON text.

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
    """Builds an object, refusing repeated names: grammar notes, "multiple instances"."""
    built: dict[str, object] = {}
    for name, value in pairs:
        if name in built:
            raise malformed(shown(name), "appears twice in one object")
        built[name] = value
    return built


def _no_constant(name: str) -> NoReturn:
    raise malformed("PolicyDocument", f"{name} is not JSON")
