"""Several service processes write to one PostgreSQL database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.storage import open_store
from rum_service.storage.base import QuotaReachedError, Store
from rum_service.storage.records import Appended, Batch
from tests.support.batches import new_id
from tests.tools.postgres import Postgres

Writers = tuple[Store, Store]


@pytest.fixture
def writers(postgres_server: Postgres) -> Iterator[Writers]:
    """Two stores on one database, as in two processes."""
    url = postgres_server.create_database(f"writers_{new_id()}")
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


def test_new_batches_never_appear_below_batches_already_read(writers: Writers, key: int) -> None:
    def append_many(store: Store) -> None:
        for _ in range(60):
            store.log.append(_batches(key, 20))

    seen: list[int] = []
    late: list[int] = []
    with ThreadPoolExecutor(2) as pool:
        appending = [pool.submit(append_many, store) for store in writers]
        while not all(each.done() for each in appending):
            read = writers[0].log.read(key, below=None, after_ms=0, before_ms=0, limit=10_000)
            new = {batch.sequence for batch in read} - set(seen)
            late += [sequence for sequence in new if seen and sequence < max(seen)]
            seen += new
        for each in appending:
            each.result()

    assert len(seen) > 1
    assert late == []


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
