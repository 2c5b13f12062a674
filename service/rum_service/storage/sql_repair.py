"""Repair batches in a SQL database.

Repaired batches are noted in `erased_batches`, so that projectors replace their rows.
"""

from __future__ import annotations

__all__ = ["Restorable", "restore_payloads"]

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, insert, update

from rum_service.storage.database import Database
from rum_service.storage.payload import checksum
from rum_service.storage.schema import batches, erased_batches


class Restorable(NamedTuple):
    """A damaged batch, and the payload that was stored."""

    sequence: int
    payload: bytes


def restore_payloads(database: Database, found: Iterable[Restorable]) -> None:
    """Replace damaged payloads, in one transaction. Their checksums stay."""
    with database.write() as connection:
        for each in found:
            _restore(connection, each)


def _restore(connection: Connection, found: Restorable) -> None:
    # The sum of the stored bytes has the length from before the damage.
    change = (
        update(batches)
        .where(batches.c.sequence == found.sequence)
        .where(batches.c.checksum == checksum(found.payload))
        .values(payload=found.payload)
    )
    if connection.execute(change).rowcount:  # else it has been removed or erased meanwhile
        connection.execute(insert(erased_batches).values(sequence=found.sequence))
