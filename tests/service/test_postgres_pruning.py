"""While they hold the write lock, statements open only the partitions of PostgreSQL they need."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, Engine, event

from rum_service.storage import open_store
from rum_service.storage.base import Store
from rum_service.storage.postgres_partitions import DAY_MS
from tests.support.logged import logged

_APP_MONITOR, _OTHER = 1, 2
_DAY = 20_000
"""A number of days since 1970."""
_DAYS = 10
_OPENED = """
SELECT DISTINCT relname FROM pg_locks JOIN pg_class ON pg_class.oid = relation
WHERE pid = pg_backend_pid() AND relkind = 'r' AND starts_with(relname, 'batches_2')
"""


@pytest.fixture
def store(empty_postgres: str) -> Iterator[Store]:
    """A store with a partition for each of some days, which has a batch of two app monitors."""
    opened = open_store(empty_postgres)
    for day in range(_DAYS):
        opened.log.maintain((_DAY + day) * DAY_MS)
        opened.log.append([logged(day), logged(day, app_monitor=_OTHER)])
    yield opened
    opened.close()


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """The partitions that transactions had opened when they ended."""
    names: list[str] = []

    def note(connection: Connection) -> None:
        names.extend(connection.exec_driver_sql(_OPENED).scalars())

    event.listen(Engine, "commit", note)
    yield names
    event.remove(Engine, "commit", note)


def _purge(store: Store) -> None:
    assert store.log.purge(_APP_MONITOR, limit=1) == 1


def _remove(store: Store) -> None:
    # The other app monitor keeps its batches, so no partition is dropped.
    before_ms = {_APP_MONITOR: 2**60, _OTHER: 0}
    removed = store.retention.remove(before_ms, limit=1, max_bytes=1 << 20)
    assert removed[_APP_MONITOR].batches == 1


@pytest.mark.parametrize("write", [_purge, _remove])
def test_removing_the_oldest_batch_opens_one_partition(
    store: Store, opened: list[str], write: Callable[[Store], None]
) -> None:
    write(store)

    assert opened == ["batches_20241004"]


def test_beginning_an_erasure_opens_no_partition(store: Store, opened: list[str]) -> None:
    store.erasures.begin(
        _APP_MONITOR,
        "shop",
        kind="user",
        subject="me",
        digest=bytes(32),
        erased_by="operator",
        now_ms=0,
    )

    assert not opened
