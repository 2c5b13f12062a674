"""Tables in parts: `imported_batches`, for example, may have millions of rows."""

from __future__ import annotations

__all__ = ["delete_all", "parts"]

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, RowMapping, Table, delete, select, tuple_

# 1 million rows at once take 370 MB, and longer than a statement may take (2026-11).
_ROWS = 10_000
_DELETED_ROWS = 500_000


def parts(connection: Connection, table: Table) -> Iterator[Sequence[RowMapping]]:
    """Yield all rows of a table in the order of its key. Call it in a transaction."""
    query = select(table).order_by(*table.primary_key)
    with connection.execute(query.execution_options(yield_per=_ROWS)) as found:
        yield from found.mappings().partitions()


def delete_all(connection: Connection, table: Table) -> None:
    """Delete all rows of a table."""
    key = tuple(table.primary_key)
    some = delete(table).where(tuple_(*key).in_(select(*key).limit(_DELETED_ROWS)))
    while connection.execute(some).rowcount == _DELETED_ROWS:
        pass
