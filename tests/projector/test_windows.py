"""Changes of shares in windows: found where an hour has few samples, and rarely by chance."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

import pytest

from rum_projector.insight.changes import Hour
from rum_projector.insight.windows import find_windows

_LEAST = 5.0


def hours(chance: random.Random, shares: Sequence[float], samples: int) -> list[Hour]:
    """Return one hour for each share, with about as many samples."""
    found = []
    for share in shares:
        number = chance.randrange(samples // 2, samples * 3 // 2 + 1)
        found.append(Hour(sum(chance.random() < share for _ in range(number)), number))
    return found


def weeks(chance: random.Random, share: float, samples: int, number: int) -> list[list[Hour]]:
    return [hours(chance, [share] * 24, samples) for _ in range(number)]


@pytest.mark.parametrize("number", [1, 2, 4])
@pytest.mark.parametrize(("share", "samples"), [(0.25, 15), (0.01, 40), (0.5, 3), (0.05, 400)])
def test_quiet_days_have_no_windows(share: float, samples: int, number: int) -> None:
    chance = random.Random(f"{share} {samples} {number}")
    days = [
        find_windows(
            hours(chance, [share] * 24, samples),
            weeks(chance, share, samples, number),
            least_score=_LEAST,
        )
        for _ in range(40)
    ]

    assert [day for day in days if day] == []


@pytest.mark.parametrize("length", [2, 6])
def test_a_change_of_some_hours_with_few_samples_is_found(length: int) -> None:
    """The steps of a checkout: 45 samples an hour, a quarter of them slow, then two thirds."""
    found = 0
    for seed in range(30):
        chance = random.Random(seed)
        before = weeks(chance, 0.25, 45, 3)
        shares = [0.25] * 10 + [0.65] * length + [0.25] * (14 - length)
        windows = find_windows(hours(chance, shares, 45), before, least_score=_LEAST)
        found += any(w.first < 10 + length and w.last >= 10 and w.score > 0 for w in windows)

    assert found >= 28


def test_a_small_change_of_a_whole_day_is_found() -> None:
    chance = random.Random(1)
    windows = find_windows(
        hours(chance, [0.12] * 24, 60), weeks(chance, 0.05, 60, 3), least_score=_LEAST
    )

    assert windows
    assert windows[0].last - windows[0].first >= 11


def test_a_share_that_varies_between_the_weeks_is_not_a_change() -> None:
    chance = random.Random(1)
    before = [hours(chance, [share] * 24, 60) for share in (0.1, 0.3, 0.2)]

    assert find_windows(hours(chance, [0.28] * 24, 60), before, least_score=_LEAST) == []


def test_windows_do_not_overlap_and_have_a_sign() -> None:
    chance = random.Random(1)
    shares = [0.2] * 4 + [0.8] * 3 + [0.2] * 8 + [0.01] * 6 + [0.2] * 3
    found = find_windows(hours(chance, shares, 100), weeks(chance, 0.2, 100, 4), least_score=_LEAST)
    windows = sorted(found)

    assert all(one.last < other.first for one, other in pairwise(windows))
    assert [window.score > 0 for window in windows if 4 <= window.last <= 6] == [True]
    assert any(window.score < 0 and window.first >= 14 for window in windows)


def test_too_few_samples_say_nothing() -> None:
    assert (
        find_windows([Hour(19, 19)], [[Hour(0, 1000)]], least_score=_LEAST)
        == find_windows([Hour(1000, 1000)], [[Hour(0, 19)]], least_score=_LEAST)
        == []
    )
