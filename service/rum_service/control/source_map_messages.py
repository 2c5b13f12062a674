"""Translates source maps between messages and records. Pure."""

from __future__ import annotations

__all__ = ["MAX_FILE", "MAX_RELEASE", "check_text", "monitor_name", "source_map_message"]

from rum.v1 import source_map_service_pb2 as pb
from rum_service.auth.operations import app_monitor_name
from rum_service.errors import ValidationException
from rum_service.storage.records import SourceMapRecord

MAX_RELEASE = 200
MAX_FILE = 400

_Request = (
    pb.UploadSourceMapRequest
    | pb.ListSourceMapsRequest
    | pb.GetSourceMapRequest
    | pb.DeleteSourceMapsRequest
)


def monitor_name(request: _Request) -> str:
    """Return the name of the app monitor in a request. Raises ValidationException."""
    name = app_monitor_name(request)
    if name is None:
        raise ValidationException("appMonitor must be the name of an app monitor.")
    return name


def check_text(member: str, text: str, low: int, high: int) -> None:
    """Check that a member has `low` to `high` characters. Raises ValidationException."""
    if not low <= len(text) <= high:
        raise ValidationException(f"{member} must have {low} to {high} characters.")
    # A database rejects lone surrogates and NUL.
    if not text.isprintable():
        raise ValidationException(f"{member} must have printable characters only.")


def source_map_message(record: SourceMapRecord) -> pb.SourceMap:
    """Return a source map without its content."""
    return pb.SourceMap(
        release=record.release,
        file=record.file,
        size=record.size,
        stored_bytes=record.stored_bytes,
        uploaded_ms=record.began_ms,
    )
