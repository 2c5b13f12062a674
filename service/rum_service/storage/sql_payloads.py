"""Reads the payloads of batches: short ones with their rows, long ones one by one.

The payloads of 64 batches may have 2 GB together, so a query for several batches must not return
all of them at once.
"""

from __future__ import annotations

__all__ = ["SHORT_PAYLOAD", "long_payload"]

from sqlalchemy import Connection, bindparam, case, func, select

from rum_service.storage.schema import batches

_SHORT_BYTES = 64 << 10

SHORT_PAYLOAD = case((func.length(batches.c.payload) <= _SHORT_BYTES, batches.c.payload)).label(
    "payload"
)
"""The payload of a batch. NULL: it is long, and `long_payload` reads it."""

# An erasure may change both together.
_PAYLOAD = select(batches.c.payload, batches.c.checksum).where(
    batches.c.sequence == bindparam("sequence")
)


def long_payload(connection: Connection, sequence: int) -> tuple[bytes, int | None] | None:
    """Return a batch's payload and its checksum. None: the batch does not exist."""
    row = connection.execute(_PAYLOAD, {"sequence": sequence}).one_or_none()
    return None if row is None else (row.payload, row.checksum)
