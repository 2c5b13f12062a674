"""The error for puts that the service has no room for."""

from __future__ import annotations

__all__ = ["too_many_waiting"]

from rum_service.errors import ThrottlingException


def too_many_waiting() -> ThrottlingException:
    """Return the error for a put while too many others wait or are stored."""
    return ThrottlingException(
        "Too many batches are waiting to be stored.",
        service_code="rum",
        quota_code="waiting-batches",
        retry_after_seconds=1,
    )
