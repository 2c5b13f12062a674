"""The numbers of each hour in several time ranges.

Whole hours are read from `hour_totals` and `hour_levels`, as far as they have them. The parts of
the ranges that are left, such as their first and last hour, are read together.
"""

from __future__ import annotations

__all__ = ["Range", "levels_by_hour", "numbers_by_hour", "views_by_page"]

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    func,
    literal_column,
    null,
    or_,
    select,
    union_all,
)

from rum_projector.event_counts import hour_of
from rum_projector.queries.base import (
    Condition,
    Query,
    Selection,
    clause_of,
    is_kind,
    quantile,
)
from rum_projector.queries.counts import counts_of, counts_of_parts, number
from rum_projector.schema import HOUR_MS, hour_levels, hour_totals, hours, vitals
from rum_service.events.measures import Kind

# A statement with more parts takes longer than one for each range.
_MOST_PARTS = 30
# A long condition takes longer than the rows of some more pages.
_MANY_PAGES = 40

_Numbers: TypeAlias = tuple[int, str | None, int, Sequence[Any]]
"""The index of a range, a page or None, the number of the hour, and the values."""


@dataclass(frozen=True)
class Range:
    """A selection, and the hours that it is in."""

    selection: Selection

    @property
    def first_ms(self) -> int:
        """The start of the first hour."""
        return self.selection.after_ms // HOUR_MS * HOUR_MS

    @property
    def length(self) -> int:
        """The number of hours."""
        return -((self.first_ms - self.selection.before_ms) // HOUR_MS)

    def has_whole(self, hour_ms: int) -> bool:
        """Return whether the hour with this start is in the selection completely."""
        return self.selection.after_ms <= hour_ms <= self.selection.before_ms - HOUR_MS

    def hour(self, ts: int) -> int:
        """Return the number of the hour that contains a time."""
        return (ts - self.first_ms) // HOUR_MS


class _Part(NamedTuple):
    """The part of a range without sums."""

    of: int
    """The index of the range."""
    selection: Selection


def numbers_by_hour(
    query: Query, ranges: Sequence[Range], names: Sequence[str], pages: Sequence[str] | None = None
) -> Iterator[_Numbers]:
    """Yield the numbers of all hours that have events.

    Args:
        ranges: selections that differ in their times.
        names: of the numbers: `sessions`, `error_sessions` and those in `event_counts`.
        pages: yield the numbers of each page, at least of these.
    """
    parts = _parts(query, ranges)
    only = [Condition("page", tuple(pages))] if pages and len(pages) >= _MANY_PAGES else []
    if parts is None:
        for index, each in enumerate(ranges):
            counts = counts_of(query, _having(each.selection, only))
            for _, *row in query(_numbers(counts, null(), names, pages is not None)):
                yield index, row[0], each.hour(row[1]), row[2:]
        return
    of_page = hour_totals.c.page.is_(None) if pages is None else hour_totals.c.page.is_not(None)
    columns = (hour_totals.c[name] for name in names)
    whole = select(hour_totals.c.ts, hour_totals.c.page, *columns).where(
        of_page,
        *_whole_hours(ranges, hour_totals),
        *(clause_of(each, hour_totals) for each in only),
    )
    for ts, page, *values in query(whole):
        for index, each in enumerate(ranges):
            if each.has_whole(ts):
                yield index, page, each.hour(ts), values
    if parts:
        counts = counts_of_parts([_having(part.selection, only) for part in parts], names)
        for number_, page, hour, *values in query(
            _numbers(counts, counts.c.part, names, pages is not None)
        ):
            index = parts[number_].of
            yield index, page, ranges[index].hour(hour), values


def levels_by_hour(
    query: Query, ranges: Sequence[Range], kinds: Sequence[Kind]
) -> Iterator[tuple[int, int, int, int, float]]:
    """Yield range, hour, kind, samples and 75th percentile, where there are samples.

    Args:
        kinds: of those that `hour_levels` has.
    """
    parts = _parts(query, ranges)
    if parts is None:
        parts = [_Part(index, each.selection) for index, each in enumerate(ranges)]
    else:
        levels = hour_levels.c
        whole = select(levels.ts, levels.kind, levels.samples, levels.level).where(
            *_whole_hours(ranges, hour_levels), is_kind(kinds, hour_levels)
        )
        for ts, *level in query(whole):
            for index, each in enumerate(ranges):
                if each.has_whole(ts):
                    yield index, each.hour(ts), level[0], level[1], level[2]
    if parts:
        for number_, hour, *level in query(_levels(parts, kinds)):
            index = parts[number_].of
            yield index, ranges[index].hour(hour), level[0], level[1], level[2]


def views_by_page(query: Query, of: Range) -> FromClause:
    """Return a table with pages and numbers of page views, which have to be added up."""
    parts = _parts(query, [of])
    if parts is None:
        counts = counts_of(query, of.selection)
        return select(counts.c.page, counts.c.page_views).subquery("views")
    totals = hour_totals.c
    found = [
        select(totals.page, totals.page_views).where(
            totals.page.is_not(None), *_whole_hours([of], hour_totals)
        )
    ]
    if parts:
        counts = counts_of_parts([part.selection for part in parts], ["page_views"])
        found.append(select(counts.c.page, counts.c.page_views))
    return union_all(*found).subquery("views")


def _parts(query: Query, ranges: Sequence[Range]) -> list[_Part] | None:
    """Return what has no sums. None: the sums are of other events, or there are too many parts."""
    if any(each.selection.conditions for each in ranges):
        return None
    within = or_(*(_time(each, hours) for each in ranges))
    known = {hour for (hour,) in query(select(hours.c.ts).where(within))}
    parts = []
    for index, each in enumerate(ranges):
        start_ms, end_ms = each.selection.after_ms, each.selection.before_ms
        for hour_ms in range(each.first_ms, end_ms, HOUR_MS):
            if hour_ms in known and each.has_whole(hour_ms):
                if start_ms < hour_ms:
                    parts.append(_Part(index, each.selection.between(start_ms, hour_ms)))
                start_ms = hour_ms + HOUR_MS
        if start_ms < end_ms:
            parts.append(_Part(index, each.selection.between(start_ms, end_ms)))
    return parts if len(parts) <= _MOST_PARTS else None


def _time(of: Range, table: FromClause) -> ColumnElement[bool]:
    selection = of.selection
    return and_(table.c.ts >= selection.after_ms, table.c.ts <= selection.before_ms - HOUR_MS)


def _whole_hours(ranges: Sequence[Range], table: FromClause) -> list[ColumnElement[bool]]:
    monitor = ranges[0].selection.monitor
    return [table.c.monitor == monitor, or_(*(_time(each, table) for each in ranges))]


def _having(selection: Selection, conditions: Sequence[Condition]) -> Selection:
    for condition in conditions:
        selection = selection.having(condition)
    return selection


def _numbers(
    counts: FromClause, part: ColumnElement[Any], names: Sequence[str], by_page: bool
) -> Select[Any]:
    keys: list[ColumnElement[Any]] = [
        part.label("of_part"),
        (counts.c.page if by_page else null()).label("of_page"),
        hour_of(counts.c.ts).label("hour"),
    ]
    return select(*keys, *(number(counts, name) for name in names)).group_by(
        *(literal_column(key.name) for key in keys)
    )


def _levels(parts: Sequence[_Part], kinds: Sequence[Kind]) -> Select[Any]:
    rows = [
        select(
            literal_column(str(index)).label("part"),
            vitals.c.ts,
            vitals.c.kind,
            vitals.c.value,
        ).where(*part.selection.clauses(vitals), is_kind(kinds, vitals))
        for index, part in enumerate(parts)
    ]
    values = union_all(*rows).subquery("found")
    hour, value = hour_of(values.c.ts).label("hour"), values.c.value
    return select(
        values.c.part, hour, values.c.kind, func.count(), quantile(value, "0.75")
    ).group_by(values.c.part, literal_column("hour"), values.c.kind)
