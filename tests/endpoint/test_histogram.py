"""Histograms count values by their size."""

from __future__ import annotations

from rum_endpoint.histogram import Histogram


def test_a_value_is_counted_up_to_its_bound_and_above_it() -> None:
    histogram = Histogram((1, 2.5))
    for value in (0.5, 1, 2, 3):
        histogram.observe(value)

    assert histogram.cumulative() == [("1.0", 2), ("2.5", 3), ("+Inf", 4)]
    assert histogram.sum == 6.5


def test_an_empty_histogram_has_every_bucket() -> None:
    assert Histogram((1,)).cumulative() == [("1.0", 0), ("+Inf", 0)]
