"""Parses the messages of health and reflection, which hold little more than a name."""

from __future__ import annotations

__all__ = ["parse_short"]

from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from rum_service.errors import ValidationException

_MAX_BYTES = 1 << 10

M = TypeVar("M", bound=Message)


def parse_short(content: bytes, kind: type[M]) -> M:
    """Return the message in `content`, which has at most 1 KiB. Raises ValidationException."""
    if len(content) > _MAX_BYTES:
        raise ValidationException(f"The message must have at most {_MAX_BYTES} bytes.")
    try:
        return kind.FromString(content)
    except DecodeError:
        raise ValidationException(f"The message is not a {kind.DESCRIPTOR.name}.") from None
