"""Finds unusual hours: those that differ from the same hours of the weeks before. Pure.

Each hourly value gets a score: its distance from the value that the previous weeks predict, in
standard deviations. The standard deviation is the one that chance causes (counts, shares and
percentiles of few samples vary), times how much the weeks differ among themselves. Adjacent hours
with deviations in the same direction are one change, and their scores are added up: small but
lasting changes count, and single noisy hours do not.
"""

from __future__ import annotations

__all__ = [
    "DISPERSION_OF_ONE_WEEK",
    "MEASURES",
    "MEDIAN_SQUARE",
    "WEEKLY_DEVIATION",
    "Change",
    "Hour",
    "Measure",
    "Statistic",
    "find_changes",
    "matters",
]

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from statistics import fmean, median
from typing import NamedTuple

# With four weeks, a quiet month of the generated shop has no false alarm at this score.
_LEAST_SCORE = 6.0
_LEAST_HOUR_SCORE = 3.5
_SAME_SIDE = 1.0
# Weeks differ by more than chance: holidays, advertising, weather.
WEEKLY_DEVIATION = 0.1
# Samples with the share of the whole range, added so that few samples give no extreme share.
_PRIOR_SAMPLES = 50.0
# The median of the squares of standard normal samples.
MEDIAN_SQUARE = 0.455
# One week does not say how much weeks differ.
DISPERSION_OF_ONE_WEEK = 1.5
# Load times are log-normal with a deviation of about 0.8. The 75th percentile of n such samples has
# about this variance times 1 / n.
_PERCENTILE_VARIANCE = 1.2
_LEAST_SAMPLES = 20.0


class Statistic(Enum):
    """The statistic of a measure, which determines how it varies by chance."""

    COUNT = auto()
    """A number of independent things."""
    SHARE = auto()
    """A number of things out of `samples`."""
    LEVEL = auto()
    """A 75th percentile of `samples`."""


@dataclass(frozen=True)
class Measure:
    """What is compared."""

    name: str
    statistic: Statistic
    more_is_worse: bool
    least_effect: float
    """Changes of less than this ratio are not worth anybody's time, however certain they are."""
    least_difference: float = 0.0
    """As `least_effect`, in units of the measure: a count, a share, or a level."""
    offset: float = 0.0
    """Added to levels before their ratio is taken. Levels near 0 have wild ratios."""


MEASURES = {
    measure.name: measure
    for measure in (
        Measure(
            "sessions", Statistic.COUNT, more_is_worse=False, least_effect=1.4, least_difference=20
        ),
        Measure("js_error_rate", Statistic.SHARE, True, 1.4, 0.01),
        Measure("http_5xx_rate", Statistic.SHARE, True, 1.5, 0.005),
        Measure("http_4xx_rate", Statistic.SHARE, True, 1.5, 0.01),
        Measure("http_no_response_rate", Statistic.SHARE, True, 1.5, 0.005),
        Measure("apdex", Statistic.SHARE, False, 1.08, 0.05),
        Measure("lcp_p75", Statistic.LEVEL, True, 1.2, 200),
        Measure("inp_p75", Statistic.LEVEL, True, 1.25, 50),
        Measure("cls_p75", Statistic.LEVEL, True, 1.4, 0.03, offset=0.1),
    )
}


class Hour(NamedTuple):
    """A measure in one hour."""

    value: float
    """The count, for a share the number of things that have the property, or the level."""
    samples: float = 0.0
    """Of a share or a level."""


@dataclass(frozen=True)
class Change:
    """A change: hours `first` to `last`, both included, count from 0."""

    measure: Measure
    first: int
    last: int
    value: float
    expected: float
    score: float

    @property
    def is_worse(self) -> bool:
        """Whether it is bad for users."""
        return (self.value > self.expected) == self.measure.more_is_worse


def find_changes(
    measure: Measure, current: Sequence[Hour], weeks: Sequence[Sequence[Hour]]
) -> list[Change]:
    """Return the changes of one measure, in the order of time.

    Args:
        current: the hours of the selection.
        weeks: the same hours one week before, two weeks before, and so on. Empty: no changes.
    """
    if not weeks:
        return []
    dispersion = _dispersion(measure, weeks)
    scores = [
        _score(measure, now, before, weeks_total) / dispersion
        for now, before, weeks_total in _hours(measure, current, weeks)
    ]
    found = []
    whole = (0, len(scores) - 1)
    runs = list(_runs(scores))
    for first, last in [*runs, *([] if runs else [whole])]:
        total = sum(scores[first : last + 1]) / math.sqrt(last - first + 1)
        value, expected = _over(measure, current, weeks, first, last)
        if abs(total) >= _LEAST_SCORE and matters(measure, value, expected):
            found.append(Change(measure, first, last, value, expected, abs(total)))
    return found


def _hours(
    measure: Measure, current: Sequence[Hour], weeks: Sequence[Sequence[Hour]]
) -> Iterator[tuple[Hour, list[Hour], float]]:
    """Yield each hour with the same hours of the weeks before and the share of the whole range."""
    overall = 0.0
    if measure.statistic is Statistic.SHARE:
        samples = sum(hour.samples for week in weeks for hour in week)
        overall = sum(hour.value for week in weeks for hour in week) / samples if samples else 0.0
    for index, hour in enumerate(current):
        yield hour, [week[index] for week in weeks], overall


def _dispersion(measure: Measure, weeks: Sequence[Sequence[Hour]]) -> float:
    """Return how much more the weeks differ among themselves than by chance, at least 1."""
    if len(weeks) == 1:
        return DISPERSION_OF_ONE_WEEK
    squares = []
    for index, week in enumerate(weeks):
        others = [other for position, other in enumerate(weeks) if position != index]
        squares += [_score(measure, *hour) ** 2 for hour in _hours(measure, week, others)]
    return math.sqrt(max(1.0, median(squares) / MEDIAN_SQUARE))


def _score(measure: Measure, now: Hour, before: Sequence[Hour], overall: float) -> float:
    """Return by how many standard deviations an hour is off."""
    if measure.statistic is Statistic.COUNT:
        expected = fmean(hour.value for hour in before)
        chance = max(expected, 1.0) * (1 + 1 / len(before))
        return (now.value - expected) / math.sqrt(chance + (WEEKLY_DEVIATION * expected) ** 2)
    samples = sum(hour.samples for hour in before)
    if now.samples < _LEAST_SAMPLES or samples < _LEAST_SAMPLES:
        return 0.0
    uncertainty = 1 / now.samples + 1 / samples
    if measure.statistic is Statistic.SHARE:
        prior = _PRIOR_SAMPLES * overall + 0.5
        share = (sum(hour.value for hour in before) + prior) / (samples + _PRIOR_SAMPLES + 1)
        # Together, because few rare events before say little about how rare they are.
        pooled = (now.value + share * samples) / (now.samples + samples)
        chance = pooled * (1 - pooled) * uncertainty
        deviation = math.sqrt(chance + (WEEKLY_DEVIATION * min(share, 1 - share)) ** 2)
        return (now.value / now.samples - share) / deviation
    value, level = now.value + measure.offset, _level(before) + measure.offset
    if level <= 0 or value <= 0:
        return 0.0
    deviation = math.sqrt(_PERCENTILE_VARIANCE * uncertainty + WEEKLY_DEVIATION**2 / 4)
    return math.log(value / level) / deviation


def _level(hours: Sequence[Hour]) -> float:
    """Return the mean level of hours, weighted by samples."""
    samples = sum(hour.samples for hour in hours)
    return sum(hour.value * hour.samples for hour in hours) / samples if samples else 0.0


def _runs(scores: Sequence[float]) -> Iterator[tuple[int, int]]:
    """Yield the first and last index of neighbours off to one side, one of them clearly."""
    index = 0
    while index < len(scores):
        side = math.copysign(1, scores[index])
        end = index
        while end < len(scores) and scores[end] * side >= _SAME_SIDE:
            end += 1
        if max((score * side for score in scores[index:end]), default=0) >= _LEAST_HOUR_SCORE:
            yield index, end - 1
        index = max(end, index + 1)


def _over(
    measure: Measure,
    current: Sequence[Hour],
    weeks: Sequence[Sequence[Hour]],
    first: int,
    last: int,
) -> tuple[float, float]:
    """Return value and expectation over some hours."""
    now = current[first : last + 1]
    before = [hour for week in weeks for hour in week[first : last + 1]]
    if measure.statistic is Statistic.COUNT:
        return sum(h.value for h in now), sum(h.value for h in before) / len(weeks)
    if measure.statistic is Statistic.LEVEL:
        return _level(now), _level(before)
    return _share(now), _share(before)


def _share(hours: Sequence[Hour]) -> float:
    samples = sum(hour.samples for hour in hours)
    return sum(hour.value for hour in hours) / samples if samples else 0.0


def matters(measure: Measure, value: float, expected: float) -> bool:
    """Return whether a change is large enough to report."""
    if abs(value - expected) < measure.least_difference:
        return False
    low, high = sorted((value, expected))
    return low <= 0 or high / low >= measure.least_effect
