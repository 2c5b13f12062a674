"""The progress of a copy. It is stored in the target, in the transactions of the copy.

A target that has other data, or that was changed since the copy, is rejected.
"""

from __future__ import annotations

__all__ = ["CopyState", "small_tables"]

import hashlib

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    func,
    insert,
    inspect,
    select,
    update,
)

from rum_service.storage.copy_parts import parts
from rum_service.storage.database import Database
from rum_service.storage.schema import (
    batch_spans,
    batches,
    counted_batches,
    metadata,
    removals,
    source_map_parts,
)

# Not in the schema: only databases that were copied to have this table.
_copy_state = Table(
    "copy_state",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=False),
    # Batches up to this sequence are copied.
    Column("sequence", BigInteger, nullable=False),
    # Digest of the small tables when they were copied. NULL: they have not been copied.
    Column("digest", LargeBinary),
)
_FILLED_BY_MIGRATIONS = (counted_batches, removals)


def small_tables() -> list[Table]:
    """Return the tables that are copied as a whole."""
    large = {batches.name, batch_spans.name, source_map_parts.name}
    return [table for table in metadata.sorted_tables if table.name not in large]


class CopyState:
    """The state of the copy into one database.

    Raises:
        ValueError: the database has other data, or was changed since the last run of the copy.
    """

    def __init__(self, target: Database) -> None:
        with target.write() as connection:
            if not inspect(connection).has_table(_copy_state.name):
                _check_empty(connection)
                _copy_state.create(connection)
                connection.execute(insert(_copy_state).values(id=1, sequence=0))
            self.sequence, digest = connection.execute(
                select(_copy_state.c.sequence, _copy_state.c.digest)
            ).one()
            newest = connection.execute(select(func.max(batches.c.sequence))).scalar() or 0
            if newest > self.sequence or (digest and digest != _digest(connection)):
                raise ValueError(
                    "the target has been used since the copy: it has data that the source has not"
                )

    def advance(self, connection: Connection, sequence: int) -> None:
        """Note in the transaction of `connection` that batches up to `sequence` are copied.

        Raises:
            ValueError: another copy writes to the target.
        """
        self._change(connection, sequence=sequence)
        self.sequence = sequence

    def seal(self, connection: Connection) -> None:
        """Note in the transaction of `connection` what the small tables contain now."""
        self._change(connection, digest=_digest(connection))

    def _change(self, connection: Connection, **values: object) -> None:
        change = update(_copy_state).where(_copy_state.c.sequence == self.sequence).values(values)
        if connection.execute(change).rowcount != 1:
            raise ValueError("another copy writes to the target")


def _check_empty(connection: Connection) -> None:
    for table in metadata.sorted_tables:
        count = connection.execute(select(func.count()).select_from(table)).scalar_one()
        if count and table not in _FILLED_BY_MIGRATIONS:
            raise ValueError(f"the target is not empty: it has {count} rows in {table.name}")


def _digest(connection: Connection) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for table in small_tables():
        digest.update(table.name.encode())
        for rows in parts(connection, table):
            for row in rows:
                digest.update(repr(tuple(row.values())).encode())
    return digest.digest()
