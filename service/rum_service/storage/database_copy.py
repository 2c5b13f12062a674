"""Copy a whole database into another one, of the same or another kind, while it is in use.

batches       in the order of their sequences, in chunks; the state of the copy moves in the
              transaction of the chunk, so a copy that was killed continues and doubles nothing
small tables  as a whole, from one snapshot of the source, in one transaction of parts
source maps   the parts that are missing
comparison    range by range; a range that differs is copied again, because batches can also be
              deleted and rewritten while the source is in use
"""

from __future__ import annotations

__all__ = ["Copied", "CopyInterruptedError", "DatabaseCopy", "Totals"]

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from rum_service.storage.copy_generators import copy_generators
from rum_service.storage.copy_parts import delete_all, parts
from rum_service.storage.copy_ranges import IN_RANGE, Bounds, Totals, chunks, ranges, totals_of
from rum_service.storage.copy_state import CopyState, small_tables
from rum_service.storage.database import BatchKey, Database
from rum_service.storage.payload import checksum
from rum_service.storage.schema import (
    BLOCK_BITS,
    app_monitors,
    batch_spans,
    batches,
    credentials,
    source_map_parts,
)

Progress = Callable[[int, int], None]
"""Called with the number of batches that this run has copied, and the number to copy."""

# The source may change while it is compared.
_COMPARISONS = 3


class CopyInterruptedError(Exception):
    """A database failed. Another run of the copy continues."""


class Copied(NamedTuple):
    """The result of one run, and the content of the target afterwards."""

    batches: int
    """Copied by this run."""
    events: int
    replaced: int
    """How many ranges of batches were copied again because they had changed in the source."""
    damaged: Sequence[int]
    """The sequences of this run's batches whose payload does not have the checksum."""
    monitors: dict[str, Totals]
    """The content of the target, by the name of the app monitor. "": deleted app monitors."""
    rows: dict[str, int]
    """The number of rows in each small table."""
    access_keys: int
    differences: int
    """How many ranges still differ. 0, unless the source changes all the time."""


_SPANS_IN_RANGE = batch_spans.c.block.between(
    bindparam("first").op(">>")(BLOCK_BITS), bindparam("last").op(">>")(BLOCK_BITS)
)
_COUNT = (
    select(func.count())
    .select_from(batches)
    .where(batches.c.sequence > bindparam("after"), batches.c.sequence <= bindparam("newest"))
)
_WITH_KEY = select(batches.c.sequence).where(
    batches.c.app_monitor == bindparam("key"), batches.c.batch_id == bindparam("id")
)
_NEWEST = select(func.coalesce(func.max(batches.c.sequence), 0))


class DatabaseCopy:
    """A copy from `source` to `target`. Blocks.

    Raises:
        ValueError: the target has other data, or is a copy of another database.
    """

    def __init__(self, source: Database, target: Database) -> None:
        self._source = source
        self._target = target
        self._state = CopyState(target)
        self._check_same_log()
        self._damaged: list[int] = []
        self._replaced = 0
        self._copied = Counter[str]()

    def run(self, progress: Progress) -> Copied:
        """Copy everything that is missing in the target, and compare both databases."""
        with self._source.read() as source:
            newest = source.execute(_NEWEST).scalar_one()
            bounds = {"after": self._state.sequence, "newest": newest}
            total = source.execute(_COUNT, bounds).scalar_one()
        self._copy_batches(newest, lambda done: progress(done, max(done, total)))
        newest, rows, access_keys = self._copy_small_tables()
        self._copy_batches(newest, lambda done: progress(done, max(done, total)))
        self._copy_source_maps()
        differences, totals = self._compare()
        for _ in range(_COMPARISONS - 1):
            if differences:
                differences, totals = self._compare()
        with self._target.read() as target:
            names = dict(target.execute(select(app_monitors.c.key, app_monitors.c.name)).all())
        monitors = {name: Totals() for name in names.values()}
        for key, sums in totals.items():
            name = names.get(key, "")
            monitors[name] = monitors.get(name, Totals()) + sums
        return Copied(
            batches=self._copied["batches"],
            events=self._copied["events"],
            replaced=self._replaced,
            damaged=self._damaged,
            monitors=monitors,
            rows=rows,
            access_keys=access_keys,
            differences=differences,
        )

    def _check_same_log(self) -> None:
        """Raise ValueError if the source is not the one that was copied before.

        The app monitors of the copy and its last batch may have been deleted meanwhile.
        """
        monitors = select(app_monitors.c.key, app_monitors.c.id)
        last = select(batches.c.sequence, batches.c.batch_id)
        with self._target.read() as target, self._source.read() as source:
            copied = target.execute(last.order_by(batches.c.sequence.desc()).limit(1)).first()
            found = (
                copied and source.execute(last.where(batches.c.sequence == copied.sequence)).first()
            )
            names = target.execute(monitors).all()
            is_other = names and set(names).isdisjoint(source.execute(monitors).all())
        if is_other or (found and found != copied):
            raise ValueError("the target is a copy of another database")

    def _copy_batches(self, newest: int, progress: Callable[[int], None]) -> None:
        """Copy the batches above the state of the copy, up to `newest`."""
        for _, last, rows in chunks(self._source, self._state.sequence, newest):
            with self._naming_doubles(rows), self._target.write() as target:
                target.execute(insert(batches), rows)
                self._state.advance(target, last)
            self._count(rows)
            progress(self._copied["batches"])
        if newest > self._state.sequence:
            with self._target.write() as target:
                self._state.advance(target, newest)

    @contextmanager
    def _naming_doubles(self, rows: list[dict[str, Any]]) -> Iterator[None]:
        """Raise ValueError with both sequences if the target has no room for a second copy."""
        try:
            yield
        except IntegrityError:  # the message of the driver has the values of the row
            one, other = self._double(rows)
            raise ValueError(
                f"the source has a batch twice, as {one} and {other}, which the target cannot keep;"
                " move one of them to a file: openrum db repair"
            ) from None

    def _double(self, rows: list[dict[str, Any]]) -> tuple[int | str, int | str]:
        """Return the sequences of the first batch in these rows that is there twice."""
        seen: dict[BatchKey, int] = {}
        with self._target.read() as target:
            for row in rows:
                key = row["app_monitor"], row["batch_id"]
                stored = target.execute(_WITH_KEY, dict(zip(("key", "id"), key, strict=True)))
                first = seen.setdefault(key, stored.scalar() or row["sequence"])
                if first != row["sequence"]:
                    return first, row["sequence"]
        return "another one", "a later one"

    def _count(self, rows: list[dict[str, Any]]) -> None:
        self._copied["batches"] += len(rows)
        for row in rows:
            self._copied["events"] += row["event_count"]
            if row["checksum"] not in (None, checksum(row["payload"])):
                self._damaged.append(row["sequence"])

    def _copy_small_tables(self) -> tuple[int, dict[str, int], int]:
        """Replace the small tables.

        Return the newest sequence of the source at that time, the numbers of rows, and the number
        of access keys.
        """
        counts = Counter[str]()
        is_key = credentials.c.kind == "key"
        keys = select(func.count()).select_from(credentials).where(is_key)
        with self._target.write() as target:
            for table in small_tables():
                delete_all(target, table)
            # PostgreSQL closes a connection that is idle in a transaction for some seconds.
            with _snapshot(self._source) as source:
                newest: int = source.execute(_NEWEST).scalar_one()
                access_keys: int = source.execute(keys).scalar_one()
                for table in small_tables():
                    for rows in parts(source, table):
                        target.execute(insert(table), [dict(row) for row in rows])
                        counts[table.name] += len(rows)
                copy_generators(source, target)
            self._state.seal(target)
        return newest, counts, access_keys

    def _copy_source_maps(self) -> None:
        """Copy the source map parts that are missing in the target, and delete others."""
        columns = source_map_parts.c.source_map, source_map_parts.c.number
        with self._source.read() as source, self._target.read() as target:
            there = {tuple(row) for row in source.execute(select(*columns))}
            here = {tuple(row) for row in target.execute(select(*columns))}
        for source_map, number in sorted(here - there):
            with self._target.write() as connection:
                is_it = (columns[0] == source_map) & (columns[1] == number)
                connection.execute(delete(source_map_parts).where(is_it))
        for source_map, number in sorted(there - here):
            is_it = (columns[0] == source_map) & (columns[1] == number)
            with self._source.read() as source:
                row = source.execute(select(source_map_parts).where(is_it)).mappings().first()
            if row is not None:  # it has not been deleted meanwhile
                with self._target.write() as connection:
                    connection.execute(insert(source_map_parts), dict(row))

    def _compare(self) -> tuple[int, dict[int, Totals]]:
        """Compare all copied batches. Copy ranges that differ again.

        Return how many ranges differed, and the content of the target by app monitor.
        """
        differences = 0
        totals: dict[int, Totals] = {}
        for bounds in ranges(self._source, self._target, self._state.sequence):
            with self._source.read() as source, self._target.read() as target:
                expected, found = totals_of(source, bounds), totals_of(target, bounds)
            if expected != found:
                differences += 1
                self._replace(bounds)
                with self._target.read() as target:
                    found = totals_of(target, bounds)
            self._copy_spans(bounds)
            for key, total in found.items():
                totals[key] = totals.get(key, Totals()) + total
        self._replaced += differences
        return differences, totals

    def _replace(self, bounds: Bounds) -> None:
        """Copy a range again."""
        after = bounds["first"] - 1
        for first, last, rows in chunks(self._source, after, bounds["last"]):
            with self._naming_doubles(rows), self._target.write() as target:
                target.execute(delete(batches).where(IN_RANGE), {"first": first, "last": last})
                target.execute(insert(batches), rows)
            after = last
        if after < bounds["last"]:
            rest = {"first": after + 1, "last": bounds["last"]}
            with self._target.write() as target:
                target.execute(delete(batches).where(IN_RANGE), rest)

    def _copy_spans(self, bounds: Bounds) -> None:
        """Copy the time spans in a range, if they differ."""
        order = batch_spans.c.app_monitor, batch_spans.c.block
        query = select(batch_spans).where(_SPANS_IN_RANGE).order_by(*order)
        with self._source.read() as source, self._target.read() as target:
            expected = source.execute(query, bounds).mappings().all()
            found = target.execute(query, bounds).mappings().all()
        if expected == found:
            return
        with self._target.write() as connection:
            connection.execute(delete(batch_spans).where(_SPANS_IN_RANGE), bounds)
            if expected:
                connection.execute(insert(batch_spans), [dict(row) for row in expected])


@contextmanager
def _snapshot(database: Database) -> Iterator[Connection]:
    """Open a connection whose statements all see one state of the database."""
    with database.read() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        connection.exec_driver_sql(
            "BEGIN" if is_sqlite else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        )
        try:
            yield connection
        finally:
            connection.exec_driver_sql("ROLLBACK")
