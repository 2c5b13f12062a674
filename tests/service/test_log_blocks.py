"""Reading by time skips the blocks of a log whose batches have other times."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from rum_service.storage import open_store
from rum_service.storage.base import LogStore
from rum_service.storage.schema import BLOCK_BITS
from tests.support.databases import migrated_sqlite
from tests.support.logged import ALL_TIME, content, contents, logged

_HOUR_MS = 3_600_000
_BLOCK = 1 << BLOCK_BITS


class Log:
    """A log in which a test can leave gaps between sequences."""

    def __init__(self, url: str, log: LogStore) -> None:
        self.log = log
        self._engine = create_engine(url, isolation_level="AUTOCOMMIT")
        self._set_sequence = (
            "UPDATE sqlite_sequence SET seq = :last WHERE name = 'batches'"
            if url.startswith("sqlite")
            else "SELECT setval('batches_sequence_seq', :last)"
        )

    def end_block(self, blocks: int = 1) -> None:
        """Let the next batch be the first one of a later block."""
        with self._engine.connect() as connection:
            newest = connection.execute(text("SELECT max(sequence) FROM batches")).scalar_one()
            last = ((newest >> BLOCK_BITS) + blocks) * _BLOCK - 1
            connection.execute(text(self._set_sequence), {"last": last})

    def spans(self) -> list[tuple[int, int, int, int]]:
        """Return app monitor, block, first_ms and last_ms of each span."""
        with self._engine.connect() as connection:
            rows = connection.execute(text("SELECT * FROM batch_spans ORDER BY 1, 2"))
            return [(row[0], row[1], row[2], row[3]) for row in rows]

    def close(self) -> None:
        self._engine.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Log]:
    """An empty log in each database."""
    if request.param == "sqlite":
        url = migrated_sqlite(tmp_path / "openrum.sqlite3")
    else:
        url = request.getfixturevalue("migrated_postgres")
    store = open_store(url)
    opened = Log(url, store.log)
    yield opened
    opened.close()
    store.close()


def test_old_batches_are_found_below_many_blocks_with_other_times(log: Log) -> None:
    for number in range(150):
        log.log.append([logged(number, first_ms=number * _HOUR_MS)])
        log.end_block(1 + number % 2)

    for number in (0, 1, 75, 149):
        at = number * _HOUR_MS
        assert contents(log.log, after_ms=at, before_ms=at) == [content(number)]
    assert contents(log.log) == [content(number) for number in reversed(range(150))]


def test_one_read_looks_at_a_bounded_number_of_blocks(log: Log) -> None:
    """Each block has a batch before and a batch after the time that is read."""
    log.log.append([logged(0, first_ms=5 * _HOUR_MS)])
    for number in range(1, 100):
        log.end_block()
        log.log.append([logged(2 * number, first_ms=0)])
        log.log.append([logged(2 * number + 1, first_ms=9 * _HOUR_MS)])
    at = 5 * _HOUR_MS
    bounds = {"after_ms": at, "before_ms": at, "limit": 10, "max_bytes": 1 << 20}
    first = log.log.read(1, below=None, **bounds)
    assert first.below is not None
    second = log.log.read(1, below=first.below, **bounds)

    assert first.batches == []
    assert [content(0)] == [batch.content for batch in second.batches]
    assert second.below is None


def test_a_group_that_spans_blocks_is_found_in_each(log: Log) -> None:
    count = 2 * _BLOCK + 100
    log.log.append([logged(number, first_ms=number * _HOUR_MS) for number in range(count)])

    for number in (0, _BLOCK - 2, _BLOCK - 1, _BLOCK, 2 * _BLOCK, count - 1):
        at = number * _HOUR_MS
        assert contents(log.log, after_ms=at, before_ms=at) == [content(number)]
    assert len(log.spans()) == 3


def test_a_group_with_stored_batches_widens_the_spans_of_the_new_ones(log: Log) -> None:
    stored = [logged(number, first_ms=0) for number in range(5)]
    log.log.append(stored)
    log.end_block()
    log.log.append([*stored[:4], logged(5, first_ms=5 * _HOUR_MS), stored[4]])

    assert contents(log.log, after_ms=5 * _HOUR_MS) == [content(5)]
    assert contents(log.log, before_ms=0) == [content(number) for number in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize("at", [0, 1, 1023, 1024, -1, -1024, -62_135_596_800_000])
def test_a_span_contains_the_times_of_its_batches(log: Log, at: int) -> None:
    log.log.append([logged(1, first_ms=at)])

    ((_, _, first_ms, last_ms),) = log.spans()
    assert at - 1024 < first_ms <= at <= last_ms < at + 1024


def test_a_batch_in_the_known_span_changes_nothing_and_another_one_widens_it(log: Log) -> None:
    log.log.append([logged(1, first_ms=1_024_000)])
    before = log.spans()
    log.log.append([logged(2, first_ms=1_024_500)])
    same = log.spans()
    log.log.append([logged(3, first_ms=512_000)])
    log.log.append([logged(4, first_ms=2_048_000)])

    assert same == before
    assert log.spans() == [(1, before[0][1], 512_000, 2_048_000 + 1023)]


def test_spans_are_deleted_with_the_last_batches_of_their_block(log: Log) -> None:
    log.log.append([logged(1), logged(2), logged(3, app_monitor=2)])
    log.end_block()
    log.log.append([logged(4)])
    everything = [(monitor, block) for monitor, block, _, _ in log.spans()]
    log.log.purge(1, limit=1)
    partly = log.spans()
    log.log.purge(1, limit=1)
    first_block = [(monitor, block) for monitor, block, _, _ in log.spans()]
    log.log.purge(1, limit=9)

    assert everything == [(1, 0), (1, 1), (2, 0)]
    assert len(partly) == 3
    assert first_block == [(1, 1), (2, 0)]
    assert [monitor for monitor, *_ in log.spans()] == [2]
    assert contents(log.log, 2, after_ms=-ALL_TIME) == [content(3)]


def test_a_batch_that_is_stored_after_a_purge_is_found(log: Log) -> None:
    log.log.append([logged(1)])
    log.log.purge(1, limit=9)
    log.log.append([logged(2)])

    assert contents(log.log) == [content(2)]
