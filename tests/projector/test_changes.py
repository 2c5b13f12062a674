"""The detector of changes, on generated quiet weeks and incidents."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest

from rum_projector.insight.changes import MEASURES, Hour, Measure, Statistic, find_changes

_HOURS = 24
_RHYTHM = [0.3, 0.2, 0.1, 0.1, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.9] * 2
_TYPICAL = {
    "sessions": 150.0,
    "js_error_rate": 0.04,
    "http_5xx_rate": 0.01,
    "http_4xx_rate": 0.03,
    "http_no_response_rate": 0.005,
    "apdex": 0.8,
    "lcp_p75": 2_400.0,
    "inp_p75": 180.0,
    "cls_p75": 0.05,
}


def _day(measure: Measure, rng: random.Random, factors: Sequence[float] = ()) -> list[Hour]:
    """Return a day whose hours vary by chance, times a factor for each hour."""
    typical = _TYPICAL[measure.name]
    weekly = rng.gauss(1, 0.05)
    hours = []
    for index, rhythm in enumerate(_RHYTHM):
        factor = weekly * (factors[index] if factors else 1.0)
        samples = round(rng.gauss(400 * rhythm + 1, 20 * rhythm))
        if measure.statistic is Statistic.COUNT:
            mean = typical * rhythm * factor
            hours.append(Hour(max(0, round(rng.gauss(mean, math.sqrt(mean))))))
        elif measure.statistic is Statistic.SHARE:
            share = typical * factor
            if typical > 0.5:  # what varies from week to week is the rarer outcome
                share = 1 - (1 - typical) * weekly if factor == weekly else share
            hours.append(Hour(sum(rng.random() < share for _ in range(samples)), samples))
        else:
            values = sorted(
                typical * factor * rng.lognormvariate(-0.54, 0.8) for _ in range(samples)
            )
            hours.append(Hour(values[math.ceil(0.75 * samples) - 1], samples))
    return hours


def _incident(ratio: float, hours: Sequence[int]) -> list[float]:
    return [ratio if hour in hours else 1.0 for hour in range(_HOURS)]


@pytest.mark.parametrize("measure", MEASURES.values(), ids=lambda measure: measure.name)
def test_quiet_weeks_have_no_changes(measure: Measure) -> None:
    rng = random.Random(measure.name)
    false_alarms = [
        find_changes(measure, _day(measure, rng), [_day(measure, rng) for _ in range(weeks)])
        for weeks in (1, 2, 3, 4)
        for _ in range(50)
    ]

    assert sum(map(len, false_alarms)) <= 1  # of 4,800 hours


@pytest.mark.parametrize(
    ("name", "ratio", "worse"),
    [
        ("sessions", 0.2, True),
        ("sessions", 2.5, False),
        ("js_error_rate", 4.0, True),
        ("http_5xx_rate", 12.0, True),
        ("http_4xx_rate", 5.0, True),
        ("http_no_response_rate", 12.0, True),
        ("apdex", 0.6, True),
        ("lcp_p75", 2.0, True),
        ("lcp_p75", 0.5, False),
        ("inp_p75", 2.0, True),
        ("cls_p75", 5.0, True),
    ],
)
def test_an_incident_is_found_with_its_hours(name: str, ratio: float, *, worse: bool) -> None:
    measure, rng = MEASURES[name], random.Random(name)
    found_exactly = 0
    for _ in range(20):
        factors = _incident(ratio, (20, 21, 22))
        weeks = [_day(measure, rng) for _ in range(3)]
        changes = find_changes(measure, _day(measure, rng, factors), weeks)
        assert [change.is_worse for change in changes] == [worse]
        assert changes[0].first <= 20
        assert changes[0].last >= 22
        found_exactly += (changes[0].first, changes[0].last) == (20, 22)

    assert found_exactly >= 10


def test_a_small_change_of_a_whole_day_is_found() -> None:
    measure, rng = MEASURES["js_error_rate"], random.Random(7)
    weeks = [_day(measure, rng) for _ in range(4)]

    changes = find_changes(measure, _day(measure, rng, [1.8] * _HOURS), weeks)

    assert changes
    assert changes[0].value > 1.4 * changes[0].expected


def test_value_and_expectation_are_those_of_the_hours() -> None:
    measure = MEASURES["http_5xx_rate"]
    quiet = [Hour(10, 1000)] * 6
    current = [*[Hour(10, 1000)] * 3, Hour(200, 1000), Hour(300, 1000), Hour(10, 1000)]

    (change,) = find_changes(measure, current, [quiet, quiet])

    assert (change.first, change.last) == (3, 4)
    assert (change.value, change.expected) == (0.25, 0.01)


@pytest.mark.parametrize("measure", MEASURES.values(), ids=lambda measure: measure.name)
def test_without_weeks_or_samples_nothing_is_said(measure: Measure) -> None:
    empty = [Hour(0, 0)] * _HOURS

    assert find_changes(measure, [Hour(500, 500)] * _HOURS, []) == []
    assert find_changes(measure, empty, [empty, empty]) == []
