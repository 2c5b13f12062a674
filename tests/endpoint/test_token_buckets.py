"""Token buckets: rates, bursts, and a bounded number of keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rum_endpoint.token_buckets import TokenBuckets


class _Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


def test_a_full_bucket_allows_a_burst_and_then_the_rate(clock: _Clock) -> None:
    buckets = TokenBuckets[str](rate=10, burst=5, clock=clock)

    assert [buckets.take("a", 1) for _ in range(5)] == [0] * 5
    assert buckets.take("a", 1) == pytest.approx(0.1)
    clock.now += 0.1
    assert buckets.take("a", 1) == 0
    assert buckets.take("a", 1) > 0


def test_keys_have_their_own_buckets(clock: _Clock) -> None:
    buckets = TokenBuckets[str](rate=1, burst=1, clock=clock)
    buckets.take("a", 1)

    assert (buckets.take("a", 1) > 0, buckets.take("b", 1)) == (True, 0)


def test_an_amount_above_the_burst_is_allowed_and_delays_the_next(clock: _Clock) -> None:
    buckets = TokenBuckets[str](rate=10, burst=5, clock=clock)

    assert buckets.take("a", 100) == 0
    assert buckets.take("a", 1) == pytest.approx(9.6)
    clock.now += 9.6
    assert buckets.take("a", 1) == 0


def test_charging_an_empty_bucket_makes_it_wait_longer(clock: _Clock) -> None:
    buckets = TokenBuckets[str](rate=10, burst=10, clock=clock)
    assert buckets.wait_s("a") == 0
    buckets.charge("a", 10)
    buckets.charge("a", 10)

    assert buckets.wait_s("a") == pytest.approx(1.1)


@given(st.lists(st.tuples(st.floats(0, 2), st.integers(1, 5)), max_size=60))
def test_no_more_is_taken_than_the_burst_and_the_rate_allow(
    takes: list[tuple[float, int]],
) -> None:
    clock = _Clock()
    buckets = TokenBuckets[str](rate=3, burst=7, clock=clock)
    began, taken = clock.now, 0
    for pause_s, amount in takes:
        clock.now += pause_s
        taken += 0 if buckets.take("a", amount) else amount

    assert taken <= 7 + 3 * (clock.now - began) + 5  # the last one may overdraw


def test_the_number_of_buckets_is_bounded(clock: _Clock) -> None:
    buckets = TokenBuckets[int](rate=1, burst=1, clock=clock, max_keys=100)
    for key in range(1000):
        buckets.take(key, 50)

    assert len(buckets) <= 100
    assert buckets.take(999, 1) > 0


def test_full_buckets_are_forgotten_first(clock: _Clock) -> None:
    buckets = TokenBuckets[str](rate=1, burst=2, clock=clock, max_keys=10)
    buckets.take("empty", 1000)
    for key in range(9):
        buckets.take(str(key), 1)
    clock.now += 10
    buckets.take("new", 1)

    assert buckets.take("empty", 1) > 0
    assert len(buckets) == 2
