"""How long batches are kept, and the removal of older ones."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.storage.base import Store
from rum_service.storage.payload import stored_form
from rum_service.storage.records import Appended, Removed, Retention
from rum_service.storage.schema import BATCH_BYTES
from tests.support.logged import ALL_TIME, content, contents, logged


def _create(store: Store, name: str) -> int:
    return store.monitors.create(f"id-{name}", name, "{}").key


def _fill(store: Store, app_monitor: int, count: int, *, first: int = 0) -> None:
    """Append batches that were received at 0, 1, 2 ... ms."""
    numbers = range(first, first + count)
    batches = [logged(n, app_monitor=app_monitor, received_ms=n, first_ms=n) for n in numbers]
    store.log.append(batches)


def _remove_all(store: Store, before_ms: Mapping[int, int], limit: int = 100) -> int:
    """Remove until nothing is left to remove. Return the number of steps."""
    pending = dict(before_ms)
    steps = 0
    while pending:
        steps += 1
        for key, removed in store.retention.remove(
            pending, limit=limit, max_bytes=ALL_TIME
        ).items():
            if removed.is_done:
                del pending[key]
    return steps


def test_own_days_are_set_and_reset(any_store: Store) -> None:
    shop, blog = _create(any_store, "shop"), _create(any_store, "blog")
    found = []
    for days in (7, 0, None):
        assert any_store.retention.set_days(shop, days)
        found.append([any_store.retention.read()[key].days for key in (shop, blog)])

    assert found == [[7, None], [0, None], [None, None]]


def test_days_of_a_missing_app_monitor_are_not_stored(any_store: Store) -> None:
    assert not any_store.retention.set_days(5, 7)
    assert any_store.retention.read() == {}


def test_a_deleted_app_monitor_has_no_retention(any_store: Store) -> None:
    shop = _create(any_store, "shop")
    any_store.retention.set_days(shop, 7)
    any_store.monitors.delete(shop)
    again = _create(any_store, "shop")

    assert any_store.retention.read() == {again: Retention("shop")}


def test_batches_received_before_the_time_are_removed(any_store: Store) -> None:
    shop, blog = _create(any_store, "shop"), _create(any_store, "blog")
    _fill(any_store, shop, 10)
    _fill(any_store, blog, 10)

    removed = any_store.retention.remove({shop: 7}, limit=100, max_bytes=ALL_TIME)

    assert removed == {shop: Removed(7, 7, is_done=True)}
    assert contents(any_store.log, shop) == [content(n) for n in (9, 8, 7)]
    assert len(contents(any_store.log, blog)) == 10
    assert any_store.retention.read() == {
        shop: Retention("shop", None, 7, 7),
        blog: Retention("blog", None, None, 0),
    }


def test_a_step_removes_the_oldest_batches_up_to_the_limit(any_store: Store) -> None:
    shop, blog = _create(any_store, "shop"), _create(any_store, "blog")
    _fill(any_store, shop, 10)
    _fill(any_store, blog, 10)

    removed = any_store.retention.remove({shop: 5, blog: 9}, limit=8, max_bytes=ALL_TIME)
    steps = _remove_all(any_store, {shop: 5, blog: 9}, limit=3)

    assert list(removed) == [shop, blog]
    assert [removed[shop].batches, removed[blog].batches] == [5, 3]
    assert not removed[blog].is_done
    assert steps >= 2
    assert contents(any_store.log, shop) == [content(n) for n in (9, 8, 7, 6, 5)]
    assert contents(any_store.log, blog) == [content(9)]


def test_everything_is_removed_in_the_end(any_store: Store) -> None:
    monitors = [_create(any_store, f"m{n}") for n in range(40)]
    for key in monitors:
        _fill(any_store, key, 5)
    steps = _remove_all(any_store, dict.fromkeys(monitors, 4))
    left = [contents(any_store.log, key) for key in monitors]

    assert steps < 20
    assert left == [[content(4)]] * 40


def test_a_batch_with_a_wrong_time_keeps_no_others(any_store: Store) -> None:
    shop = _create(any_store, "shop")
    any_store.log.append([logged(0, app_monitor=shop, received_ms=10**15)])
    _fill(any_store, shop, 10, first=1)
    oldest = any_store.retention.read()[shop].oldest_ms
    _remove_all(any_store, {shop: 9}, limit=4)

    assert oldest == 1
    assert contents(any_store.log, shop) == [content(n) for n in (10, 9, 0)]


def test_removed_batches_are_subtracted_whether_counted_or_not(any_store: Store) -> None:
    shop = _create(any_store, "shop")
    _fill(any_store, shop, 1200)
    while any_store.usage.count():
        pass
    _fill(any_store, shop, 300, first=1200)
    sizes = []
    for before in (600, 1300, 1500):
        _remove_all(any_store, {shop: before}, limit=500)
        sizes.append(any_store.usage.read()[shop].stored_bytes)

    def size(first: int) -> int:
        left = [logged(n, app_monitor=shop) for n in range(first, 1500)]
        return sum(len(stored_form(batch)[0]) + BATCH_BYTES for batch in left)

    assert sizes == [size(600), size(1300), 0]


def test_reads_by_time_find_what_is_left(any_store: Store) -> None:
    shop = _create(any_store, "shop")
    _fill(any_store, shop, 3000)
    _remove_all(any_store, {shop: 2500}, limit=700)
    found = {at: contents(any_store.log, shop, after_ms=at, before_ms=at) for at in (100, 2500)}

    assert found == {100: [], 2500: [content(2500)]}


def test_the_newest_sequence_stays_when_all_batches_are_removed(any_store: Store) -> None:
    shop = _create(any_store, "shop")
    _fill(any_store, shop, 10)
    before = any_store.log.newest_sequence()
    _remove_all(any_store, {shop: 100})
    after = any_store.log.newest_sequence()
    _fill(any_store, shop, 1, first=100)
    following = any_store.log.after(before, limit=10, max_bytes=ALL_TIME)

    assert before == after
    assert [batch.content for batch in following] == [content(100)]
    assert any_store.log.newest_sequence() > before


def test_an_app_monitor_without_remaining_batches_has_had_events(any_store: Store) -> None:
    shop = _create(any_store, "shop")
    _fill(any_store, shop, 10)
    _remove_all(any_store, {shop: 100})
    record = any_store.monitors.by_name("shop")

    assert record
    assert record.has_events


def test_a_retry_of_a_removed_batch_is_stored_again(any_store: Store) -> None:
    shop = _create(any_store, "shop")
    batch = logged(1, app_monitor=shop, received_ms=1)
    any_store.log.append([batch])
    _remove_all(any_store, {shop: 100})
    outcomes = any_store.log.append([batch._replace(received_ms=200)])

    assert outcomes == [Appended.STORED]


@pytest.mark.parametrize("before", [0, 1, 700, 999, 1000, 2000])
def test_the_old_batches_are_counted(any_store: Store, before: int) -> None:
    shop, blog = _create(any_store, "shop"), _create(any_store, "blog")
    for start in range(0, 1000, 100):
        _fill(any_store, shop, 100, first=start)
        _fill(any_store, blog, 30, first=start)

    assert any_store.retention.count_before(shop, before) == min(before, 1000)
    assert any_store.retention.count_before(77, before) == 0


def _fill_with_imported(store: Store, app_monitor: int) -> None:
    """Append batches received at 500 to 999 ms, 0 to 599 ms in another order, and 1000 to 1499."""
    _fill(store, app_monitor, 500, first=500)
    numbers = [*range(400, 600), *range(200), *range(200, 400)]
    for start in range(0, 600, 50):
        store.log.append(
            [
                logged(10_000 + n, app_monitor=app_monitor, received_ms=n)._replace(
                    is_imported=True
                )
                for n in numbers[start : start + 50]
            ]
        )
    _fill(store, app_monitor, 500, first=1000)


def _received(store: Store, app_monitor: int) -> list[int]:
    """Return when the batches were received that an app monitor has."""
    numbers = [
        int(PutRumEventsRequest.FromString(each).alias.split("/")[0])
        for each in contents(store.log, app_monitor, limit=5_000)
    ]
    return sorted(n - 10_000 if n >= 10_000 else n for n in numbers)


@pytest.mark.parametrize("before", [0, 1, 300, 499, 500, 501, 550, 600, 900, 1000, 1200, 1500])
def test_imported_batches_are_counted_and_removed_by_their_receipt(
    any_store: Store, before: int
) -> None:
    shop, blog = _create(any_store, "shop"), _create(any_store, "blog")
    _fill(any_store, blog, 10)
    _fill_with_imported(any_store, shop)
    every = _received(any_store, shop)
    counted = any_store.retention.count_before(shop, before)
    oldest = any_store.retention.read()[shop].oldest_ms
    _remove_all(any_store, {shop: before, blog: 0}, limit=100)
    left = _received(any_store, shop)

    assert oldest == 0
    assert counted == len([each for each in every if each < before])
    assert left == [each for each in every if each >= before]
    assert any_store.retention.count_before(shop, before) == 0
    assert any_store.retention.read()[shop].oldest_ms == (left[0] if left else None)
    assert len(contents(any_store.log, blog)) == 10


def test_a_retry_of_an_import_removes_no_batch_too_early(any_store: Store) -> None:
    shop = _create(any_store, "shop")
    _fill(any_store, shop, 10)
    batch = logged(5, app_monitor=shop, received_ms=5)._replace(is_imported=True)
    outcomes = any_store.log.append([batch])
    _remove_all(any_store, {shop: 5})

    assert outcomes == [Appended.DUPLICATE]
    assert contents(any_store.log, shop) == [content(n) for n in (9, 8, 7, 6, 5)]


def test_a_deleted_app_monitor_has_no_imported_batches(any_store: Store) -> None:
    shop = _create(any_store, "shop")
    _fill_with_imported(any_store, shop)
    any_store.monitors.delete(shop)
    while any_store.log.purge(shop, limit=300):
        pass

    assert any_store.retention.count_before(shop, 5_000) == 0


def test_one_service_at_a_time_claims_the_work(any_store: Store) -> None:
    claim = any_store.retention.claim

    assert claim(now_ms=100, until_ms=160, held_ms=None)
    assert not claim(now_ms=150, until_ms=210, held_ms=None)
    assert claim(now_ms=155, until_ms=215, held_ms=160)
    assert not claim(now_ms=214, until_ms=274, held_ms=160)
    assert claim(now_ms=215, until_ms=275, held_ms=None)
