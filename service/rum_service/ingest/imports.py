"""Validates and authorizes batches that are imported from another store."""

from __future__ import annotations

__all__ = ["check_import"]

import re

from rum.internal.v1.bridge_service_pb2 import ImportedBatch
from rum_service.auth.callers import ADMIN, Caller
from rum_service.errors import AccessDeniedException, ValidationException

_is_country = re.compile("[A-Z]{2}").fullmatch


def check_import(imported: ImportedBatch, caller: Caller, *, now_ms: int) -> None:
    """Check that the caller may import a batch, and that its members are valid.

    Raises:
        AccessDeniedException: the caller has no access `admin`, or a bridge relays the batch.
        ValidationException: a constraint is broken; the message names the member.
    """
    if caller.http is not None or ADMIN not in caller.principal.access:
        raise AccessDeniedException("Only a caller with the access admin may import batches.")
    if not imported.HasField("received_ms"):
        raise ValidationException("imported.received_ms is required.")
    if not 0 <= imported.received_ms <= now_ms:
        raise ValidationException(
            "imported.received_ms must be milliseconds since the Unix epoch, not in the future."
        )
    if imported.HasField("country") and not _is_country(imported.country):
        raise ValidationException("imported.country must be two capital letters.")
