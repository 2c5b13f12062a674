"""Several service processes write to one PostgreSQL database."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.storage import open_store
from rum_service.storage.base import QuotaReachedError, Store
from rum_service.storage.records import Appended, Batch
from tests.support.batches import new_id
from tests.tools.postgres import Postgres

Writers = tuple[Store, Store]


_COUNT_AND_NEWEST = "SELECT count(*), coalesce(max(sequence), 0) FROM batches"
_SEQUENCES = "SELECT sequence FROM batches ORDER BY sequence"


@pytest.fixture
def url(postgres_server: Postgres) -> str:
    """The URL of an empty database."""
    return postgres_server.create_database(f"writers_{new_id()}")


@pytest.fixture
def writers(url: str) -> Iterator[Writers]:
    """Two stores on one database, as in two processes."""
    first, second = open_store(url), open_store(url)
    yield first, second
    first.close()
    second.close()


@pytest.fixture
def key(writers: Writers) -> int:
    """The key of an app monitor."""
    return writers[0].monitors.create(new_id(), "shop", "{}").key


def _batches(key: int, count: int) -> list[Batch]:
    return [
        Batch(
            app_monitor=key,
            batch_id=new_id().replace("-", "").encode()[:16],
            received_ms=0,
            first_ms=0,
            last_ms=0,
            event_count=1,
            content=PutRumEventsRequest(alias="x" * 500).SerializeToString(),
        )
        for _ in range(count)
    ]


def _common_outcome(outcomes: list[Appended]) -> str:
    """Return the name of the outcome that all batches of a group had."""
    (outcome,) = set(outcomes)
    return outcome.name


def test_two_processes_can_append_the_same_batches_in_different_orders(
    writers: Writers, key: int
) -> None:
    for _ in range(5):
        group = _batches(key, 300)
        together = threading.Barrier(2, timeout=30)

        def append(store: Store, batches: list[Batch]) -> list[Appended]:
            together.wait()  # noqa: B023 # called before the next round
            return store.log.append(batches)

        with ThreadPoolExecutor(2) as pool:
            stored = list(pool.map(append, writers, [group, group[::-1]]))

        assert sorted(map(_common_outcome, stored)) == ["DUPLICATE", "STORED"]


def test_new_batches_never_appear_below_batches_already_read(
    url: str, writers: Writers, key: int
) -> None:
    """Otherwise a reader that continues above the newest sequence it has read would miss some."""
    large, small = writers
    stopping = threading.Event()

    def append_small() -> None:
        while not stopping.is_set():
            small.log.append(_batches(key, 1))

    seen: list[tuple[int, int]] = []
    with (
        ThreadPoolExecutor(2) as pool,
        psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as reader,
    ):
        # Small groups could overtake large ones, whose transactions take longer.
        appending = [pool.submit(append_small)]
        appending += [pool.submit(large.log.append, _batches(key, 500)) for _ in range(30)]
        try:
            while not all(each.done() for each in appending[1:]):
                seen += reader.execute(_COUNT_AND_NEWEST).fetchall()
        finally:
            stopping.set()
        for each in appending:
            each.result()
        stored = [sequence for (sequence,) in reader.execute(_SEQUENCES)]

    assert len(set(seen)) > 10
    assert seen == [(bisect_right(stored, newest), newest) for _, newest in seen]


def test_two_processes_together_cannot_exceed_the_limit_of_app_monitors(writers: Writers) -> None:
    limit = 5
    together = threading.Barrier(2, timeout=30)

    def create_many(store: Store) -> int:
        created = 0
        for _ in range(limit):
            together.wait()
            try:
                store.monitors.create(new_id(), new_id(), "{}", limit=limit)
                created += 1
            except QuotaReachedError:
                pass
        return created

    with ThreadPoolExecutor(2) as pool:
        created = list(pool.map(create_many, writers))

    assert sum(created) == limit
    assert len(writers[0].monitors.list(after="", limit=2 * limit)) == limit
