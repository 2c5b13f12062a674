"""The page about overload."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

from bench.arrivals import Outcomes
from bench.overload_page import Part, Row, median_run, overload_page

_COUNTS = {"": 9_000, "status 429": 1_500}


def _row(name: str) -> Row:
    return Row(name, 2_625.0, 2_250.0, 12.3, 1_400.0, _COUNTS, 7, 199.6)


def test_the_page_has_every_load_and_the_chart_every_curve() -> None:
    curve = [_row("0.5"), _row("4")]
    parts = [
        Part("REST", 5_000.0, curve, [replace(_row("quiet"), longest_at_start_ms=2_345.6)], 15.0),
        Part("slow disk", 0.0, [_row("100/s")], [], 14.0),
    ]
    kept = json.loads(json.dumps([part.as_json() for part in parts]))
    text, svg = overload_page([Part.from_json(each) for each in kept])

    values = "9,000 accepted, 1,500 429 | 7 | 200 |  |"
    for name in ("0.5", "4", "100/s"):
        assert f"| {name} | 2,625 | 2,250 | 12 | 1,400 | {values}\n" in text
    assert f"| quiet | 2,625 | 2,250 | 12 | 1,400 | 2,346 | {values}\n" in text
    assert "Capacity: 5,000 puts a second." in text
    assert svg
    assert "overload.svg" in text
    lines = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}polyline")
    assert len([*lines]) == 2


def test_the_page_compares_overload_with_the_peak_and_shows_the_generators_share() -> None:
    curve = [
        replace(_row(name), goodput=goodput, generator=share)
        for name, goodput, share in (("1", 4_000.0, 0.2), ("2", 3_800.0, 0.6), ("4", 3_600.0, 0.5))
    ]
    text, _ = overload_page([Part("REST", 5_000.0, curve, [], 15.0)])

    assert "Shares of the highest goodput: 95 % at 2, 90 % at 4." in text
    assert "at most 60 % of its core." in text


def test_the_time_at_the_start_counts_apart() -> None:
    outcomes = Outcomes(5.0, settle_s=1.0, in_time=40, longest_at_start_s=2.5)
    outcomes.latencies_s.append(0.1)
    row = Row.of("4", outcomes, 0.0)

    assert row.goodput == 10.0
    assert (row.p99_ms, row.longest_at_start_ms) == (100.0, 2_500.0)


def test_a_page_without_a_curve_has_no_chart() -> None:
    text, svg = overload_page([Part("slow disk", 0.0, [_row("100/s")], [], 14.0)])

    assert svg is None
    assert "overload.svg" not in text
    assert "| 100/s |" in text


def test_the_page_says_which_parts_were_measured_beside_other_work() -> None:
    parts = [
        Part("REST", 5_000.0, [_row("0.5")], [], 15.0, other_work=False),
        Part("gRPC", 3_000.0, [_row("0.5")], [], 9.0, other_work=True),
    ]
    text, _ = overload_page([Part.from_json(part.as_json()) for part in parts])

    assert "Capacity: 5,000 puts a second. A load takes 15 s.\n" in text
    assert "3,000 puts a second. A load takes 9 s. Other work ran on the machine.\n" in text


def test_all_rows_come_from_the_run_with_the_median_of_the_first_row() -> None:
    runs = [
        [replace(_row("quiet"), p99_ms=quiet), replace(_row("busy"), p99_ms=busy)]
        for quiet, busy in ((30.0, 1.0), (10.0, 2.0), (20.0, 9.0))
    ]
    quiet, busy = median_run(runs, lambda row: row.p99_ms)

    assert (quiet.p99_ms, quiet.runs) == (20.0, [30.0, 10.0, 20.0])
    assert (busy.p99_ms, busy.runs) == (9.0, [1.0, 2.0, 9.0])
