"""Every store keeps the guarantees of `LogStore`."""

from __future__ import annotations

import os
import sqlite3
import threading
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import chain
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event, select

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.storage import open_store
from rum_service.storage.base import AppMonitorStore, LogStore
from rum_service.storage.records import Appended, Dropped
from rum_service.storage.schema import batches
from tests.support.logged import ALL_TIME, content, contents, logged, read

STORED, DUPLICATE, CONFLICT = Appended.STORED, Appended.DUPLICATE, Appended.CONFLICT


def test_a_batch_is_read_back_unchanged(log: LogStore) -> None:
    batch = logged(1)._replace(content=bytes(range(256)) * 400)

    results = log.append([batch])

    assert results == [STORED]
    assert [batch.content] == contents(log)


def test_a_batch_is_read_back_with_its_country(log: LogStore) -> None:
    countries = ["DE", None, "FR"]
    log.append([logged(n)._replace(country=country) for n, country in enumerate(countries)])

    assert [batch.country for batch in reversed(read(log))] == countries
    in_order = log.after(0, limit=10, max_bytes=ALL_TIME)
    assert [batch.country for batch in in_order] == countries


def test_a_retry_from_another_country_is_a_duplicate(log: LogStore) -> None:
    log.append([logged(1)._replace(country="DE")])

    assert log.append([logged(1)._replace(country="FR")]) == [DUPLICATE]
    assert [batch.country for batch in read(log)] == ["DE"]


def test_retrying_a_committed_batch_stores_nothing_new(log: LogStore) -> None:
    log.append([logged(1)])

    assert log.append([logged(1)]) == [DUPLICATE]
    assert [content(1)] == contents(log)


def test_a_later_retry_of_a_committed_batch_succeeds(log: LogStore) -> None:
    log.append([logged(1, received_ms=1_000)])

    assert log.append([logged(1, received_ms=9_000)]) == [DUPLICATE]


def test_a_retry_whose_fields_have_another_order_is_a_duplicate(log: LogStore) -> None:
    """Clients that serialize anew for each attempt need not keep the order."""
    parts = [PutRumEventsRequest(id="1"), PutRumEventsRequest(alias="a")]
    first, second = (message.SerializeToString() for message in parts)
    log.append([logged(1)._replace(content=first + second)])

    assert log.append([logged(1)._replace(content=second + first)]) == [DUPLICATE]


def test_a_different_batch_with_a_used_id_is_rejected_and_the_first_is_kept(
    log: LogStore,
) -> None:
    log.append([logged(1, version=1)])

    assert log.append([logged(1, version=2)]) == [CONFLICT]
    assert [content(1, 1)] == contents(log)


def test_the_first_of_two_conflicting_batches_in_one_call_is_kept(
    log: LogStore,
) -> None:
    results = log.append([logged(1, version=1), logged(1, version=2), logged(1, version=1)])

    assert results == [STORED, CONFLICT, DUPLICATE]
    assert [content(1, 1)] == contents(log)


def test_results_are_in_the_order_of_the_batches(log: LogStore) -> None:
    log.append([logged(2), logged(4, version=1)])

    results = log.append(
        [logged(1), logged(2), logged(3), logged(4, version=9), logged(5), logged(3)]
    )

    assert results == [STORED, DUPLICATE, STORED, CONFLICT, STORED, DUPLICATE]


def test_two_app_monitors_can_use_the_same_batch_id(log: LogStore) -> None:
    results = log.append([logged(1, app_monitor=1), logged(1, app_monitor=2, version=7)])

    assert results == [STORED, STORED]
    assert [content(1, 7)] == contents(log, 2)


def test_a_failed_append_stores_none_of_its_batches(log: LogStore) -> None:
    broken = logged(2)._replace(batch_id={})  # type: ignore[arg-type] # no store can hold it

    with pytest.raises(Exception, match=r".+"):
        log.append([logged(1), broken, logged(3)])

    assert contents(log) == []
    assert log.append([logged(1)]) == [STORED]


def test_the_error_of_a_failed_append_contains_no_event_data(log: LogStore) -> None:
    """The service logs the error."""
    broken = logged(2)._replace(batch_id={}, content=b"private")  # type: ignore[arg-type]

    with pytest.raises(Exception, match=r".+") as raised:
        log.append([broken])

    assert "private" not in str(raised.value)


def test_appending_no_batches_stores_nothing(log: LogStore) -> None:
    assert log.append([]) == []
    assert contents(log) == []


def test_the_largest_group_of_small_batches_can_contain_a_retry(
    log: LogStore,
) -> None:
    """Databases limit the number of parameters in a statement."""
    group = [logged(number) for number in range(33_000)]
    log.append(group[16_000:16_001])

    results = log.append(group)

    assert results == [STORED] * 16_000 + [DUPLICATE] + [STORED] * 16_999


def test_batches_are_read_newest_first_in_commit_order(log: LogStore) -> None:
    log.append([logged(3), logged(1)])
    log.append([logged(2)])

    assert [content(2), content(1), content(3)] == contents(log)


def test_reading_continues_below_a_sequence_and_stops_at_the_limit(log: LogStore) -> None:
    log.append([logged(number) for number in range(5)])
    newest = read(log, limit=2)

    assert [content(4), content(3)] == [batch.content for batch in newest]
    assert [content(2), content(1)] == contents(log, below=newest[-1].sequence, limit=2)


def test_reading_skips_the_batches_of_other_app_monitors(log: LogStore) -> None:
    log.append([logged(number, app_monitor=number % 2) for number in range(4)])

    assert [content(3), content(1)] == contents(log, 1)
    assert contents(log, 2) == []


@pytest.mark.parametrize(
    ("after_ms", "before_ms", "found"),
    [
        pytest.param(200, 300, True, id="exactly"),
        pytest.param(300, 900, True, id="from-its-last"),
        pytest.param(301, 900, False, id="after-its-last"),
        pytest.param(0, 200, True, id="to-its-first"),
        pytest.param(0, 199, False, id="before-its-first"),
        pytest.param(240, 260, True, id="inside"),
        pytest.param(-ALL_TIME, ALL_TIME, True, id="all-time"),
        pytest.param(300, 200, True, id="reversed"),  # the caller checks each event
    ],
)
def test_a_batch_is_read_when_its_times_overlap_the_range(
    log: LogStore, after_ms: int, before_ms: int, found: bool
) -> None:
    log.append([logged(1, first_ms=200, last_ms=300)])

    assert found == bool(contents(log, after_ms=after_ms, before_ms=before_ms))


def test_event_times_can_be_in_the_years_1_to_9999(log: LogStore) -> None:
    log.append([logged(1, first_ms=-62_135_596_800_000, last_ms=253_402_300_799_999)])

    assert [content(1)] == contents(log, after_ms=253_402_300_799_999)
    assert [content(1)] == contents(log, before_ms=-62_135_596_800_000)


def test_purge_deletes_batches_of_one_app_monitor_up_to_the_limit(log: LogStore) -> None:
    log.append([logged(number, app_monitor=1) for number in range(5)])
    log.append([logged(number, app_monitor=2) for number in range(2)])

    assert [log.purge(1, limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert contents(log, 1) == []
    assert [content(1), content(0)] == contents(log, 2)


def test_purge_deletes_the_oldest_batches_first(log: LogStore) -> None:
    log.append([logged(number) for number in range(3)])
    log.purge(1, limit=2)

    assert [content(2)] == contents(log)


def test_a_sequence_is_not_reused_after_a_purge(log: LogStore) -> None:
    log.append([logged(1)])
    before = read(log)[0].sequence
    log.purge(1, limit=1)
    log.append([logged(1)])

    after = read(log)[0].sequence

    assert after > before


def test_a_write_check_adds_no_batch(log: LogStore) -> None:
    log.check_writable()
    log.check_writable()

    assert contents(log) == []


def test_batches_appended_by_several_threads_are_stored_once(log: LogStore) -> None:
    threads = 4
    together = threading.Barrier(threads)

    def append(start: int) -> list[Appended]:
        together.wait()
        # Each thread appends all batches and starts with a different one.
        return [log.append([logged((start + n) % 20)])[0] for n in range(20)]

    with ThreadPoolExecutor(threads) as pool:
        results = list(pool.map(append, range(0, 20, 5)))

    assert Counter(chain.from_iterable(results)) == {STORED: 20, DUPLICATE: 60}
    assert sorted(content(number) for number in range(20)) == sorted(contents(log))


def test_a_batch_can_be_read_as_soon_as_its_append_returns(log: LogStore) -> None:
    reader_ready = threading.Event()
    appended = threading.Event()

    def read() -> list[bytes]:
        first = contents(log)
        reader_ready.set()
        assert appended.wait(30)
        return first + contents(log)

    with ThreadPoolExecutor(1) as pool:
        seen = pool.submit(read)
        assert reader_ready.wait(30)
        log.append([logged(1)])
        appended.set()

    assert [content(1)] == seen.result()


def test_dropped_events_are_summed_per_app_monitor(log: LogStore) -> None:
    dropped = [(1, 2), (1, 3), (2, 7), (3, 0)]
    log.append(
        [
            logged(number, app_monitor=app_monitor)._replace(dropped=(Dropped("a", count, 0),))
            for number, (app_monitor, count) in enumerate(dropped)
        ]
    )

    assert log.dropped_events([1, 3]) == {1: 5}
    assert log.dropped_events([1, 2]) == {1: 5, 2: 7}
    assert log.dropped_events([]) == {}


def test_dropped_events_are_summed_for_batches(log: LogStore) -> None:
    dropped = [2, 0, 7, 9]
    log.append(
        [
            logged(number)._replace(dropped=(Dropped("a", count, 0),))
            for number, count in enumerate(dropped)
        ]
    )
    sequences = [batch.sequence for batch in log.after(0, limit=10, max_bytes=1 << 20)]

    assert log.dropped_from(sequences[:3]) == 9
    assert log.dropped_from(sequences[1:2]) == log.dropped_from([]) == 0


def test_a_retried_batch_does_not_count_its_dropped_events_again(log: LogStore) -> None:
    batch = logged(1)._replace(dropped=(Dropped("a", 1, 0), Dropped("b", 3, 0)))
    log.append([batch])
    log.append([batch])

    assert log.dropped_events([1]) == {1: 4}


def test_a_deleted_app_monitor_is_listed_until_its_batches_are_purged(
    log: LogStore,
    monitors: AppMonitorStore,
) -> None:
    first, second, third = (monitors.create(name * 36, name, "{}") for name in "abc")
    monitors.create("d" * 36, "d", "{}")
    for record in (second, first, third):
        log.append([logged(n, app_monitor=record.key) for n in range(2)])
    none_yet = log.deleted_app_monitors()
    monitors.delete(second.key)
    monitors.delete(first.key)
    both = log.deleted_app_monitors()
    log.purge(first.key, limit=10)

    assert none_yet == []
    assert both == [first.key, second.key]
    assert log.deleted_app_monitors() == [second.key]


@pytest.mark.parametrize("length", [1_000, 200_000], ids=["short", "long"])
def test_a_read_ends_at_its_byte_limit_and_the_next_one_continues(
    log: LogStore, length: int
) -> None:
    """Random bytes are stored at their full length. Long ones are read one by one."""
    batches = [logged(n)._replace(content=os.urandom(length)) for n in range(10)]
    log.append(batches)
    whole = {"below": None, "after_ms": 0, "before_ms": ALL_TIME, "limit": 10}

    first = log.read(1, max_bytes=3 * length, **whole)

    newest_first = [batch.content for batch in reversed(batches)]
    assert [batch.content for batch in first.batches] == newest_first[:3]
    assert first.below == first.batches[-1].sequence
    assert len(log.read(1, max_bytes=1, **whole).batches) == 1
    found = read(log, max_bytes=3 * length)
    assert [batch.content for batch in found] == newest_first


def test_batches_of_all_app_monitors_are_read_in_commit_order(log: LogStore) -> None:
    log.append([logged(3, app_monitor=2, received_ms=30), logged(1, received_ms=40)])
    log.append([logged(2, app_monitor=3, received_ms=20)])

    found = log.after(0, limit=10, max_bytes=ALL_TIME)

    assert [(2, 30, content(3)), (1, 40, content(1)), (3, 20, content(2))] == [
        (batch.app_monitor, batch.received_ms, batch.content) for batch in found
    ]
    sequences = [batch.sequence for batch in found]
    assert sorted(set(sequences)) == sequences


def test_reading_in_commit_order_continues_above_a_sequence(log: LogStore) -> None:
    log.append([logged(number) for number in range(5)])
    first = log.after(0, limit=2, max_bytes=ALL_TIME)

    following = log.after(first[-1].sequence, limit=10, max_bytes=ALL_TIME)

    assert [content(number) for number in range(5)] == [
        batch.content for batch in (*first, *following)
    ]
    assert log.after(following[-1].sequence, limit=10, max_bytes=ALL_TIME) == []


@pytest.mark.parametrize("length", [1_000, 200_000], ids=["short", "long"])
def test_reading_in_commit_order_ends_at_its_byte_limit(log: LogStore, length: int) -> None:
    """A batch that is longer than the limit is returned alone."""
    batches = [logged(n)._replace(content=os.urandom(length)) for n in range(4)]
    log.append(batches)

    first = log.after(0, limit=10, max_bytes=2 * length)
    alone = log.after(first[-1].sequence, limit=10, max_bytes=1)

    assert [batch.content for batch in batches[:3]] == [batch.content for batch in (*first, *alone)]


def test_reading_in_commit_order_skips_purged_batches(log: LogStore) -> None:
    log.append([logged(number, app_monitor=1 + number % 2) for number in range(4)])
    log.purge(1, limit=1)

    found = log.after(0, limit=10, max_bytes=ALL_TIME)

    assert [content(1), content(2), content(3)] == [batch.content for batch in found]


def test_the_newest_sequence_and_the_age_of_the_next_batch_are_known(log: LogStore) -> None:
    assert log.newest_sequence() == 0
    assert log.received_after(0) is None
    log.append([logged(number, received_ms=100 * number) for number in range(1, 4)])

    first, _, newest = log.after(0, limit=3, max_bytes=ALL_TIME)

    assert log.newest_sequence() == newest.sequence
    assert log.received_after(0) == 100
    assert log.received_after(first.sequence) == 200
    assert log.received_after(newest.sequence) is None


def test_a_reader_in_commit_order_misses_no_batch_of_several_writers(log: LogStore) -> None:
    writers, each = 4, 50
    together = threading.Barrier(writers + 1)

    def append(writer: int) -> None:
        together.wait()
        for number in range(each):
            log.append([logged(writer * each + number)])

    with ThreadPoolExecutor(writers) as pool:
        appends = [pool.submit(append, writer) for writer in range(writers)]
        together.wait()
        seen: list[bytes] = []
        sequence = 0
        while True:
            all_appended = all(done.done() for done in appends)
            found = log.after(sequence, limit=7, max_bytes=ALL_TIME)
            seen += [batch.content for batch in found]
            sequence = found[-1].sequence if found else sequence
            if all_appended and not found:
                break

    assert sorted(seen) == sorted(content(number) for number in range(writers * each))
    assert log.newest_sequence() == sequence


def test_deleted_app_monitors_are_found_between_others_without_reading_their_batches(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'store.sqlite3'}"
    store = open_store(url)
    keys = [store.monitors.create(f"{n:036}", str(n), "{}").key for n in range(5)]
    store.log.append([logged(n, app_monitor=key) for n in range(3) for key in keys])
    for key in (keys[0], keys[2], keys[4]):
        store.monitors.delete(key)
    statements: list[str] = []

    def record(_1: object, _2: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", record)
    try:
        deleted = store.log.deleted_app_monitors()
    finally:
        event.remove(Engine, "before_cursor_execute", record)
    store.close()

    assert deleted == [keys[0], keys[2], keys[4]]
    with closing(sqlite3.connect(tmp_path / "store.sqlite3")) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statements[-1]}")]
    assert [step for step in plan if step.startswith("SCAN batches")] == []
    assert [step for step in plan if step.startswith("SEARCH batches")]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_each_batch_is_stored_with_the_checksum_of_its_payload(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'store.sqlite3'}"
    if kind == "postgres":
        url = request.getfixturevalue("empty_postgres")
    store = open_store(url)
    store.log.append([logged(1), logged(2)._replace(content=os.urandom(100_000))])
    store.close()
    engine = create_engine(url)
    with engine.connect() as connection:
        stored = connection.execute(select(batches.c.payload, batches.c.checksum)).all()
    engine.dispose()

    assert len(stored) == 2
    assert [checksum for _, checksum in stored] == [zlib.crc32(payload) for payload, _ in stored]
