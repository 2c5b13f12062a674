"""The table of what the detector of changes finds."""

from __future__ import annotations

import pytest

from bench.changes import DayOfMonitor, Month, changes_table, measured
from bench.demo.month import RELEASE_DAY
from rum.v1 import insight_service_pb2 as pb

_INCIDENT_MS = 1_795_960_800_000
_FROM_INCIDENT = {"after": _INCIDENT_MS, "before": _INCIDENT_MS + 7_200_000, "worse": True}


def _month(*days: DayOfMonitor) -> Month:
    return Month(1_000, days)


def test_changes_with_a_known_cause_are_hits() -> None:
    new = pb.Change(measure="new_error", title="TypeError: e.coupons.map", release="1.5.0")
    more = pb.Change(measure="js_error_rate", page="/checkout", worse=True)
    failing = pb.Change(measure="http_5xx_rate", **_FROM_INCIDENT)
    slow = [
        pb.Change(measure="lcp_p75", page=page, **_FROM_INCIDENT)
        for page in ("/checkout", "/checkout/done")
    ]

    table = changes_table(
        [
            _month(
                DayOfMonitor("shop", RELEASE_DAY, [new, more]),
                DayOfMonitor("shop", RELEASE_DAY + 1, [more]),
                DayOfMonitor("shop", 29, [failing, *slow]),
            )
        ]
    )

    cells = [line.split("|")[2].strip() for line in table.splitlines()[2:]]
    assert cells == ["found", "2 of 7 days", "shop", "2 of 3 pages", "no false alarm"]


@pytest.mark.parametrize(
    ("day", "change"),
    [
        (RELEASE_DAY + 7, pb.Change(measure="js_error_rate", worse=True)),
        (RELEASE_DAY, pb.Change(measure="js_error_rate", worse=False)),
        (RELEASE_DAY, pb.Change(measure="new_error", title="another", release="1.5.0")),
        (29, pb.Change(measure="http_5xx_rate", after=1, before=2, worse=True)),
        (29, pb.Change(measure="lcp_p75", page="/cart", **_FROM_INCIDENT)),
        (29, pb.Change(measure="sessions", **_FROM_INCIDENT)),
    ],
)
def test_changes_without_a_known_cause_are_false_alarms(day: int, change: pb.Change) -> None:
    table = changes_table([_month(DayOfMonitor("shop", day, [change]))])

    assert "| 1 false alarm |" in table


@pytest.mark.slow
def test_a_small_month_has_its_new_error_and_no_false_alarm() -> None:
    month = measured(60_000, 1)

    assert len(month.days) == 46
    assert "no false alarm" in changes_table([month])
