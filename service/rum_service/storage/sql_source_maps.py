"""Source maps in a SQL database.

A source map is a row, and its content is in parts. Each part is inserted in a separate transaction,
so that puts do not wait long. Rows are deleted at once. `purge` deletes their parts later.
"""

from __future__ import annotations

__all__ = ["SqlSourceMaps", "delete_source_maps_of"]

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    cast,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)
from zstandard import ZstdCompressor, ZstdDecompressor, ZstdError

from rum_service.storage.base import QuotaReachedError
from rum_service.storage.database import Database
from rum_service.storage.payload import UnreadableError
from rum_service.storage.records import SourceMapRecord
from rum_service.storage.schema import app_monitors, source_map_parts, source_maps

_LEVEL = 3

# An upload that is in progress has no size yet.
_COMPLETE = source_maps.c.size.is_not(None)
_RECORDS = select(*(source_maps.c[name] for name in SourceMapRecord._fields)).where(_COMPLETE)


class SqlSourceMaps:
    """Implements `SourceMapStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, app_monitor: int, release: str, file: str, *, now_ms: int) -> int | None:
        new = {
            "app_monitor": app_monitor,
            "release": release,
            "file": file,
            "base_name": file.rpartition("/")[2],
            "began_ms": now_ms,
        }
        with self._database.write() as connection:
            if not _lock_app_monitor(connection, app_monitor):
                return None
            created = insert(source_maps).values(new).returning(source_maps.c.key)
            key: int = connection.execute(created).scalar_one()
            return key

    def add_part(self, key: int, number: int, content: bytes) -> None:
        # The checksum tells whether the stored bytes were changed.
        compressed = ZstdCompressor(level=_LEVEL, write_checksum=True).compress(content)
        part = {"source_map": key, "number": number, "content": compressed}
        with self._database.write() as connection:
            connection.execute(insert(source_map_parts).values(part))

    def finish(self, key: int, *, size: int, quota: int) -> SourceMapRecord | None:
        stored = select(cast(func.sum(func.length(source_map_parts.c.content)), BigInteger)).where(
            source_map_parts.c.source_map == key
        )
        complete = (
            update(source_maps)
            .where(source_maps.c.key == key)
            .values(size=size, stored_bytes=stored.scalar_subquery())
            .returning(source_maps.c.app_monitor, source_maps.c.release, source_maps.c.file)
        )
        owner = select(source_maps.c.app_monitor).where(source_maps.c.key == key)
        with self._database.write() as connection:
            app_monitor = connection.execute(owner).scalar()
            if app_monitor is None or not _lock_app_monitor(connection, app_monitor):
                return None
            changed = connection.execute(complete).one_or_none()
            if changed is None:
                return None
            replaced = _named(app_monitor, changed.release, changed.file)
            connection.execute(delete(source_maps).where(replaced, source_maps.c.key < key))
            if quota and connection.execute(_sum(app_monitor)).scalar_one() > quota:
                raise QuotaReachedError  # rolls back
            return SourceMapRecord(
                *connection.execute(_RECORDS.where(source_maps.c.key == key)).one()
            )

    def cancel(self, key: int) -> None:
        with self._database.write() as connection:
            connection.execute(delete(source_maps).where(source_maps.c.key == key, ~_COMPLETE))

    def list(
        self, app_monitor: int, *, release: str | None, below: int | None, limit: int
    ) -> Sequence[SourceMapRecord]:
        query = _RECORDS.where(source_maps.c.app_monitor == app_monitor)
        if below is not None:
            query = query.where(source_maps.c.key < below)
        return self._newest(query, release, limit)

    def by_base_name(
        self, app_monitor: int, base_name: str, *, release: str | None, limit: int
    ) -> Sequence[SourceMapRecord]:
        query = _RECORDS.where(
            source_maps.c.app_monitor == app_monitor, source_maps.c.base_name == base_name
        )
        return self._newest(query, release, limit)

    def by_key(self, app_monitor: int, key: int) -> SourceMapRecord | None:
        query = _RECORDS.where(source_maps.c.app_monitor == app_monitor, source_maps.c.key == key)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
            return SourceMapRecord(*row) if row else None

    def part(self, key: int, number: int) -> bytes | None:
        query = select(source_map_parts.c.content).where(
            source_map_parts.c.source_map == key, source_map_parts.c.number == number
        )
        with self._database.read() as connection:
            content = connection.execute(query).scalar()
        if content is None:
            return None
        try:
            return ZstdDecompressor().decompress(content)
        except (ZstdError, MemoryError) as error:  # the damaged part may be a length
            raise UnreadableError(str(error)) from None

    def stored_bytes(self, app_monitor: int) -> int:
        with self._database.read() as connection:
            return connection.execute(_sum(app_monitor)).scalar_one()

    def delete(self, app_monitor: int, release: str, file: str | None) -> int:
        with self._database.write() as connection:
            return connection.execute(
                delete(source_maps).where(_named(app_monitor, release, file), _COMPLETE)
            ).rowcount

    def purge(self, *, began_before_ms: int, limit: int) -> int:
        old = delete(source_maps).where(source_maps.c.began_ms < began_before_ms, ~_COMPLETE)
        key = source_map_parts.c.source_map, source_map_parts.c.number
        left = (
            select(*key)
            .outerjoin(source_maps, source_maps.c.key == source_map_parts.c.source_map)
            .where(source_maps.c.key.is_(None))
            .limit(limit)
        )
        with self._database.write() as connection:
            connection.execute(old)
            return connection.execute(
                delete(source_map_parts).where(tuple_(*key).in_(left))
            ).rowcount

    def _newest(
        self,
        query: Select[Any],
        release: str | None,
        limit: int,
    ) -> Sequence[SourceMapRecord]:
        if release is not None:
            query = query.where(source_maps.c.release == release)
        query = query.order_by(source_maps.c.key.desc()).limit(limit)
        with self._database.read() as connection:
            return [SourceMapRecord(*row) for row in connection.execute(query)]


def delete_source_maps_of(connection: Connection, app_monitor: int) -> None:
    """Delete an app monitor's source maps, but not their parts."""
    connection.execute(delete(source_maps).where(source_maps.c.app_monitor == app_monitor))


def _named(app_monitor: int, release: str, file: str | None) -> ColumnElement[bool]:
    """Return a condition for a release's source maps, or for those of one script in it."""
    condition = (source_maps.c.app_monitor == app_monitor) & (source_maps.c.release == release)
    if file is None:
        return condition
    base_name = file.rpartition("/")[2]  # the index has only this one
    return condition & (source_maps.c.base_name == base_name) & (source_maps.c.file == file)


def _sum(app_monitor: int) -> Select[int]:
    total = func.coalesce(func.sum(source_maps.c.stored_bytes), 0)
    return select(cast(total, BigInteger)).where(
        source_maps.c.app_monitor == app_monitor, _COMPLETE
    )


def _lock_app_monitor(connection: Connection, app_monitor: int) -> bool:
    """Return whether the app monitor exists, and keep it from being deleted meanwhile."""
    query = select(app_monitors.c.key).where(app_monitors.c.key == app_monitor)
    return connection.execute(query.with_for_update()).one_or_none() is not None
