"""How many bytes app monitors use, and their quotas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rum_service.storage.base import Store
from rum_service.storage.payload import stored_form
from rum_service.storage.records import AppMonitorRecord, Batch, Usage
from rum_service.storage.schema import BATCH_BYTES
from tests.support.logged import logged

_MANY = 5000
"""More than one transaction counts."""


def _create(store: Store, name: str) -> AppMonitorRecord:
    return store.monitors.create(f"id-{name}", name, "{}")


def _size(batches: Sequence[Batch]) -> int:
    return sum(len(stored_form(batch)[0]) + BATCH_BYTES for batch in batches)


def _stored(store: Store) -> dict[str, int]:
    return {usage.name: usage.stored_bytes for usage in store.usage.read().values()}


def _count_all(store: Store) -> None:
    while store.usage.count():
        pass


def test_the_usage_is_the_size_of_the_stored_batches(any_store: Store) -> None:
    shop, blog = _create(any_store, "shop").key, _create(any_store, "blog").key
    first = [logged(n, app_monitor=shop) for n in range(3)]
    second = [logged(n, app_monitor=blog) for n in range(2)]
    before = _stored(any_store)
    any_store.log.append([first[0], second[0], first[1]])
    any_store.log.append([second[1], first[2], first[0]])  # the last one is a retry

    assert before == {"shop": 0, "blog": 0}
    assert _stored(any_store) == {"shop": _size(first), "blog": _size(second)}


def test_counting_changes_no_sum(any_store: Store) -> None:
    monitors = [_create(any_store, name).key for name in ("shop", "blog", "docs")]
    expected = Counter[int]()
    for start in range(0, _MANY, 500):
        group = [logged(n, app_monitor=monitors[n % 3]) for n in range(start, start + 500)]
        any_store.log.append(group)
        for batch in group:
            expected[batch.app_monitor] += _size([batch])
        if start in (1500, 3000):
            any_store.usage.count()
    _count_all(any_store)
    later = logged(_MANY, app_monitor=monitors[0])
    any_store.log.append([later])
    expected[monitors[0]] += _size([later])
    read = any_store.usage.read()

    assert {key: usage.stored_bytes for key, usage in read.items()} == expected


def test_many_batches_are_counted_in_several_steps(any_store: Store) -> None:
    shop = _create(any_store, "shop").key
    batches = [logged(n, app_monitor=shop) for n in range(_MANY)]
    any_store.log.append(batches)

    _count_all(any_store)
    again = any_store.usage.count()

    assert not again
    assert _stored(any_store) == {"shop": _size(batches)}


def test_purged_batches_are_subtracted_whether_counted_or_not(any_store: Store) -> None:
    shop, blog = _create(any_store, "shop").key, _create(any_store, "blog").key
    batches = [logged(n, app_monitor=shop) for n in range(1500)]
    other = logged(0, app_monitor=blog)
    any_store.log.append([*batches[:1200], other])
    _count_all(any_store)
    any_store.log.append(batches[1200:])
    left = []
    for _ in range(3):
        any_store.log.purge(shop, limit=600)
        left.append(_stored(any_store)["shop"])

    assert left == [_size(batches[600:]), _size(batches[1200:]), 0]
    assert _stored(any_store)["blog"] == _size([other])


def test_a_deleted_app_monitor_has_no_usage_and_no_quota(any_store: Store) -> None:
    shop = _create(any_store, "shop").key
    any_store.usage.set_quota(shop, 7)
    any_store.log.append([logged(n, app_monitor=shop) for n in range(1100)])
    _count_all(any_store)
    any_store.monitors.delete(shop)
    any_store.log.append([logged(n, app_monitor=shop) for n in range(1100, 2300)])
    _count_all(any_store)
    deleted = any_store.usage.read()
    again = _create(any_store, "shop").key

    assert deleted == {}
    assert any_store.usage.read() == {again: Usage("shop", 0)}


def test_a_quota_is_replaced_and_removed(any_store: Store) -> None:
    shop, blog = _create(any_store, "shop").key, _create(any_store, "blog").key
    quotas = []
    for quota in (2**40, 0, None):
        assert any_store.usage.set_quota(shop, quota)
        read = any_store.usage.read()
        quotas.append((read[shop].quota, read[blog].quota))

    assert quotas == [(2**40, None), (0, None), (None, None)]


def test_a_quota_of_a_missing_app_monitor_is_not_stored(any_store: Store) -> None:
    assert not any_store.usage.set_quota(5, 1)
    assert any_store.usage.read() == {}


def test_a_quota_changes_no_sum(any_store: Store) -> None:
    shop = _create(any_store, "shop").key
    any_store.usage.set_quota(shop, 1)
    batches = [logged(n, app_monitor=shop) for n in range(1100)]
    any_store.log.append(batches)
    _count_all(any_store)
    any_store.usage.set_quota(shop, 2)

    assert any_store.usage.read() == {shop: Usage("shop", _size(batches), 2)}
