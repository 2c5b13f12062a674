"""Finds when a share differed on some pages, even if an hour has few samples. Pure.

Shares of neighbouring hours can be added up, unlike percentiles. So windows of 1 to 24 hours are
compared with the same hours in the weeks before, by a two-proportion test. A share can also be the
mean of ratings between 0 and 1, such as good, needs improvement and poor. Then the test is close to
a rank test.
"""

from __future__ import annotations

__all__ = ["Window", "find_windows", "score_of"]

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from rum_projector.insight.changes import (
    DISPERSION_OF_ONE_WEEK,
    MEDIAN_SQUARE,
    WEEKLY_DEVIATION,
)

_LENGTHS = (1, 2, 3, 4, 6, 8, 12, 24)
_LEAST_SAMPLES = 20
_BLOCK = 6

_Array: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"


class Window(NamedTuple):
    """Hours `first` to `last`, both included, count from 0."""

    first: int
    last: int
    score: float
    """By how many standard deviations the share is off. Negative: it is lower."""


def find_windows(current: ArrayLike, weeks: ArrayLike, *, least_score: float) -> list[Window]:
    """Return the windows with the highest scores that do not overlap.

    Args:
        current: the hours of the selection: for each, the value and the number of samples.
        weeks: the same hours one week before, two weeks before, and so on. At least one.
    """
    hours = np.asarray(weeks, np.float64)
    dispersion = _dispersion(hours)
    now, before = _sums(np.asarray(current, np.float64)), _sums(hours.sum(axis=0))
    found: list[Window] = []
    for length in _LENGTHS:
        scores = _scores(now[length:] - now[:-length], before[length:] - before[:-length])
        scores /= dispersion
        found += [
            Window(first, first + length - 1, float(scores[first]))
            for first in np.flatnonzero(np.abs(scores) >= least_score).tolist()
        ]
    return list(_apart(sorted(found, key=lambda window: -abs(window.score))))


def score_of(current: ArrayLike, weeks: ArrayLike, *, first: int, last: int) -> float:
    """Return the score of one window."""
    now, hours = np.asarray(current, np.float64), np.asarray(weeks, np.float64)
    part = slice(first, last + 1)
    score = _scores(now[part].sum(axis=0), hours[:, part].sum(axis=(0, 1)))
    return float(score) / _dispersion(hours)


def _apart(windows: Sequence[Window]) -> Iterator[Window]:
    kept: list[Window] = []
    for window in windows:
        if all(window.last < other.first or other.last < window.first for other in kept):
            kept.append(window)
            yield window


def _dispersion(weeks: _Array) -> float:
    """Return how much more the weeks differ among themselves than by chance, at least 1."""
    if len(weeks) == 1:
        return DISPERSION_OF_ONE_WEEK
    blocks = np.add.reduceat(weeks, range(0, weeks.shape[1], _BLOCK), axis=1)
    scores = _scores(blocks, blocks.sum(axis=0) - blocks)
    squares = scores[scores != 0] ** 2
    return math.sqrt(max(1.0, float(np.median(squares)) / MEDIAN_SQUARE)) if squares.size else 1.0


def _scores(now: _Array, before: _Array) -> _Array:
    """Return the score of each pair of values and samples. Too few samples have the score 0."""
    value, samples = now[..., 0], now[..., 1]
    value_before, samples_before = before[..., 0], before[..., 1]
    known = (samples >= _LEAST_SAMPLES) & (samples_before >= _LEAST_SAMPLES)
    # No division by zero where the score is not used.
    samples, samples_before = np.where(known, samples, 1), np.where(known, samples_before, 1)
    pooled = (value + value_before + 0.5) / (samples + samples_before + 1)
    share = (value_before + 0.5) / (samples_before + 1)
    chance = pooled * (1 - pooled) * (1 / samples + 1 / samples_before)
    weekly = WEEKLY_DEVIATION * np.minimum(share, 1 - share)
    variance = np.where(known, chance + weekly**2, 1)
    scores = (value / samples - value_before / samples_before) / np.sqrt(variance)
    return np.where(known, scores, 0.0)


def _sums(hours: _Array) -> _Array:
    return np.concatenate([np.zeros((1, 2)), hours.cumsum(axis=0)])
