"""Every store keeps the guarantees of `rum_service.storage.base`: the log of batches."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain

import pytest

from rum_service.storage.base import Store
from rum_service.storage.records import Appended
from tests.support.logged import ALL_TIME, logged, payload, payloads

STORED, DUPLICATE, CONFLICT = Appended.STORED, Appended.DUPLICATE, Appended.CONFLICT


def test_an_appended_batch_is_read_back_as_it_was(any_store: Store) -> None:
    batch = replace(logged(1), payload=bytes(range(256)) * 400)

    answers = any_store.log.append([batch])
    found = any_store.log.read(1, below=None, after_ms=-ALL_TIME, before_ms=ALL_TIME, limit=10)

    assert answers == [STORED]
    assert [batch.payload] == [one.payload for one in found]


def test_a_batch_appended_again_is_not_stored_again(any_store: Store) -> None:
    any_store.log.append([logged(1)])

    assert any_store.log.append([logged(1)]) == [DUPLICATE]
    assert [payload(1)] == payloads(any_store.log)


def test_a_batch_that_comes_later_does_not_change_what_its_retry_says(any_store: Store) -> None:
    any_store.log.append([logged(1, received_ms=1_000)])

    assert any_store.log.append([logged(1, received_ms=9_000)]) == [DUPLICATE]


def test_another_batch_with_the_id_of_a_stored_one_is_refused_and_the_first_stays(
    any_store: Store,
) -> None:
    any_store.log.append([logged(1, digest=1)])

    assert any_store.log.append([logged(1, digest=2)]) == [CONFLICT]
    assert [payload(1, 1)] == payloads(any_store.log)


def test_of_two_different_batches_with_one_id_in_one_call_the_first_stays(
    any_store: Store,
) -> None:
    answers = any_store.log.append([logged(1, digest=1), logged(1, digest=2), logged(1, digest=1)])

    assert answers == [STORED, CONFLICT, DUPLICATE]
    assert [payload(1, 1)] == payloads(any_store.log)


def test_answers_come_in_the_order_of_the_batches_new_known_and_refused(any_store: Store) -> None:
    any_store.log.append([logged(2), logged(4, digest=1)])

    answers = any_store.log.append(
        [logged(1), logged(2), logged(3), logged(4, digest=9), logged(5), logged(3)]
    )

    assert answers == [STORED, DUPLICATE, STORED, CONFLICT, STORED, DUPLICATE]


def test_one_batch_id_in_two_app_monitors_is_two_batches(any_store: Store) -> None:
    answers = any_store.log.append([logged(1, app_monitor=1), logged(1, app_monitor=2, digest=7)])

    assert answers == [STORED, STORED]
    assert [payload(1, 7)] == payloads(any_store.log, 2)


def test_an_append_that_raises_has_stored_none_of_its_batches(any_store: Store) -> None:
    broken = replace(logged(2), batch_id={})  # type: ignore[arg-type] # no store can hold it

    with pytest.raises(Exception, match=r".+"):
        any_store.log.append([logged(1), broken, logged(3)])

    assert payloads(any_store.log) == []
    assert any_store.log.append([logged(1)]) == [STORED]


def test_what_an_append_raises_does_not_say_what_was_to_be_stored(any_store: Store) -> None:
    """It goes to the log."""
    broken = replace(logged(2), batch_id={}, payload=b"private")  # type: ignore[arg-type]

    with pytest.raises(Exception, match=r".+") as raised:
        any_store.log.append([broken])

    assert "private" not in str(raised.value)


def test_an_append_of_nothing_stores_nothing(any_store: Store) -> None:
    assert any_store.log.append([]) == []
    assert payloads(any_store.log) == []


def test_a_group_of_the_smallest_batches_is_answered_also_where_one_is_known(
    any_store: Store,
) -> None:
    """As many as one group can hold; a database takes only so many parameters a statement."""
    group = [logged(number) for number in range(33_000)]
    any_store.log.append(group[16_000:16_001])

    answers = any_store.log.append(group)

    assert answers == [STORED] * 16_000 + [DUPLICATE] + [STORED] * 16_999


def test_batches_are_read_the_newest_first_in_the_order_of_their_commits(any_store: Store) -> None:
    any_store.log.append([logged(3), logged(1)])
    any_store.log.append([logged(2)])

    assert [payload(2), payload(1), payload(3)] == payloads(any_store.log)


def test_reading_goes_on_below_a_sequence_and_stops_at_the_limit(any_store: Store) -> None:
    any_store.log.append([logged(number) for number in range(5)])
    newest = any_store.log.read(1, below=None, after_ms=-ALL_TIME, before_ms=ALL_TIME, limit=2)

    assert [payload(4), payload(3)] == [batch.payload for batch in newest]
    assert [payload(2), payload(1)] == payloads(any_store.log, below=newest[-1].sequence, limit=2)


def test_reading_skips_the_batches_of_other_app_monitors(any_store: Store) -> None:
    any_store.log.append([logged(number, app_monitor=number % 2) for number in range(4)])

    assert [payload(3), payload(1)] == payloads(any_store.log, 1)
    assert payloads(any_store.log, 2) == []


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
        pytest.param(300, 200, True, id="turned-round"),  # it may hold none: reading decides
    ],
)
def test_a_batch_is_read_where_its_times_touch_the_range(
    any_store: Store, after_ms: int, before_ms: int, found: bool
) -> None:
    any_store.log.append([logged(1, first_ms=200, last_ms=300)])

    assert found == bool(payloads(any_store.log, after_ms=after_ms, before_ms=before_ms))


def test_times_reach_from_the_year_1_to_9999(any_store: Store) -> None:
    any_store.log.append([logged(1, first_ms=-62_135_596_800_000, last_ms=253_402_300_799_999)])

    assert [payload(1)] == payloads(any_store.log, after_ms=253_402_300_799_999)
    assert [payload(1)] == payloads(any_store.log, before_ms=-62_135_596_800_000)


def test_purge_removes_the_batches_of_one_app_monitor_a_part_at_a_time(any_store: Store) -> None:
    any_store.log.append([logged(number, app_monitor=1) for number in range(5)])
    any_store.log.append([logged(number, app_monitor=2) for number in range(2)])

    assert [any_store.log.purge(1, limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert payloads(any_store.log, 1) == []
    assert [payload(1), payload(0)] == payloads(any_store.log, 2)


def test_purge_begins_with_the_oldest(any_store: Store) -> None:
    any_store.log.append([logged(number) for number in range(3)])
    any_store.log.purge(1, limit=2)

    assert [payload(2)] == payloads(any_store.log)


def test_a_sequence_is_not_used_again_after_a_purge(any_store: Store) -> None:
    any_store.log.append([logged(1)])
    before = any_store.log.read(1, below=None, after_ms=0, before_ms=ALL_TIME, limit=1)[0].sequence
    any_store.log.purge(1, limit=1)
    any_store.log.append([logged(1)])

    after = any_store.log.read(1, below=None, after_ms=0, before_ms=ALL_TIME, limit=1)[0].sequence

    assert after > before


def test_a_write_check_passes_and_leaves_no_batch(any_store: Store) -> None:
    any_store.log.check_writable()
    any_store.log.check_writable()

    assert payloads(any_store.log) == []


def test_batches_appended_from_many_threads_are_each_stored_once(any_store: Store) -> None:
    threads = 4
    together = threading.Barrier(threads)

    def append(start: int) -> list[Appended]:
        together.wait()
        # Each thread has every batch, and begins with another one.
        return [any_store.log.append([logged((start + n) % 20)])[0] for n in range(20)]

    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(append, range(0, 20, 5)))

    assert Counter(chain.from_iterable(answers)) == {STORED: 20, DUPLICATE: 60}
    assert sorted(payload(number) for number in range(20)) == sorted(payloads(any_store.log))


def test_a_read_sees_a_batch_as_soon_as_its_append_has_returned(any_store: Store) -> None:
    reader_ready = threading.Event()
    appended = threading.Event()

    def read() -> list[bytes]:
        first = payloads(any_store.log)
        reader_ready.set()
        assert appended.wait(30)
        return first + payloads(any_store.log)

    with ThreadPoolExecutor(1) as pool:
        seen = pool.submit(read)
        assert reader_ready.wait(30)
        any_store.log.append([logged(1)])
        appended.set()

    assert [payload(1)] == seen.result()
