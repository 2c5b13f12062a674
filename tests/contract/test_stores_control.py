"""What every store guarantees of policies, metric destinations and definitions, and drops."""

from __future__ import annotations

import uuid

import pytest

from rum_service.storage.base import (
    DefinitionTakenError,
    NameTakenError,
    QuotaReachedError,
    Store,
)
from rum_service.storage.records import Batch, MetricDefinitionRecord


def new_monitor(store: Store, name: str = "shop") -> int:
    return store.monitors.create(str(uuid.uuid4()), name, "{}").key


def new_destination(store: Store, monitor: int, kind: str = "CloudWatch", arn: str = "") -> int:
    store.metrics.put_destination(monitor, kind, arn, None)
    found = store.metrics.destination(monitor, kind, arn)
    assert found
    return found.key


def definition(number: int, identifier: str | None = None) -> MetricDefinitionRecord:
    return MetricDefinitionRecord(
        identifier or str(uuid.uuid4()), f'{{"Name":"m{number}"}}', number.to_bytes(16)
    )


def batch(monitor: int, dropped: int) -> Batch:
    return Batch(monitor, uuid.uuid4().bytes, b"d" * 16, 1, 1, 1, 0, b"", dropped)


# Policies


def test_a_new_app_monitor_has_no_policy(any_store: Store) -> None:
    new_monitor(any_store)
    record = any_store.monitors.by_name("shop")

    assert record
    assert (record.policy, record.policy_revision) == (None, None)


def test_a_policy_is_in_every_record_of_its_app_monitor(any_store: Store) -> None:
    key = new_monitor(any_store)
    made = any_store.monitors.by_name("shop")
    assert made

    assert any_store.policies.replace(key, expected=None, policy="{}", revision="r1")
    records = [
        any_store.monitors.by_name("shop"),
        any_store.monitors.by_id(made.id),
        *any_store.monitors.list(after="", limit=10),
    ]
    assert [(r.policy, r.policy_revision) for r in records if r] == [("{}", "r1")] * 3


@pytest.mark.parametrize("expected", [None, "r0", "R1"])
def test_a_policy_with_another_revision_stays(any_store: Store, expected: str | None) -> None:
    key = new_monitor(any_store)
    any_store.policies.replace(key, expected=None, policy="{}", revision="r1")

    assert not any_store.policies.replace(key, expected=expected, policy="[]", revision="r2")
    record = any_store.monitors.by_name("shop")
    assert record
    assert (record.policy, record.policy_revision) == ("{}", "r1")


def test_a_policy_is_removed_by_its_revision(any_store: Store) -> None:
    key = new_monitor(any_store)
    any_store.policies.replace(key, expected=None, policy="{}", revision="r1")

    assert any_store.policies.replace(key, expected="r1", policy=None, revision=None)
    record = any_store.monitors.by_name("shop")
    assert record
    assert (record.policy, record.policy_revision) == (None, None)


def test_an_app_monitor_that_is_gone_gets_no_policy(any_store: Store) -> None:
    key = new_monitor(any_store)
    any_store.monitors.delete(key)

    assert not any_store.policies.replace(key, expected=None, policy="{}", revision="r1")


def test_a_change_of_the_document_leaves_the_policy(any_store: Store) -> None:
    key = new_monitor(any_store)
    any_store.policies.replace(key, expected=None, policy="{}", revision="r1")
    any_store.monitors.update(key, expected="{}", document='{"a":1}')

    record = any_store.monitors.by_name("shop")
    assert record
    assert (record.document, record.policy, record.policy_revision) == ('{"a":1}', "{}", "r1")


# The quota of app monitors


def test_there_are_never_more_app_monitors_than_the_limit(any_store: Store) -> None:
    for name in ("a", "b"):
        any_store.monitors.create(str(uuid.uuid4()), name, "{}", limit=2)

    with pytest.raises(QuotaReachedError):
        any_store.monitors.create(str(uuid.uuid4()), "c", "{}", limit=2)
    names = [record.name for record in any_store.monitors.list(after="", limit=10)]
    assert names == ["a", "b"]


def test_a_taken_name_is_said_before_the_quota(any_store: Store) -> None:
    new_monitor(any_store)

    with pytest.raises(NameTakenError):
        any_store.monitors.create(str(uuid.uuid4()), "shop", "{}", limit=1)


# Destinations


def test_a_destination_is_made_once_and_its_role_replaced(any_store: Store) -> None:
    monitor = new_monitor(any_store)
    assert any_store.metrics.put_destination(monitor, "Evidently", "arn:x", "role1")
    assert any_store.metrics.put_destination(monitor, "Evidently", "arn:x", "role2")

    found = any_store.metrics.list_destinations(monitor, after=0, limit=10)
    assert [(d.kind, d.arn, d.iam_role_arn) for d in found] == [("Evidently", "arn:x", "role2")]


def test_destinations_are_listed_in_the_order_of_making_by_pages(any_store: Store) -> None:
    monitor, other = new_monitor(any_store), new_monitor(any_store, "other")
    for arn in ("c", "a", "b"):
        any_store.metrics.put_destination(monitor, "Evidently", arn, "role")
        any_store.metrics.put_destination(other, "Evidently", arn, "role")
    any_store.metrics.put_destination(monitor, "Evidently", "c", "role2")

    first = any_store.metrics.list_destinations(monitor, after=0, limit=2)
    rest = any_store.metrics.list_destinations(monitor, after=first[-1].key, limit=2)
    assert [destination.arn for destination in first + rest] == ["c", "a", "b"]


def test_a_long_arn_is_told_from_another_by_its_last_character(any_store: Store) -> None:
    monitor = new_monitor(any_store)
    arns = ["é" * 2047 + end for end in "ab"]
    for arn in arns:
        any_store.metrics.put_destination(monitor, "Evidently", arn, "role")

    assert arns == [d.arn for d in any_store.metrics.list_destinations(monitor, after=0, limit=10)]


def test_an_app_monitor_that_is_gone_gets_no_destination(any_store: Store) -> None:
    monitor = new_monitor(any_store)
    any_store.monitors.delete(monitor)

    assert not any_store.metrics.put_destination(monitor, "CloudWatch", "", None)
    assert any_store.metrics.destination(monitor, "CloudWatch", "") is None


def test_a_destination_goes_with_its_definitions_and_no_others(any_store: Store) -> None:
    monitor = new_monitor(any_store)
    gone = new_destination(any_store, monitor)
    stays = new_destination(any_store, monitor, "Evidently", "arn:x")
    for destination in (gone, stays):
        any_store.metrics.create_definitions(destination, [definition(1)], limit=10)

    assert any_store.metrics.delete_destination(gone)
    assert not any_store.metrics.delete_destination(gone)
    left = [len(any_store.metrics.list_definitions(d, after=0, limit=10)) for d in (gone, stays)]
    assert left == [0, 1]
    assert [d.kind for d in any_store.metrics.list_destinations(monitor, after=0, limit=10)] == [
        "Evidently"
    ]


def test_an_app_monitor_goes_with_its_destinations_and_definitions(any_store: Store) -> None:
    monitor, other = new_monitor(any_store), new_monitor(any_store, "other")
    keys = [new_destination(any_store, key) for key in (monitor, other)]
    for key in keys:
        any_store.metrics.create_definitions(key, [definition(1)], limit=10)

    assert any_store.monitors.delete(monitor)
    left = [len(any_store.metrics.list_definitions(key, after=0, limit=10)) for key in keys]
    assert left == [0, 1]
    assert any_store.metrics.destination(monitor, "CloudWatch", "") is None
    assert any_store.metrics.destination(other, "CloudWatch", "")


# Definitions


def test_definitions_are_listed_in_the_order_of_making_by_pages(any_store: Store) -> None:
    destination = new_destination(any_store, new_monitor(any_store))
    new = [definition(number) for number in (5, 3, 4)]
    ids = any_store.metrics.create_definitions(destination, new, limit=10)

    first = any_store.metrics.list_definitions(destination, after=0, limit=2)
    rest = any_store.metrics.list_definitions(destination, after=first[-1].sequence, limit=2)
    assert [record.id for record in new] == ids
    assert [(r.id, r.document, r.digest) for r in new] == [
        (r.id, r.document, r.digest) for r in first + rest
    ]


def test_a_definition_that_is_there_keeps_its_id(any_store: Store) -> None:
    destination = new_destination(any_store, new_monitor(any_store))
    any_store.metrics.create_definitions(destination, [definition(1, "first")], limit=10)
    again = [definition(1, "again"), definition(2, "new"), definition(2, "twice")]

    assert any_store.metrics.create_definitions(destination, again, limit=10) == [
        "first",
        "new",
        "new",
    ]
    assert [
        record.id for record in any_store.metrics.list_definitions(destination, after=0, limit=10)
    ] == [
        "first",
        "new",
    ]


def test_more_definitions_than_the_limit_add_nothing(any_store: Store) -> None:
    destination = new_destination(any_store, new_monitor(any_store))
    any_store.metrics.create_definitions(
        destination, [definition(1, "1"), definition(2, "2")], limit=3
    )

    with pytest.raises(QuotaReachedError):
        any_store.metrics.create_definitions(destination, [definition(3), definition(4)], limit=3)
    left = any_store.metrics.list_definitions(destination, after=0, limit=10)
    assert [record.id for record in left] == ["1", "2"]
    same = [definition(2, "x"), definition(3, "3")]
    assert any_store.metrics.create_definitions(destination, same, limit=3) == ["2", "3"]


def test_a_destination_that_is_gone_takes_no_definitions(any_store: Store) -> None:
    destination = new_destination(any_store, new_monitor(any_store))
    any_store.metrics.delete_destination(destination)

    assert any_store.metrics.create_definitions(destination, [definition(1)], limit=10) is None
    assert any_store.metrics.create_definitions(destination, [], limit=10) is None


def test_definitions_are_removed_from_their_destination_only(any_store: Store) -> None:
    monitor = new_monitor(any_store)
    mine = new_destination(any_store, monitor)
    other = new_destination(any_store, monitor, "Evidently", "arn:x")
    any_store.metrics.create_definitions(mine, [definition(1, "m1"), definition(2, "m2")], limit=10)
    any_store.metrics.create_definitions(other, [definition(1, "o1")], limit=10)

    assert {"m1"} == any_store.metrics.delete_definitions(mine, ["m1", "o1", "none"])
    assert set() == any_store.metrics.delete_definitions(mine, [])
    assert [r.id for r in any_store.metrics.list_definitions(mine, after=0, limit=10)] == ["m2"]
    assert [r.id for r in any_store.metrics.list_definitions(other, after=0, limit=10)] == ["o1"]


def test_a_definition_is_replaced_in_its_place(any_store: Store) -> None:
    destination = new_destination(any_store, new_monitor(any_store))
    any_store.metrics.create_definitions(
        destination, [definition(1, "a"), definition(2, "b")], limit=10
    )

    assert any_store.metrics.update_definition(destination, definition(3, "a"))
    assert any_store.metrics.update_definition(destination, definition(3, "a"))
    assert not any_store.metrics.update_definition(destination, definition(4, "none"))
    assert not any_store.metrics.update_definition(destination + 1, definition(4, "a"))
    left = any_store.metrics.list_definitions(destination, after=0, limit=10)
    assert [(r.id, r.document) for r in left] == [("a", '{"Name":"m3"}'), ("b", '{"Name":"m2"}')]


def test_a_definition_does_not_become_another_one(any_store: Store) -> None:
    destination = new_destination(any_store, new_monitor(any_store))
    any_store.metrics.create_definitions(
        destination, [definition(1, "a"), definition(2, "b")], limit=10
    )

    with pytest.raises(DefinitionTakenError):
        any_store.metrics.update_definition(destination, definition(2, "a"))
    left = any_store.metrics.list_definitions(destination, after=0, limit=10)
    assert [record.document for record in left] == ['{"Name":"m1"}', '{"Name":"m2"}']


# Dropped events


def test_dropped_events_are_summed_by_app_monitor(any_store: Store) -> None:
    first, second, third = (new_monitor(any_store, name) for name in "abc")
    any_store.log.append([batch(first, 2), batch(first, 3), batch(second, 7), batch(third, 0)])

    assert {first: 5} == any_store.log.dropped_events([first, third])
    assert {first: 5, second: 7} == any_store.log.dropped_events([first, second])
    assert any_store.log.dropped_events([]) == {}


def test_a_batch_sent_again_is_not_counted_again(any_store: Store) -> None:
    key = new_monitor(any_store)
    sent = batch(key, 4)
    any_store.log.append([sent])
    any_store.log.append([sent])

    assert {key: 4} == any_store.log.dropped_events([key])
