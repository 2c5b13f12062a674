"""Slices of the log: together they have each batch of an app monitor once, on every database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.storage import open_store, read_slices
from rum_service.storage.slices import LogSlices
from tests.support.databases import migrated_sqlite
from tests.support.logged import content, logged

_ALL = {"earliest_ms": -(2**62), "latest_ms": 2**62}
_BATCHES = 600
_LONG = 301
# It is compressed to half of its length.
_LONG_CONTENT = PutRumEventsRequest(alias=os.urandom(100_000).hex()).SerializeToString()


@pytest.fixture(params=["sqlite", "postgres"])
def slices(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LogSlices]:
    """Slices of a log in which every third batch is of app monitor 2, and one is long."""
    if request.param == "sqlite":
        url = migrated_sqlite(tmp_path / "store.sqlite3")
    else:
        url = request.getfixturevalue("migrated_postgres")
    filled = open_store(url)
    filled.log.append(
        [
            logged(number)._replace(
                app_monitor=2 if number % 3 == 0 else 1,
                received_ms=number,
                content=_LONG_CONTENT if number == _LONG else content(number),
            )
            for number in range(1, _BATCHES + 1)
        ]
    )
    filled.close()
    store, found = read_slices(url)
    yield found
    store.close()


@pytest.mark.parametrize("size", [1, 7, 400, 401])
def test_slices_have_each_batch_of_the_app_monitor_once(slices: LogSlices, size: int) -> None:
    bounds = slices.bounds(1, after=0, size=size)
    parts = [
        [*slices.read(1, after=after, through=through, **_ALL)]
        for after, through in pairwise([0, *bounds])
    ]
    expected = [number for number in range(1, _BATCHES + 1) if number % 3]

    assert [len(part) for part in parts[:-1]] == [size] * (len(parts) - 1)
    assert [batch.received_ms for part in parts for batch in part] == expected
    assert [batch.content for part in parts for batch in part] == [
        _LONG_CONTENT if number == _LONG else content(number) for number in expected
    ]
    assert slices.count(1, after=0) == len(expected)


def test_slices_begin_above_a_sequence(slices: LogSlices) -> None:
    everything = [*slices.read(1, after=0, through=2**62, **_ALL)]
    newest = everything[-1].sequence

    assert slices.bounds(1, after=newest, size=10) == []
    assert slices.bounds(1, after=newest - 1, size=10) == [newest]
    assert slices.bounds(3, after=0, size=10) == []
    assert slices.count(1, after=everything[-3].sequence) == 2


def test_only_batches_received_in_a_time_are_read(slices: LogSlices) -> None:
    found = slices.read(1, after=0, through=2**62, earliest_ms=100, latest_ms=104)

    assert [batch.received_ms for batch in found] == [100, 101, 103, 104]
