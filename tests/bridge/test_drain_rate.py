"""The estimate of how long a new put would wait."""

from __future__ import annotations

import pytest

from rum_bridge.drain_rate import DrainRate


def _rate(*calls_s: float) -> DrainRate:
    rate = DrainRate(calls=2)
    for call_s in calls_s:
        rate.observe(call_s)
    return rate


def test_without_calls_nothing_is_known_and_every_put_is_accepted() -> None:
    assert _rate().wait_s(1000) == 0


def test_calls_in_progress_share_the_wait_and_the_put_has_its_own_call() -> None:
    assert _rate(0.5, 0.5).wait_s(6) == pytest.approx(2.0)


def test_what_fits_into_the_next_calls_is_accepted_however_slow_they_are() -> None:
    assert _rate(2.0).wait_s(2) == 0


def test_an_outage_counts_for_some_calls_only() -> None:
    rate = _rate(0.01, 10.0)
    assert rate.wait_s(10) > 10
    for _ in range(15):
        rate.observe(0.01)

    assert rate.wait_s(10) < 0.3
