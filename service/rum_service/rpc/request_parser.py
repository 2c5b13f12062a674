"""Parses requests within bounds, for all methods but puts."""

from __future__ import annotations

__all__ = ["Parse", "RequestParser"]

from collections.abc import Callable

from google.protobuf import descriptor_pool
from google.protobuf.message import DecodeError, Message

from rum_service.auth.operations import operation_of
from rum_service.errors import ValidationException
from rum_service.ingest.fields import has_more_nested_fields

# The bridge accepts JSON of the same length. A parsed message can take 100 times as much.
_MAX_BYTES = 256 << 10
# This counts nested messages too. The bridge accepts as many lists and objects.
_MAX_FIELDS = 20_000

Parse = Callable[[bytes], Message]
"""Returns the request in a message. Raises DecodeError."""


class RequestParser:
    """Parses the requests of one method. All its methods raise ValidationException.

    Args:
        method: `/rum.v1.ControlPlaneService/GetAppMonitor`.
    """

    def __init__(self, method: str, parse: Parse) -> None:
        self._name = operation_of(method).name
        found = descriptor_pool.Default().FindMethodByName(method[1:].replace("/", "."))
        self._type = found.input_type
        self._parse = parse

    def parse(self, content: bytes) -> Message:
        """Return the request in a message, unless it is too long or has too many fields."""
        if len(content) > _MAX_BYTES:
            raise ValidationException(f"The message must have at most {_MAX_BYTES} bytes.")
        if has_more_nested_fields(content, self._type, _MAX_FIELDS):
            raise ValidationException(f"The message must have at most {_MAX_FIELDS} fields.")
        try:
            return self._parse(content)
        except DecodeError:
            raise ValidationException(f"The message is not a {self._name}Request.") from None
