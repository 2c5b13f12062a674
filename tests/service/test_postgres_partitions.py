"""The log in PostgreSQL is partitioned by day, and a batch is stored once across partitions."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count, pairwise
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from rum_service.storage import open_store
from rum_service.storage.base import Store
from rum_service.storage.payload import stored_form
from rum_service.storage.postgres_partitions import DAY_BITS, DAY_MS
from rum_service.storage.records import Appended, Removed
from rum_service.storage.schema import BATCH_BYTES
from tests.support.batches import new_id
from tests.support.logged import ALL_TIME, content, contents, logged
from tests.support.running import wait_until
from tests.tools.postgres import Postgres

STORED, DUPLICATE, CONFLICT = Appended.STORED, Appended.DUPLICATE, Appended.CONFLICT
_DAY = 20_000
"""A number of days since 1970."""
_NOON_MS = _DAY * DAY_MS + DAY_MS // 2
_WRITE_LOCK = 0x4C4F47


@pytest.fixture
def url(postgres_server: Postgres) -> str:
    """The URL of an empty database."""
    return postgres_server.create_database(f"partitions_{new_id()}")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def database(url: str) -> Iterator[psycopg.Connection]:
    """Another connection to the same database."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        yield connection


def _partitions(database: psycopg.Connection) -> dict[str, int]:
    """Return the partitions of the log and how many batches each has."""
    rows = database.execute(
        "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid"
        " WHERE inhparent = 'batches'::regclass ORDER BY 1"
    ).fetchall()
    return {
        str(name): int(str(database.execute(f'SELECT count(*) FROM "{name}"').fetchall()[0][0]))  # type: ignore[arg-type]
        for (name,) in rows
    }


def _sequences(store: Store) -> list[int]:
    return [batch.sequence for batch in store.log.after(0, limit=10_000, max_bytes=ALL_TIME)]


def test_the_partitions_of_the_next_days_are_created_ahead(
    store: Store, database: psycopg.Connection
) -> None:
    store.log.maintain(_NOON_MS)
    first = list(_partitions(database))
    store.log.maintain(_NOON_MS + DAY_MS)
    store.log.maintain(_NOON_MS + DAY_MS)

    assert first == [f"batches_{day}" for day in (0, 20241004, 20241005, 20241006, 20241007)]
    assert list(_partitions(database)) == [*first, "batches_20241008"]


def test_each_day_has_its_own_partition_and_sequences_above_those_of_earlier_days(
    store: Store, database: psycopg.Connection
) -> None:
    for day in range(3):
        store.log.maintain(_NOON_MS + day * DAY_MS)
        store.log.append([logged(2 * day), logged(2 * day + 1)])

    sequences = _sequences(store)
    assert [sequence >> DAY_BITS for sequence in sequences] == [
        _DAY,
        _DAY,
        _DAY + 1,
        _DAY + 1,
        _DAY + 2,
        _DAY + 2,
    ]
    assert sequences == sorted(sequences)
    assert list(_partitions(database).values()) == [0, 2, 2, 2, 0, 0, 0]
    assert [content(number) for number in range(5, -1, -1)] == contents(store.log)


def test_days_without_a_service_leave_no_partitions(
    store: Store, database: psycopg.Connection
) -> None:
    store.log.maintain(_NOON_MS)
    store.log.append([logged(1)])
    store.log.maintain(_NOON_MS + 40 * DAY_MS)
    outcomes = store.log.append([logged(1), logged(2)])

    assert outcomes == [DUPLICATE, STORED]
    assert len(_partitions(database)) == 9


def test_a_batch_is_stored_once_on_whatever_day_it_is_sent_again(
    store: Store, database: psycopg.Connection
) -> None:
    """Its events are as old as the first attempt."""
    outcomes = []
    for day in range(25):
        store.log.maintain(_NOON_MS + day * DAY_MS)
        times = {"first_ms": _NOON_MS, "last_ms": _NOON_MS}
        new = logged(100 + day, first_ms=_NOON_MS + day * DAY_MS)
        outcomes.append(store.log.append([logged(1, **times), new, logged(1, version=2, **times)]))

    assert outcomes == [[STORED, STORED, CONFLICT]] + [[DUPLICATE, STORED, CONFLICT]] * 24
    assert Counter(contents(store.log))[content(1)] == 1


@pytest.mark.parametrize("days_ahead", [1, 2, 3, 900])
def test_a_retry_of_a_device_whose_clock_is_ahead_is_recognized(
    store: Store, days_ahead: int
) -> None:
    at_ms = _NOON_MS + days_ahead * DAY_MS
    own = logged(1, first_ms=at_ms, last_ms=at_ms)
    other = logged(1, version=2, first_ms=at_ms, last_ms=at_ms)
    outcomes = []
    for day in (0, 1, 2, 3, 4, 40):
        store.log.maintain(_NOON_MS + day * DAY_MS)
        outcomes.append(store.log.append([own, logged(100 + day), other]))

    assert outcomes == [[STORED, STORED, CONFLICT]] + [[DUPLICATE, STORED, CONFLICT]] * 5
    assert Counter(contents(store.log))[content(1)] == 1


def test_a_retry_of_a_batch_without_events_is_recognized_on_any_day(store: Store) -> None:
    """Nothing tells when it was sent first: its times are those of the receipt."""
    outcomes = []
    for day in (0, 1, 2, 3, 40):
        at_ms = _NOON_MS + day * DAY_MS
        store.log.maintain(at_ms)
        times = {"first_ms": at_ms, "last_ms": at_ms, "received_ms": at_ms}
        empty = logged(1, **times)._replace(event_count=0)
        outcomes.append(store.log.append([logged(100 + day, **times), empty]))

    assert outcomes == [[STORED, STORED]] + [[STORED, DUPLICATE]] * 4


def test_a_retry_is_recognized_after_months_with_a_partition_for_each_day(store: Store) -> None:
    times = {"first_ms": _NOON_MS, "last_ms": _NOON_MS}
    store.log.maintain(_NOON_MS)
    store.log.append([logged(1, **times)])
    for day in range(1, 100):
        store.log.maintain(_NOON_MS + day * DAY_MS)
        at_ms = _NOON_MS + day * DAY_MS
        store.log.append([logged(100 + day, first_ms=at_ms, last_ms=at_ms)])
    # At 1970, it may be in any partition.
    from_1970 = logged(2, first_ms=0, last_ms=0)
    outcomes = store.log.append([logged(1, **times), from_1970, logged(1, version=2, **times)])
    again = store.log.append([from_1970])

    assert outcomes == [DUPLICATE, STORED, CONFLICT]
    assert again == [DUPLICATE]


def test_only_batches_from_the_future_are_noted_and_their_partition_takes_the_notes_along(
    store: Store, database: psycopg.Connection
) -> None:
    (shop,) = _days(store, days=2)
    at_ms = _NOON_MS + DAY_MS
    ahead = {"first_ms": at_ms, "last_ms": at_ms + 2 * DAY_MS}
    store.log.append(
        [
            logged(10, app_monitor=shop, received_ms=at_ms, first_ms=at_ms, last_ms=at_ms + DAY_MS),
            logged(11, app_monitor=shop, received_ms=at_ms, **ahead),
        ]
    )
    store.log.maintain(_NOON_MS + 2 * DAY_MS)
    later = _NOON_MS + 9 * DAY_MS
    store.log.append([logged(12, app_monitor=shop, received_ms=later, last_ms=later)])
    while store.usage.count():
        pass
    noted = "SELECT batch_id FROM future_batches ORDER BY sequence"
    before = database.execute(noted).fetchall()
    _remove(store, {shop: _midnight_ms(2)})
    after = database.execute(noted).fetchall()

    assert before == [(logged(11).batch_id,), (logged(12).batch_id,)]
    assert after == [(logged(12).batch_id,)]


def test_a_retry_that_waits_while_the_day_ends_is_recognized(
    url: str, store: Store, database: psycopg.Connection
) -> None:
    """Its statement began before the first attempt was committed, and runs in the next day."""
    store.log.maintain(_NOON_MS)
    store.log.append([logged(1)])
    other = open_store(url)
    other.log.append([logged(2)])

    def waiting() -> bool:
        return bool(
            database.execute(
                "SELECT FROM pg_stat_activity WHERE wait_event = 'advisory'"
                " AND datname = current_database()"
            ).fetchall()
        )

    blocker = psycopg.connect(url.replace("+psycopg", ""))
    blocker.execute("SELECT pg_advisory_xact_lock(%s)", [_WRITE_LOCK])
    with ThreadPoolExecutor(1) as pool:
        retrying = pool.submit(other.log.append, [logged(3)])
        wait_until(waiting)
        # What the first attempt and `maintain` of another process do meanwhile.
        blocker.execute(
            "INSERT INTO batches (app_monitor, batch_id, digest, received_ms, first_ms, last_ms,"
            " event_count, payload) SELECT app_monitor, %s, digest, received_ms, first_ms,"
            " last_ms, event_count, payload FROM batches WHERE batch_id = %s",
            [logged(3).batch_id, logged(2).batch_id],
        )
        blocker.execute("SELECT setval('batches_sequence_seq', %s)", [(_DAY + 1) << DAY_BITS])
        blocker.commit()
        outcomes = retrying.result(30)
    blocker.close()
    other.close()

    assert outcomes == [CONFLICT]  # the test stored other content
    assert len(_sequences(store)) == 3


def test_writers_at_the_end_of_days_store_each_batch_once_and_in_order(
    url: str, store: Store
) -> None:
    store.log.maintain(_NOON_MS)
    writers = [store, open_store(url)]
    stopping = threading.Event()
    seen: list[int] = []

    def append(writer: Store) -> int:
        stored = 0
        for number in count():
            if stopping.is_set():
                return stored
            group = [logged(each // 2, app_monitor=1) for each in range(number, number + 4)]
            stored += writer.log.append(group).count(STORED)
        raise AssertionError

    def follow() -> None:
        while not stopping.is_set():
            after = seen[-1] if seen else 0
            seen.extend(
                batch.sequence for batch in store.log.after(after, limit=1000, max_bytes=ALL_TIME)
            )

    with ThreadPoolExecutor(3) as pool:
        appending = [pool.submit(append, writer) for writer in writers]
        following = pool.submit(follow)
        for day in range(1, 12):
            wait_until(lambda: len(seen) >= 15 * day)  # noqa: B023 # called at once
            writers[day % 2].log.maintain(_NOON_MS + day * DAY_MS)
        stopping.set()
        stored = sum(each.result(30) for each in appending)
        following.result(30)
    writers[1].close()
    sequences = _sequences(store)

    assert len(sequences) == stored == len(set(contents(store.log, limit=100_000)))
    assert sequences[: len(seen)] == seen
    assert len({sequence >> DAY_BITS for sequence in sequences}) > 5


def test_a_table_with_batches_becomes_a_partition_while_batches_are_appended(
    url: str, store: Store, database: psycopg.Connection
) -> None:
    store.log.append([logged(number) for number in range(1000)])
    other = open_store(url)
    stopping = threading.Event()
    outcomes: list[Appended] = []

    def append() -> None:
        for number in count(1000):
            if stopping.is_set():
                return
            outcomes.extend(other.log.append([logged(number), logged(number - 1000)]))

    with ThreadPoolExecutor(1) as pool:
        appending = pool.submit(append)
        wait_until(lambda: len(outcomes) > 10)
        store.log.maintain(_NOON_MS)
        today = len(outcomes)
        wait_until(lambda: len(outcomes) > today + 10)
        partitions = _partitions(database)
        store.log.maintain(_NOON_MS + DAY_MS)
        tomorrow = len(outcomes)
        wait_until(lambda: len(outcomes) > tomorrow + 10)
        stopping.set()
        appending.result(30)
    other.close()

    assert outcomes == [STORED, DUPLICATE] * (len(outcomes) // 2)
    assert partitions["batches_0"] > 1000
    assert partitions["batches_20241005"] == 0
    assert _partitions(database)["batches_20241005"] > 0
    sequences = _sequences(store)
    assert len(sequences) == 1000 + len(outcomes) // 2
    assert all(first < second for first, second in pairwise(sequences))


@pytest.mark.parametrize("days", [-1, 0, 5])
def test_a_copy_of_a_partitioned_log_becomes_a_partition(
    store: Store, database: psycopg.Connection, days: int
) -> None:
    """Its sequences are those of days."""
    last = (_DAY + days) << DAY_BITS
    database.execute("SELECT setval('batches_sequence_seq', %s)", [last])
    store.log.append([logged(1)])
    outcomes = []
    for day in range(8):
        store.log.maintain(_NOON_MS + day * DAY_MS)
        outcomes.append(store.log.append([logged(10 + day), logged(1)]))

    assert outcomes == [[STORED, DUPLICATE]] * 8
    assert _sequences(store)[0] == last + 1
    assert _sequences(store)[-1] >> DAY_BITS == _DAY + 7


def test_appends_go_on_in_the_old_partition_while_partitions_cannot_be_created(
    store: Store, database: psycopg.Connection
) -> None:
    store.log.maintain(_NOON_MS)
    store.log.append([logged(1)])
    for day in (20241008, 20241009):
        database.execute(f"CREATE TABLE batches_{day} ()".encode())
    with pytest.raises(psycopg.errors.DuplicateTable):
        store.log.maintain(_NOON_MS + 4 * DAY_MS)
    failing = store.log.append([logged(2), logged(1)])
    for day in (20241008, 20241009):
        database.execute(f"DROP TABLE batches_{day}".encode())
    store.log.maintain(_NOON_MS + 4 * DAY_MS)

    assert failing == [STORED, DUPLICATE]
    assert store.log.append([logged(3), logged(2)]) == [STORED, DUPLICATE]
    assert [sequence >> DAY_BITS for sequence in _sequences(store)] == [_DAY, _DAY, _DAY + 4]


def test_only_one_process_changes_partitions(store: Store, database: psycopg.Connection) -> None:
    database.execute("SELECT pg_advisory_lock(%s)", [0x504152])
    store.log.maintain(_NOON_MS)
    meanwhile = database.execute("SELECT relkind FROM pg_class WHERE relname = 'batches'")

    assert meanwhile.fetchall() == [("r",)]


def test_bytes_are_counted_across_days(store: Store) -> None:
    shop = store.monitors.create(new_id(), "shop", "{}").key
    store.log.maintain(_NOON_MS)
    stored = [logged(number, app_monitor=shop) for number in range(4500)]
    store.log.append(stored[:2000])
    store.log.maintain(_NOON_MS + DAY_MS)
    store.log.append(stored[2000:])
    steps = [store.usage.count(), store.usage.count(), store.usage.count()]

    assert steps == [True, False, False]
    size = sum(len(stored_form(batch)[0]) + BATCH_BYTES for batch in stored)
    assert store.usage.read()[shop].stored_bytes == size


def _days(store: Store, monitors: int = 1, days: int = 4) -> list[int]:
    """Let app monitors have two batches on each day. Return the keys of the app monitors."""
    keys = [store.monitors.create(new_id(), f"m{n}", "{}").key for n in range(monitors)]
    for day in range(days):
        store.log.maintain(_NOON_MS + day * DAY_MS)
        at = {"received_ms": _NOON_MS + day * DAY_MS, "first_ms": _NOON_MS + day * DAY_MS}
        for key in keys:
            store.log.append([logged(2 * day + n, app_monitor=key, **at) for n in range(2)])
    while store.usage.count():
        pass
    return keys


def _remove(store: Store, before_ms: dict[int, int]) -> list[dict[int, Removed]]:
    """Call `remove` until nothing is left."""
    steps = []
    while not steps or not all(removed.is_done for removed in steps[-1].values()):
        steps.append(store.retention.remove(before_ms, limit=100, max_bytes=ALL_TIME))
    return steps


def _midnight_ms(day: int) -> int:
    return (_DAY + day) * DAY_MS


def test_partitions_whose_batches_are_all_old_are_dropped(
    store: Store, database: psycopg.Connection
) -> None:
    shop, blog = _days(store, 2)
    before = store.usage.read()
    steps = _remove(store, dict.fromkeys((shop, blog), _midnight_ms(2)))
    spans = database.execute("SELECT count(*) FROM batch_spans").fetchall()

    dropped = {shop: Removed(2, 2, is_done=False), blog: Removed(2, 2, is_done=False)}
    done = {shop: Removed(0, 0), blog: Removed(0, 0)}
    assert steps == [dropped, dropped, done]
    assert list(_partitions(database))[:2] == ["batches_20241006", "batches_20241007"]
    assert [content(number) for number in (7, 6, 5, 4)] == contents(store.log, shop)
    assert spans == [(4,)]
    usage = store.usage.read()
    assert [2 * usage[key].stored_bytes for key in (shop, blog)] == [
        before[key].stored_bytes for key in (shop, blog)
    ]
    assert store.retention.removed_before(blog) == _NOON_MS + DAY_MS + 1
    assert not _left(database)


def test_a_partition_is_kept_while_one_app_monitor_needs_it(
    store: Store, database: psycopg.Connection
) -> None:
    shop, blog = _days(store, 2)
    _remove(store, {shop: _midnight_ms(4)})
    kept = _partitions(database)["batches_20241004"]
    _remove(store, {shop: _midnight_ms(4), blog: _midnight_ms(2)})

    assert kept == 2
    assert contents(store.log, shop) == []
    assert [content(number) for number in (7, 6, 5, 4)] == contents(store.log, blog)
    assert next(iter(_partitions(database))) == "batches_20241006"


def test_the_batches_of_a_deleted_app_monitor_keep_no_partition(
    store: Store, database: psycopg.Connection
) -> None:
    shop, blog = _days(store, 2)
    store.monitors.delete(blog)
    _remove(store, {shop: _midnight_ms(2)})

    assert next(iter(_partitions(database))) == "batches_20241006"


def test_the_partition_of_today_is_not_dropped(store: Store, database: psycopg.Connection) -> None:
    (shop,) = _days(store)
    _remove(store, {shop: _midnight_ms(9)})

    assert contents(store.log, shop) == []
    assert next(iter(_partitions(database))) == "batches_20241007"
    assert store.log.append([logged(8, app_monitor=shop)]) == [STORED]


def test_another_process_goes_on_after_a_partition_is_dropped(url: str, store: Store) -> None:
    """It knows the partition, and searches it for old events."""
    (shop,) = _days(store)
    other = open_store(url)
    late = {"app_monitor": shop, "first_ms": _NOON_MS, "received_ms": _midnight_ms(3)}
    other.log.append([logged(8, **late)])
    _remove(store, {shop: _midnight_ms(2)})
    outcomes = other.log.append([logged(8, **late), logged(9, **late), logged(0, **late)])
    other.close()

    assert outcomes == [DUPLICATE, STORED, STORED]


@pytest.mark.parametrize("step", ["DETACH", "FINALIZE", "unnest", "DROP TABLE"])
def test_a_drop_that_was_interrupted_is_finished(
    store: Store, database: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    (shop,) = _days(store)
    before = store.usage.read()[shop].stored_bytes
    execute = psycopg.Connection.execute

    def fail(self: psycopg.Connection, query: object, *args: object, **options: object) -> object:
        text = query.as_string() if isinstance(query, sql.Composed) else str(query)
        if step in text:
            raise psycopg.OperationalError("interrupted")
        return execute(self, query, *args, **options)  # type: ignore[arg-type]

    if step == "FINALIZE":
        # The first half of DETACH ... CONCURRENTLY is committed. The second waits for a reader.
        comment = "'OpenRUM: to be subtracted and dropped'"
        database.execute(f"COMMENT ON TABLE batches_20241004 IS {comment}".encode())
        with pytest.raises(psycopg.errors.LockNotAvailable), _reading(database):
            other = psycopg.connect(database.info.dsn, autocommit=True)
            other.execute("SET lock_timeout = '100ms'")
            other.execute("ALTER TABLE batches DETACH PARTITION batches_20241004 CONCURRENTLY")
        other.close()
    else:
        with monkeypatch.context() as patch, pytest.raises(psycopg.OperationalError):
            patch.setattr(psycopg.Connection, "execute", fail)
            store.retention.remove({shop: _midnight_ms(2)}, limit=9, max_bytes=ALL_TIME)
    meanwhile = store.log.append([logged(0, app_monitor=shop), logged(7, app_monitor=shop)])
    _remove(store, {shop: _midnight_ms(2)})

    assert meanwhile[1] == DUPLICATE
    assert 2 * store.usage.read()[shop].stored_bytes == before
    assert not _left(database)
    assert next(iter(_partitions(database))) == "batches_20241006"


@contextmanager
def _reading(database: psycopg.Connection) -> Iterator[None]:
    """Keep a transaction open that has read the log."""
    with database.transaction():
        database.execute("SELECT count(*) FROM batches")
        yield


def _left(database: psycopg.Connection) -> list[str]:
    """Return the tables that were partitions."""
    rows = database.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'batches_%%'"
        " AND NOT relispartition"
    )
    return [str(name) for (name,) in rows]


def test_the_batches_of_a_day_become_old_together(store: Store, tmp_path: Path) -> None:
    sqlite = open_store(f"sqlite:///{tmp_path / 'store.sqlite3'}")
    exact = sqlite.retention.removal_ms(_NOON_MS)
    sqlite.close()

    assert exact == _NOON_MS
    midnight = _midnight_ms(0)
    assert midnight <= store.retention.removal_ms(_NOON_MS) < midnight + 600_000
    assert store.retention.removal_ms(midnight + 600_000) == store.retention.removal_ms(_NOON_MS)
    assert store.retention.removal_ms(midnight + 1) < midnight


def test_an_erasure_begins_although_the_log_is_partitioned_at_that_moment(
    url: str, store: Store
) -> None:
    def begin() -> int:
        record = store.erasures.begin(
            1, "name", kind="user", subject="u", digest=b"", erased_by="x", now_ms=_NOON_MS
        )
        return record.through_sequence

    with (
        ThreadPoolExecutor(1) as thread,
        psycopg.connect(url.replace("+psycopg", "")) as partitioning,
    ):
        partitioning.execute("LOCK TABLE batches IN ACCESS EXCLUSIVE MODE")
        through = thread.submit(begin)
        wait_until(lambda: _waits_for_batches(partitioning))
        partitioning.execute("ALTER SEQUENCE batches_sequence_seq OWNED BY batches.sequence")
        partitioning.commit()

        assert through.result() == 0


def _waits_for_batches(connection: psycopg.Connection) -> bool:
    query = "SELECT FROM pg_locks WHERE relation = 'batches'::regclass AND NOT granted"
    return connection.execute(query).fetchone() is not None
