"""ListChanges: what is unusual on single pages, and not on all of them.

A section is the pages with the same first part of the path, such as the steps of a checkout. Their
samples are added up, so that changes are found even if each page has few visitors. A change is
reported for the pages that take part in it.
"""

from __future__ import annotations

__all__ = ["changed_pages"]

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from rum_projector.insight.changes import MEASURES, Change, Hour, matters
from rum_projector.insight.windows import Window, find_windows, score_of
from rum_projector.queries.base import Query, Selection
from rum_projector.queries.hour_sums import Range
from rum_projector.queries.hours import HOUR_MS, Hours, busiest_pages, hours_of_pages, level
from rum_service.events.measures import Kind

_PAGES = 40
# Each page by itself; the others only count in their section.
_BUSIEST = 8
# 92 days of app monitors with generated events have one false alarm, at 4.8 (2026-11).
_LEAST_WINDOW_SCORE = 5.0
_LEAST_PART = 2.0
_MAX_FOUND = 8

Weeks = Sequence[Range]
"""The same hours of the weeks before."""

_Array: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"
"""For each hour, a value and a number of samples."""


@dataclass(frozen=True)
class _Candidate:
    page: str
    name: str
    """Of the measure."""
    first: int
    last: int
    value: float
    expected: float
    score: float


def _rating(vital: str) -> Callable[[Hours], Hour]:
    def rated(hour: Hours) -> Hour:
        good, middle, poor = (
            hour.numbers[f"{vital}_{name}"] for name in ("good", "needs_improvement", "poor")
        )
        return Hour(middle / 2 + poor, good + middle + poor)

    return rated


Shares = Mapping[str, Callable[[Hours], Hour]]
_LEVELS = {"lcp_p75": Kind.LCP, "inp_p75": Kind.INP, "cls_p75": Kind.CLS}
_RATED: Shares = {name: _rating(name.removesuffix("_p75")) for name in _LEVELS}


def changed_pages(
    query: Query, selection: Selection, weeks: Weeks, shares: Shares, whole: Sequence[Change]
) -> Iterator[tuple[str, Change]]:
    """Yield pages with a change that the changes of all pages, `whole`, do not explain.

    Args:
        shares: the shares to compare, by measure. Ratings of web vitals are compared as well.
    """
    pages = busiest_pages(query, selection, limit=_PAGES)
    if len(pages) < 2:
        return
    current, *before = hours_of_pages(query, [Range(selection), *weeks], pages)
    best: dict[tuple[str, str], _Candidate] = {}
    for name, hour_of in {**_RATED, **shares}.items():
        hours = {
            page: (
                np.column_stack(hour_of(current[page])),
                np.stack([np.column_stack(hour_of(week[page])) for week in before]),
            )
            for page in pages
        }
        explaining = [found for found in whole if found.measure.name == name]
        for candidate in _candidates(name, pages, hours):
            if any(_explains(found, candidate) for found in explaining):
                continue
            key = (candidate.page, name)
            if key not in best or best[key].score < candidate.score:
                best[key] = candidate
    ordered = sorted(best.values(), key=lambda candidate: -candidate.score)
    for found in ordered[:_MAX_FOUND]:
        measure, value, expected = MEASURES[found.name], found.value, found.expected
        if found.name in _LEVELS:
            value, expected = _levels(query, found, selection, weeks)
        if matters(measure, value, expected):
            yield found.page, Change(measure, found.first, found.last, value, expected, found.score)


def _explains(whole: Change, part: _Candidate) -> bool:
    """Return whether a change of all pages explains that of one page."""
    is_worse = (part.value > part.expected) == whole.measure.more_is_worse
    return whole.is_worse == is_worse and whole.first <= part.last and part.first <= whole.last


def _candidates(
    name: str, pages: Sequence[str], hours: Mapping[str, tuple[_Array, _Array]]
) -> Iterator[_Candidate]:
    """Yield the windows of pages and of sections, for the pages that take part."""
    for group in _groups(pages):
        current = np.sum([hours[page][0] for page in group], axis=0)
        weeks = np.sum([hours[page][1] for page in group], axis=0)
        for window in find_windows(current, weeks, least_score=_LEAST_WINDOW_SCORE):
            for page in group:
                own = window.score
                if len(group) > 1:
                    own = score_of(*hours[page], first=window.first, last=window.last)
                if own * window.score > 0 and abs(own) >= _LEAST_PART:
                    yield _candidate(page, name, window, *hours[page])


def _candidate(page: str, name: str, window: Window, now: _Array, weeks: _Array) -> _Candidate:
    part = slice(window.first, window.last + 1)
    value, expected = _share(now[part].sum(axis=0)), _share(weeks[:, part].sum(axis=(0, 1)))
    return _Candidate(page, name, window.first, window.last, value, expected, abs(window.score))


def _groups(pages: Sequence[str]) -> Iterator[list[str]]:
    sections: dict[str, list[str]] = {}
    for page in pages:
        sections.setdefault(page.strip("/").partition("/")[0], []).append(page)
    yield from ([page] for page in pages[:_BUSIEST])
    yield from (section for section in sections.values() if len(section) > 1)


def _levels(
    query: Query, candidate: _Candidate, selection: Selection, weeks: Weeks
) -> tuple[float, float]:
    """Return the 75th percentile in the window, and its mean in the weeks before."""
    kind = _LEVELS[candidate.name]
    now, *before = (
        Hour(
            *level(
                query,
                each.selection.between(
                    max(each.selection.after_ms, each.first_ms + candidate.first * HOUR_MS),
                    min(each.selection.before_ms, each.first_ms + (candidate.last + 1) * HOUR_MS),
                ),
                candidate.page,
                kind,
            )
        )
        for each in (Range(selection), *weeks)
    )
    samples = sum(hour.samples for hour in before)
    expected = sum(hour.value * hour.samples for hour in before) / samples if samples else 0.0
    return now.value, expected


def _share(total: _Array) -> float:
    value, samples = total.tolist()
    return value / samples if samples else 0.0
