"""Every store keeps the guarantees of `rum_service.storage.base`: the app monitors."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from rum_service.storage.base import NameTakenError, Store
from rum_service.storage.records import AppMonitorRecord
from tests.support.logged import logged, payload, payloads

ID, OTHER_ID = "0a000000-0000-4000-8000-000000000000", "0b000000-0000-4000-8000-000000000000"


def create(store: Store, *names: str) -> list[AppMonitorRecord]:
    return [
        store.monitors.create(f"{number:08}-0000-4000-8000-000000000000", name, "{}")
        for number, name in enumerate(names)
    ]


def names(found: list[AppMonitorRecord]) -> list[str]:
    return [record.name for record in found]


def test_an_app_monitor_is_found_by_its_id_and_by_its_name(any_store: Store) -> None:
    made = any_store.monitors.create(ID, "shop", '{"Name":"shop"}')

    assert made == AppMonitorRecord(made.key, ID, "shop", '{"Name":"shop"}', has_events=False)
    assert any_store.monitors.by_id(ID) == made
    assert any_store.monitors.by_name("shop") == made


def test_what_was_never_made_is_not_found(any_store: Store) -> None:
    any_store.monitors.create(ID, "shop", "{}")

    assert any_store.monitors.by_id(OTHER_ID) is None
    assert any_store.monitors.by_name("Shop") is None


@pytest.mark.parametrize(("monitor_id", "name"), [(ID, "other"), (OTHER_ID, "shop"), (ID, "shop")])
def test_a_taken_id_or_name_is_refused_and_changes_nothing(
    any_store: Store, monitor_id: str, name: str
) -> None:
    first = any_store.monitors.create(ID, "shop", "{}")

    with pytest.raises(NameTakenError):
        any_store.monitors.create(monitor_id, name, '{"other":1}')

    assert any_store.monitors.list(after="", limit=10) == [first]


def test_of_many_who_ask_for_one_name_at_the_same_time_one_gets_it(any_store: Store) -> None:
    threads = 4
    together = threading.Barrier(threads)

    def ask(number: int) -> int:
        together.wait()
        try:
            return any_store.monitors.create(f"{number:036}", "shop", "{}").key
        except NameTakenError:
            return 0

    with ThreadPoolExecutor(threads) as pool:
        keys = list(pool.map(ask, range(threads)))

    assert len([key for key in keys if key]) == 1
    assert [record.key for record in any_store.monitors.list(after="", limit=9)] == [max(keys)]


def test_names_that_differ_in_case_are_two(any_store: Store) -> None:
    create(any_store, "shop", "Shop")

    assert names(any_store.monitors.list(after="", limit=10)) == ["Shop", "shop"]


def test_the_list_is_sorted_by_code_point(any_store: Store) -> None:
    every_kind = [
        "z",
        "a",
        "Z",
        "A",
        "0",
        "9",
        "a.b",
        "a-b",
        "a_b",
        "a#b",
        "ab",
        "#",
        "-",
        "_",
        "aB",
    ]
    create(any_store, *every_kind)

    assert names(any_store.monitors.list(after="", limit=100)) == sorted(every_kind)


def test_the_list_goes_on_after_a_name_and_stops_at_the_limit(any_store: Store) -> None:
    create(any_store, "b", "a", "d", "B", "c")

    assert names(any_store.monitors.list(after="", limit=2)) == ["B", "a"]
    assert names(any_store.monitors.list(after="a", limit=2)) == ["b", "c"]
    assert names(any_store.monitors.list(after="c", limit=2)) == ["d"]
    assert names(any_store.monitors.list(after="aa", limit=2)) == ["b", "c"]


def test_a_document_is_replaced_only_while_it_is_the_expected_one(any_store: Store) -> None:
    key = any_store.monitors.create(ID, "shop", "first").key

    assert any_store.monitors.update(key, expected="first", document="second")
    assert not any_store.monitors.update(key, expected="first", document="third")
    assert not any_store.monitors.update(key + 1, expected="second", document="third")
    assert any_store.monitors.by_name("shop") == AppMonitorRecord(key, ID, "shop", "second")


def test_of_many_updates_of_one_document_at_the_same_time_one_is_made(any_store: Store) -> None:
    threads = 4
    key = any_store.monitors.create(ID, "shop", "first").key
    together = threading.Barrier(threads)

    def change(number: int) -> bool:
        together.wait()
        return any_store.monitors.update(key, expected="first", document=f"of {number}")

    with ThreadPoolExecutor(threads) as pool:
        changed = list(pool.map(change, range(threads)))

    winner = AppMonitorRecord(key, ID, "shop", f"of {changed.index(True)}")
    assert changed.count(True) == 1
    assert any_store.monitors.by_id(ID) == winner


def test_an_app_monitor_has_events_once_its_first_batch_is_committed(any_store: Store) -> None:
    made = any_store.monitors.create(ID, "shop", "{}")
    any_store.log.append([logged(1, app_monitor=made.key + 1)])
    before = any_store.monitors.by_id(ID)
    any_store.log.append([logged(1, app_monitor=made.key)])

    assert before == made
    assert any_store.monitors.by_id(ID) == replace(made, has_events=True)
    assert any_store.monitors.by_name("shop") == replace(made, has_events=True)
    assert any_store.monitors.list(after="", limit=1) == [replace(made, has_events=True)]


def test_a_deleted_app_monitor_is_gone_and_its_batches_are_not(any_store: Store) -> None:
    gone, other = create(any_store, "gone", "other")
    any_store.log.append([logged(1, app_monitor=gone.key), logged(1, app_monitor=other.key)])

    assert any_store.monitors.delete(gone.key)
    assert not any_store.monitors.delete(gone.key)
    assert any_store.monitors.by_name("gone") is None
    assert any_store.monitors.by_id(gone.id) is None
    assert names(any_store.monitors.list(after="", limit=10)) == ["other"]
    assert payloads(any_store.log, gone.key) == [payload(1)]


def test_deleted_app_monitors_are_those_that_are_gone_and_still_have_batches(
    any_store: Store,
) -> None:
    first, second, third, _ = create(any_store, "a", "b", "c", "d")
    for record in (second, first, third):
        any_store.log.append([logged(n, app_monitor=record.key) for n in range(2)])
    none_yet = any_store.log.deleted_app_monitors()
    any_store.monitors.delete(second.key)
    any_store.monitors.delete(first.key)
    both = any_store.log.deleted_app_monitors()
    any_store.log.purge(first.key, limit=10)

    assert none_yet == []
    assert both == [first.key, second.key]
    assert any_store.log.deleted_app_monitors() == [second.key]


def test_a_name_is_free_after_a_deletion_and_the_new_one_inherits_nothing(any_store: Store) -> None:
    gone = any_store.monitors.create(ID, "shop", "{}")
    any_store.log.append([logged(1, app_monitor=gone.key)])
    any_store.monitors.delete(gone.key)
    heir = any_store.monitors.create(ID, "shop", "{}")

    assert heir.key > gone.key
    assert any_store.monitors.by_name("shop") == heir
    assert payloads(any_store.log, heir.key) == []
    assert any_store.log.append([logged(1, app_monitor=heir.key, digest=9)]) == [True]


def test_a_refused_creation_leaves_the_keys_growing(any_store: Store) -> None:
    first = any_store.monitors.create(ID, "shop", "{}")
    with pytest.raises(NameTakenError):
        any_store.monitors.create(ID, "shop", "{}")
    any_store.monitors.delete(first.key)

    assert any_store.monitors.create(ID, "shop", "{}").key > first.key
