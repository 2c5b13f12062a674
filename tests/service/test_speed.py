"""The speed of the store follows its last groups."""

from __future__ import annotations

from math import inf

from rum_service.ingest.speed import Speed


def test_the_speed_is_infinite_before_the_first_group() -> None:
    assert Speed().bytes_per_s == inf


def test_groups_count_by_the_time_they_took() -> None:
    speed = Speed()
    speed.add(1000, 1.0)
    for _ in range(100):
        speed.add(10_000, 0.001)

    assert 1_000_000 < speed.bytes_per_s < 10_000_000


def test_a_store_that_slows_down_is_noticed() -> None:
    speed = Speed()
    for _ in range(100):
        speed.add(10_000, 0.001)
    speed.add(10_000, 2.0)

    assert speed.bytes_per_s < 150_000
