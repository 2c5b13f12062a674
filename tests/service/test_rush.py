"""When many puts that arrive count as a rush."""

from __future__ import annotations

from rum_service.ingest.rush import Rush


def _arrive(rush: Rush, *, begin_s: float, end_s: float, rate: float) -> list[bool]:
    """Let puts arrive at a rate. Return whether there was a rush after each."""
    states = []
    for number in range(round((end_s - begin_s) * rate)):
        now_s = begin_s + number / rate
        rush.arrive(now_s)
        states.append(rush.is_on(now_s))
    return states


def test_many_puts_after_few_are_a_rush_that_ends_soon() -> None:
    rush = Rush()
    before = _arrive(rush, begin_s=0.0, end_s=5.0, rate=300)
    after = _arrive(rush, begin_s=5.0, end_s=8.0, rate=3000)

    assert not any(before)
    assert after.index(True) < 0.1 * 3000
    assert 0.14 * 3000 < sum(after) < 0.16 * 3000


def test_a_high_rate_that_lasts_is_no_rush() -> None:
    rush = Rush()
    _arrive(rush, begin_s=0.0, end_s=5.0, rate=3000)

    assert not any(_arrive(rush, begin_s=5.0, end_s=8.0, rate=4000))


def test_puts_after_a_long_silence_are_a_rush_again() -> None:
    rush = Rush()
    _arrive(rush, begin_s=0.0, end_s=2.0, rate=3000)

    assert any(_arrive(rush, begin_s=60.0, end_s=60.2, rate=3000))


def test_rushes_take_a_limited_share_of_the_time() -> None:
    rush = Rush()
    states = [
        state
        for second in range(20)
        for half, rate in ((0.0, 3000.0), (0.5, 10.0))
        for state in _arrive(rush, begin_s=second + half, end_s=second + half + 0.5, rate=rate)
    ]

    assert 0 < sum(states) <= 20 * 0.15 * 3000 + 20


def test_a_rush_ends_when_no_more_calls_wait() -> None:
    rush = Rush()
    _arrive(rush, begin_s=0.0, end_s=0.03, rate=3000)
    was_on = rush.is_on(0.03)
    rush.end()

    assert was_on
    assert not rush.is_on(0.03)
