"""The page says which events are not kept."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from bench.demo.fill import fill
from bench.demo.shop import SHOP
from tests.e2e.shown import Shown
from tests.support.running import OpenRum, run_openrum, wait_until
from tests.tools.chromium import Page


class _Projecting(OpenRum):
    projects = True


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenRum]:
    """A server that keeps the last ten of thirty days."""
    folder = tmp_path_factory.mktemp("kept")
    fill(f"sqlite:///{folder}/openrum.sqlite3", 20_000)
    with _Projecting(folder, OPENRUM_RETENTION_DAYS="10") as running:
        wait_until(lambda: _is_current(running), timeout_s=60)
        yield running
        running.stop()


def _is_current(server: OpenRum) -> bool:
    status, text = server.get("/insight-state")
    freshness = json.loads(text).get("freshness", {}) if status == 200 else {}
    # It says what is left to delete.
    line = ("retention", "set", SHOP.name, "10", "--yes")
    is_removed = run_openrum(*line, OPENRUM_SERVICE=server.grpc).stderr == ""
    return is_removed and 0 < freshness.get("logSequence", 0) == freshness["projectedSequence"]


def test_a_range_that_is_not_kept_does_not_look_like_an_outage(page: Page, server: OpenRum) -> None:
    shown = Shown(page, server)
    shown.open("overview", monitor=SHOP.name, range="30d")
    month = shown.texts(".banner")
    shown.open("overview", monitor=SHOP.name, range="24h")
    day = shown.texts(".banner")

    assert len(month) == 1
    assert month[0].startswith("Events before ")
    assert month[0].endswith(" are not kept.")
    assert day == []
