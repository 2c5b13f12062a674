"""Finds when a share differed on some pages, even if an hour has few samples. Pure.

Shares of neighbouring hours can be added up, unlike percentiles. So windows of 1 to 24 hours are
compared with the same hours in the weeks before, by a two-proportion test. A share can also be the
mean of ratings between 0 and 1, such as good, needs improvement and poor. Then the test is close to
a rank test.
"""

from __future__ import annotations

__all__ = ["Window", "find_windows", "score_of", "total_of"]

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate
from statistics import median
from typing import NamedTuple

from rum_projector.insight.changes import Hour

_LENGTHS = (1, 2, 3, 4, 6, 8, 12, 24)
_LEAST_SAMPLES = 20
_BLOCK = 6
# As in `rum_projector.insight.changes`.
_WEEKLY_DEVIATION = 0.1
_MEDIAN_SQUARE = 0.455
_DISPERSION_OF_ONE_WEEK = 1.5


class Window(NamedTuple):
    """Hours `first` to `last`, both included, count from 0."""

    first: int
    last: int
    score: float
    """By how many standard deviations the share is off. Negative: it is lower."""


def find_windows(
    current: Sequence[Hour], weeks: Sequence[Sequence[Hour]], *, least_score: float
) -> list[Window]:
    """Return the windows with the highest scores that do not overlap.

    Args:
        current: the hours of the selection.
        weeks: the same hours one week before, two weeks before, and so on. At least one.
    """
    dispersion = _dispersion(weeks)
    now, before = _sums(current), _sums([total_of(hours) for hours in zip(*weeks, strict=True)])
    found = [
        Window(first, first + length - 1, score)
        for length in _LENGTHS
        for first in range(len(current) - length + 1)
        if abs(
            score := _score(
                _between(now, first, first + length), _between(before, first, first + length)
            )
            / dispersion
        )
        >= least_score
    ]
    return list(_apart(sorted(found, key=lambda window: -abs(window.score))))


def score_of(
    current: Sequence[Hour], weeks: Sequence[Sequence[Hour]], *, first: int, last: int
) -> float:
    """Return the score of one window."""
    before = [total_of(week[first : last + 1]) for week in weeks]
    return _score(total_of(current[first : last + 1]), total_of(before)) / _dispersion(weeks)


def _apart(windows: Sequence[Window]) -> Iterator[Window]:
    kept: list[Window] = []
    for window in windows:
        if all(window.last < other.first or other.last < window.first for other in kept):
            kept.append(window)
            yield window


def _dispersion(weeks: Sequence[Sequence[Hour]]) -> float:
    """Return how much more the weeks differ among themselves than by chance, at least 1."""
    if len(weeks) == 1:
        return _DISPERSION_OF_ONE_WEEK
    blocks = [
        [total_of(week[start : start + _BLOCK]) for start in range(0, len(week), _BLOCK)]
        for week in weeks
    ]
    squares = []
    for index, week in enumerate(blocks):
        others = blocks[:index] + blocks[index + 1 :]
        scores = (_score(now, total_of(before)) for now, *before in zip(week, *others, strict=True))
        squares += [score**2 for score in scores if score]
    return math.sqrt(max(1.0, median(squares) / _MEDIAN_SQUARE)) if squares else 1.0


def _score(now: Hour, before: Hour) -> float:
    if now.samples < _LEAST_SAMPLES or before.samples < _LEAST_SAMPLES:
        return 0.0
    pooled = (now.value + before.value + 0.5) / (now.samples + before.samples + 1)
    share = (before.value + 0.5) / (before.samples + 1)
    chance = pooled * (1 - pooled) * (1 / now.samples + 1 / before.samples)
    deviation = math.sqrt(chance + (_WEEKLY_DEVIATION * min(share, 1 - share)) ** 2)
    return (now.value / now.samples - before.value / before.samples) / deviation


def total_of(hours: Sequence[Hour]) -> Hour:
    """Return values and samples of all hours together."""
    return Hour(sum(hour.value for hour in hours), sum(hour.samples for hour in hours))


def _sums(hours: Sequence[Hour]) -> list[Hour]:
    return list(accumulate(hours, lambda total, hour: total_of([total, hour]), initial=Hour(0.0)))


def _between(sums: Sequence[Hour], first: int, end: int) -> Hour:
    return Hour(sums[end].value - sums[first].value, sums[end].samples - sums[first].samples)
