"""The responses to failed requests, from the tables that turn an exception into a status."""

from __future__ import annotations

__all__ = ["BRIDGE_ERROR", "REQUEST_ID", "Failures"]

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from docs.openapi.schemas import reference
from rum_bridge.errors import from_status
from rum_service import errors
from rum_service.rpc.status import to_status

# Every call can fail with these.
_COMMON = [
    "ValidationException",
    "IncompleteSignatureException",
    "AccessDeniedException",
    "MissingAuthenticationTokenException",
    "InvalidSignatureException",
    "UnrecognizedClientException",
    "ExpiredTokenException",
    "ThrottlingException",
    "InternalServerException",
]
# docs/reference/errors.md describes them. They have a message only. A path that no operation has,
# such as one with a line feed in the ARN, gets the first.
_BRIDGE_ERRORS = {
    "UnknownOperationException": [404],
    "RequestTimeoutException": [408],
    "RequestEntityTooLargeException": [413],
    "UnsupportedMediaTypeException": [415],
    "RequestHeaderFieldsTooLargeException": [431],
    "ServiceUnavailable": [503, 504],
}
_RETRYABLE = {408, 429, 500, 503, 504}
REQUEST_ID = {"x-amzn-RequestId": {"$ref": "#/components/headers/RequestId"}}
BRIDGE_ERROR = {
    "type": "object",
    "description": "An error of the bridge itself.",
    "properties": {"message": {"type": "string"}},
    "required": ["message"],
}

_Names = dict[str, str]
"""The names of errors, with the names of their schemas."""


class Failures:
    """The responses of all operations. It collects those that several operations share."""

    def __init__(self) -> None:
        self._common = _by_status(_COMMON)
        self.components = {
            f"Failure{status}": _response(status, names) for status, names in self._common.items()
        }

    def of(self, further: Iterable[str]) -> dict[str, Any]:
        """Return the responses of an operation by status.

        Args:
            further: exceptions other than those that every call can fail with.
        """
        return {
            str(status): {"$ref": f"#/components/responses/Failure{status}"}
            if names == self._common.get(status)
            else _response(status, names)
            for status, names in _by_status([*_COMMON, *further]).items()
        }


def _by_status(exceptions: Iterable[str]) -> dict[int, _Names]:
    found: dict[int, _Names] = defaultdict(dict)
    for name in exceptions:
        exception: type[errors.RumError] = getattr(errors, name)
        found[from_status(to_status(exception(message=""))).status][name] = name
    for name, statuses in _BRIDGE_ERRORS.items():
        for status in statuses:
            found[status][name] = "BridgeError"
    return dict(sorted(found.items()))


def _response(status: int, schema_by_name: _Names) -> dict[str, Any]:
    names = list(schema_by_name)
    schemas = [reference(schema) for schema in dict.fromkeys(schema_by_name.values())]
    headers: dict[str, Any] = {
        **REQUEST_ID,
        "x-amzn-ErrorType": {"required": True, "schema": {"type": "string", "enum": names}},
    }
    if status in _RETRYABLE:
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    return {
        "description": " or ".join(names),
        "headers": headers,
        "content": {"application/json": {"schema": schema}},
    }
