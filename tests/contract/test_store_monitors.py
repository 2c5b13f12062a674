"""Every store keeps the guarantees of `AppMonitorStore`."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from rum_service.storage.base import (
    AppMonitorStore,
    LogStore,
    NameTakenError,
    QuotaReachedError,
)
from rum_service.storage.records import Appended, AppMonitorRecord
from tests.support.logged import content, contents, logged

ID, OTHER_ID = "0a000000-0000-4000-8000-000000000000", "0b000000-0000-4000-8000-000000000000"


def create(monitors: AppMonitorStore, *names: str) -> list[AppMonitorRecord]:
    return [
        monitors.create(f"{number:08}-0000-4000-8000-000000000000", name, "{}")
        for number, name in enumerate(names)
    ]


def names(found: list[AppMonitorRecord]) -> list[str]:
    return [record.name for record in found]


def test_an_app_monitor_is_found_by_its_id_and_by_its_name(monitors: AppMonitorStore) -> None:
    created = monitors.create(ID, "shop", '{"Name":"shop"}')

    assert created == AppMonitorRecord(created.key, ID, "shop", '{"Name":"shop"}', has_events=False)
    assert monitors.by_ids([ID]) == [created]
    assert monitors.by_name("shop") == created


def test_an_unknown_id_or_name_is_not_found(monitors: AppMonitorStore) -> None:
    monitors.create(ID, "shop", "{}")

    assert monitors.by_ids([OTHER_ID]) == []
    assert monitors.by_name("Shop") is None
    assert monitors.by_name("shop\0") is None


def test_many_app_monitors_are_found_by_their_ids_in_one_call(monitors: AppMonitorStore) -> None:
    created = create(monitors, "a", "b", "c")
    unknown = [f"{number:036}" for number in range(2500)]

    assert monitors.ids() == {record.id for record in created}
    found = monitors.by_ids([created[0].id, *unknown, created[2].id])
    assert sorted(found, key=lambda record: record.key) == [created[0], created[2]]
    assert monitors.by_ids([]) == []


@pytest.mark.parametrize(("monitor_id", "name"), [(ID, "other"), (OTHER_ID, "shop"), (ID, "shop")])
def test_creating_with_a_used_id_or_name_fails_and_changes_nothing(
    monitors: AppMonitorStore, monitor_id: str, name: str
) -> None:
    first = monitors.create(ID, "shop", "{}")

    with pytest.raises(NameTakenError):
        monitors.create(monitor_id, name, '{"other":1}')

    assert monitors.list(after="", limit=10) == [first]


def test_one_of_several_concurrent_creations_with_the_same_name_succeeds(
    monitors: AppMonitorStore,
) -> None:
    threads = 4
    together = threading.Barrier(threads)

    def create_shop(number: int) -> int:
        together.wait()
        try:
            return monitors.create(f"{number:036}", "shop", "{}").key
        except NameTakenError:
            return 0

    with ThreadPoolExecutor(threads) as pool:
        keys = list(pool.map(create_shop, range(threads)))

    assert len([key for key in keys if key]) == 1
    assert [record.key for record in monitors.list(after="", limit=9)] == [max(keys)]


def test_names_are_case_sensitive(monitors: AppMonitorStore) -> None:
    create(monitors, "shop", "Shop")

    assert names(monitors.list(after="", limit=10)) == ["Shop", "shop"]


def test_app_monitors_are_listed_in_code_point_order_of_their_names(
    monitors: AppMonitorStore,
) -> None:
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
    create(monitors, *every_kind)

    assert names(monitors.list(after="", limit=100)) == sorted(every_kind)


def test_listing_continues_after_a_name_and_stops_at_the_limit(monitors: AppMonitorStore) -> None:
    create(monitors, "b", "a", "d", "B", "c")

    assert names(monitors.list(after="", limit=2)) == ["B", "a"]
    assert names(monitors.list(after="a", limit=2)) == ["b", "c"]
    assert names(monitors.list(after="c", limit=2)) == ["d"]
    assert names(monitors.list(after="aa", limit=2)) == ["b", "c"]


def test_an_update_fails_when_the_document_is_not_the_expected_one(
    monitors: AppMonitorStore,
) -> None:
    key = monitors.create(ID, "shop", "first").key

    assert monitors.update(key, expected="first", document="second")
    assert not monitors.update(key, expected="first", document="third")
    assert not monitors.update(key + 1, expected="second", document="third")
    assert monitors.by_name("shop") == AppMonitorRecord(key, ID, "shop", "second")


def test_one_of_several_concurrent_updates_of_a_document_succeeds(
    monitors: AppMonitorStore,
) -> None:
    threads = 4
    key = monitors.create(ID, "shop", "first").key
    together = threading.Barrier(threads)

    def change(number: int) -> bool:
        together.wait()
        return monitors.update(key, expected="first", document=f"of {number}")

    with ThreadPoolExecutor(threads) as pool:
        changed = list(pool.map(change, range(threads)))

    winner = AppMonitorRecord(key, ID, "shop", f"of {changed.index(True)}")
    assert changed.count(True) == 1
    assert monitors.by_ids([ID]) == [winner]


def test_an_app_monitor_has_events_after_its_first_batch(
    log: LogStore, monitors: AppMonitorStore
) -> None:
    created = monitors.create(ID, "shop", "{}")
    log.append([logged(1, app_monitor=created.key + 1)])
    before = monitors.by_ids([ID])
    log.append([logged(1, app_monitor=created.key)])

    assert before == [created]
    assert monitors.by_ids([ID]) == [replace(created, has_events=True)]
    assert monitors.by_name("shop") == replace(created, has_events=True)
    assert monitors.list(after="", limit=1) == [replace(created, has_events=True)]


def test_deleting_an_app_monitor_keeps_its_batches(
    log: LogStore, monitors: AppMonitorStore
) -> None:
    gone, other = create(monitors, "gone", "other")
    log.append([logged(1, app_monitor=gone.key), logged(1, app_monitor=other.key)])

    assert monitors.delete(gone.key)
    assert not monitors.delete(gone.key)
    assert monitors.by_name("gone") is None
    assert monitors.by_ids([gone.id]) == []
    assert names(monitors.list(after="", limit=10)) == ["other"]
    assert contents(log, gone.key) == [content(1)]


def test_a_new_app_monitor_with_a_deleted_name_inherits_no_batches(
    log: LogStore, monitors: AppMonitorStore
) -> None:
    gone = monitors.create(ID, "shop", "{}")
    log.append([logged(1, app_monitor=gone.key)])
    monitors.delete(gone.key)
    successor = monitors.create(ID, "shop", "{}")

    assert successor.key > gone.key
    assert monitors.by_name("shop") == successor
    assert contents(log, successor.key) == []
    assert log.append([logged(1, app_monitor=successor.key, version=9)]) == [Appended.STORED]


def test_a_failed_creation_does_not_make_keys_reusable(monitors: AppMonitorStore) -> None:
    first = monitors.create(ID, "shop", "{}")
    with pytest.raises(NameTakenError):
        monitors.create(ID, "shop", "{}")
    monitors.delete(first.key)

    assert monitors.create(ID, "shop", "{}").key > first.key


def test_creating_more_app_monitors_than_the_limit_fails(monitors: AppMonitorStore) -> None:
    for name in ("a", "b"):
        monitors.create(str(uuid.uuid4()), name, "{}", limit=2)

    with pytest.raises(QuotaReachedError):
        monitors.create(str(uuid.uuid4()), "c", "{}", limit=2)
    names = [record.name for record in monitors.list(after="", limit=10)]
    assert names == ["a", "b"]


def test_a_used_name_is_reported_before_the_quota(monitors: AppMonitorStore) -> None:
    monitors.create(ID, "shop", "{}")

    with pytest.raises(NameTakenError):
        monitors.create(str(uuid.uuid4()), "shop", "{}", limit=1)
