"""The rate at which puts leave a queue."""

from __future__ import annotations

import pytest

from rum_bridge.limits.drain_rate import DrainRate


class _Clock:
    """A clock that the test moves."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def _drain(rate: DrainRate, clock: _Clock, per_s: float, seconds: float) -> None:
    """Let puts leave evenly, while others wait."""
    rate.wait()
    for _ in range(round(per_s * seconds)):
        clock.now_s += 1 / per_s
        rate.leave()


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def rate(clock: _Clock) -> DrainRate:
    return DrainRate(clock)


@pytest.mark.parametrize("per_s", [50, 1_000, 20_000])
def test_it_follows_what_leaves(rate: DrainRate, clock: _Clock, per_s: float) -> None:
    _drain(rate, clock, per_s, 10)

    assert rate.per_s == pytest.approx(per_s, rel=0.05)


def test_times_without_waiting_puts_do_not_count(rate: DrainRate, clock: _Clock) -> None:
    _drain(rate, clock, 1_000, 10)
    before = rate.per_s
    for _ in range(100):  # a put that waits for a moment, twice a second
        rate.empty()
        clock.now_s += 0.5
        rate.wait()
        clock.now_s += 0.001
        rate.leave()

    assert rate.per_s == before


def test_an_old_rate_does_not_limit_a_burst(rate: DrainRate, clock: _Clock) -> None:
    first = rate.per_s
    _drain(rate, clock, 20, 30)  # long puts
    for _ in range(50):
        rate.empty()
        clock.now_s += 0.1
    rate.wait()

    assert rate.per_s == first


def test_a_pause_lowers_it_little_and_a_slow_store_lowers_it_soon(
    rate: DrainRate, clock: _Clock
) -> None:
    _drain(rate, clock, 1_000, 10)
    clock.now_s += 5
    rate.leave()
    paused = rate.per_s
    _drain(rate, clock, 100, 3)

    assert 850 < paused < 950
    assert 80 < rate.per_s < 160
