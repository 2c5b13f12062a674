"""A disk whose fsync takes seconds: what it can store is stored, and the rest is told so."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.arrivals import Arrivals, run_together
from bench.ledger import Ledger
from tests.support.running import OpenRum
from tests.support.slow_disk import SlowDisk

_FSYNC_S = 2.0
_LOAD_S = 20.0
_RATE = 500
_FULL_GROUP = 200
"""A group of 4 MiB has at least so many of these puts."""


@pytest.mark.slow
def test_a_slow_disk_stores_what_it_can_and_the_other_puts_get_429_or_503(tmp_path: Path) -> None:
    disk = SlowDisk(tmp_path)
    with OpenRum(tmp_path, **disk.environment) as server:
        monitor_id = server.monitor_id()
        address = server.url.removeprefix("http://")
        with disk.taking(_FSYNC_S):
            load = Arrivals(address, monitor_id, 10, _LOAD_S, _RATE, slots=900)
            (outcomes,) = run_together([load])
        stored = Ledger(f"sqlite:///{server.database}").stored()

    assert set(outcomes.counts) <= {"", "status 429", "status 503"}
    assert stored == outcomes.counts[""]
    # The first commits have few puts, and one that copies the write-ahead log takes longer.
    assert stored >= _FULL_GROUP * (_LOAD_S - 4 * _FSYNC_S) / (2 * _FSYNC_S)
