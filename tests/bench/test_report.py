"""Tables, chart and kept results, from given measurements."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.chart import chart
from bench.page import with_parts
from bench.ratios import AGAINST, OURS, ROWS, Row
from bench.report import against_table, comparison, ratio_table, report
from bench.results import About, Results, newest_kept
from bench.rounds import Measured

_GRPC_50 = "gRPC, 50 events"


def _measured(cpu_ms: float) -> Measured:
    return Measured(cpu_ms=cpu_ms, per_second=100.0, p50_ms=1.0, p99_ms=2.0, generator=0.1)


def _results(against: str = "", **cpu_ms: list[float]) -> Results:
    """Return results of one case: by variant, the CPU in each round."""
    about = About("2026-11-01", "abc", "python -m bench", 3, "/data", 0, against)
    results = Results(about)
    names = {"no_op": "no-op", "ours": OURS, "against_": AGAINST, "naive": "naive"}
    for variant, values in cpu_ms.items():
        for value in values:
            results.add(_GRPC_50, names[variant], _measured(value))
    return results


def _row(table: str, start: str) -> list[str]:
    (line,) = [line for line in table.splitlines() if line.startswith(f"| {start} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_ratio_is_computed_in_each_round() -> None:
    results = _results(no_op=[1.0, 2.0, 4.0], ours=[2.0, 2.0, 12.0])

    table = ratio_table(results)

    assert _row(table, "gRPC put of 50 events over the no-op") == [
        "gRPC put of 50 events over the no-op",
        "at most 1.6",
        "2.00 (1.00-3.00), **not reached**",
    ]


def test_the_table_has_every_ratio_also_those_that_were_not_measured() -> None:
    table = ratio_table(_results(no_op=[1.0], ours=[1.5]))

    assert table.count("\n") == len(ROWS) + 1
    assert _row(table, "gRPC put of 50 events over the no-op")[2] == "1.50"
    assert _row(table, "idle CPU of both processes")[2] == "not measured"


@pytest.mark.parametrize(
    ("at_least", "value", "met"), [(False, 1.0, True), (False, 1.1, False), (True, 1.1, True)]
)
def test_a_limit_is_a_maximum_or_a_minimum(at_least: bool, value: float, met: bool) -> None:
    row = Row("a ratio", lambda *_: [value], 1.0, at_least=at_least)

    assert row.is_met([value]) == met


def test_another_checkout_has_its_own_column() -> None:
    results = _results(against="def", no_op=[1.0], ours=[2.0], against_=[4.0])

    assert _row(ratio_table(results), "gRPC put of 50 events over the no-op")[3] == "4.00"
    assert _row(against_table(results), _GRPC_50)[1:] == ["4.000", "2.000", "0.50"]


def test_without_another_checkout_nothing_is_compared() -> None:
    assert against_table(_results(no_op=[1.0], ours=[2.0])) == ""


def test_results_are_the_same_after_reading_them_back(tmp_path: Path) -> None:
    results = _results(no_op=[1.0], ours=[2.0])
    results.add_other("idle_percent", 0.2)
    results.finish((1.0, 2.0, 3.0))

    read = Results.from_json(results.to_json())

    assert report(read) == report(results)


def test_the_newest_kept_results_are_compared_with(tmp_path: Path) -> None:
    for number, (date, value) in enumerate([("2026-11-02", 2.0), ("2026-11-01", 9.0)]):
        file = tmp_path / f"{date}-abc.json"
        file.write_text(_results(ours=[value]).to_json())
        os.utime(file, (number, number))

    kept = newest_kept(tmp_path)
    table = comparison(_results(ours=[3.0]), kept)

    assert _row(table, f"{_GRPC_50}: {OURS}")[1:] == ["2.000", "3.000", "1.50"]


def test_the_first_run_has_nothing_to_compare_with(tmp_path: Path) -> None:
    table = comparison(_results(ours=[3.0]), newest_kept(tmp_path))

    assert _row(table, f"{_GRPC_50}: {OURS}")[1:] == ["", "3.000", ""]


def test_the_chart_has_a_bar_for_each_variant_in_proportion() -> None:
    drawn = ElementTree.fromstring(chart(_results(no_op=[1.0], ours=[2.0], naive=[8.0])))
    bars = [
        float(each.attrib["width"])
        for each in drawn.iter("{http://www.w3.org/2000/svg}rect")
        if "x" in each.attrib
    ]

    assert [width / bars[2] for width in bars] == pytest.approx([1 / 8, 1 / 4, 1], abs=0.001)


def test_only_the_generated_parts_of_a_page_change() -> None:
    page = "# Title\n\n<!-- bench: a -->\nold\n<!-- bench end -->\n\nText.\n"

    once = with_parts(page, {"a": "new"})

    assert once == "# Title\n\n<!-- bench: a -->\n\nnew\n\n<!-- bench end -->\n\nText.\n"
    assert with_parts(once, {"a": "new"}) == once


@pytest.mark.parametrize("parts", [{}, {"a": "", "b": ""}])
def test_a_page_has_a_place_for_every_part(parts: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="places for"):
        with_parts("<!-- bench: a -->\n<!-- bench end -->\n", parts)
