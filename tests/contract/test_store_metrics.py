"""Every store keeps the guarantees of `MetricStore`."""

from __future__ import annotations

import uuid

import pytest

from rum_service.storage.base import (
    AppMonitorStore,
    DefinitionTakenError,
    MetricStore,
    QuotaReachedError,
)
from rum_service.storage.records import MetricDefinitionRecord


def new_monitor(monitors: AppMonitorStore, name: str = "shop") -> int:
    return monitors.create(str(uuid.uuid4()), name, "{}").key


def new_destination(
    metrics: MetricStore, monitor: int, kind: str = "CloudWatch", arn: str = ""
) -> int:
    metrics.put_destination(monitor, kind, arn, None)
    found = metrics.destination(monitor, kind, arn)
    assert found
    return found.key


def definition(number: int, identifier: str | None = None) -> MetricDefinitionRecord:
    return MetricDefinitionRecord(
        identifier or str(uuid.uuid4()), f'{{"Name":"m{number}"}}', number.to_bytes(16)
    )


def test_putting_a_destination_again_replaces_its_role(
    monitors: AppMonitorStore, metrics: MetricStore
) -> None:
    monitor = new_monitor(monitors)
    assert metrics.put_destination(monitor, "Evidently", "arn:x", "role1")
    assert metrics.put_destination(monitor, "Evidently", "arn:x", "role2")

    found = metrics.list_destinations(monitor, after=0, limit=10)
    assert [(d.kind, d.arn, d.iam_role_arn) for d in found] == [("Evidently", "arn:x", "role2")]


def test_destinations_are_listed_in_pages_oldest_first(
    monitors: AppMonitorStore, metrics: MetricStore
) -> None:
    monitor, other = new_monitor(monitors), new_monitor(monitors, "other")
    for arn in ("c", "a", "b"):
        metrics.put_destination(monitor, "Evidently", arn, "role")
        metrics.put_destination(other, "Evidently", arn, "role")
    metrics.put_destination(monitor, "Evidently", "c", "role2")

    first = metrics.list_destinations(monitor, after=0, limit=2)
    rest = metrics.list_destinations(monitor, after=first[-1].key, limit=2)
    assert [destination.arn for destination in first + rest] == ["c", "a", "b"]


def test_long_arns_that_differ_in_the_last_character_are_distinct(
    monitors: AppMonitorStore, metrics: MetricStore
) -> None:
    monitor = new_monitor(monitors)
    arns = ["é" * 2047 + end for end in "ab"]
    for arn in arns:
        metrics.put_destination(monitor, "Evidently", arn, "role")

    assert arns == [d.arn for d in metrics.list_destinations(monitor, after=0, limit=10)]


def test_a_deleted_app_monitor_gets_no_destination(
    monitors: AppMonitorStore, metrics: MetricStore
) -> None:
    monitor = new_monitor(monitors)
    monitors.delete(monitor)

    assert not metrics.put_destination(monitor, "CloudWatch", "", None)
    assert metrics.destination(monitor, "CloudWatch", "") is None


def test_deleting_a_destination_deletes_only_its_definitions(
    monitors: AppMonitorStore, metrics: MetricStore
) -> None:
    monitor = new_monitor(monitors)
    deleted = new_destination(metrics, monitor)
    kept = new_destination(metrics, monitor, "Evidently", "arn:x")
    for destination in (deleted, kept):
        metrics.create_definitions(destination, [definition(1)], limit=10)

    assert metrics.delete_destination(deleted)
    assert not metrics.delete_destination(deleted)
    left = [len(metrics.list_definitions(d, after=0, limit=10)) for d in (deleted, kept)]
    assert left == [0, 1]
    assert [d.kind for d in metrics.list_destinations(monitor, after=0, limit=10)] == ["Evidently"]


def test_deleting_an_app_monitor_deletes_its_destinations_and_definitions(
    monitors: AppMonitorStore, metrics: MetricStore
) -> None:
    monitor, other = new_monitor(monitors), new_monitor(monitors, "other")
    keys = [new_destination(metrics, key) for key in (monitor, other)]
    for key in keys:
        metrics.create_definitions(key, [definition(1)], limit=10)

    assert monitors.delete(monitor)
    left = [len(metrics.list_definitions(key, after=0, limit=10)) for key in keys]
    assert left == [0, 1]
    assert metrics.destination(monitor, "CloudWatch", "") is None
    assert metrics.destination(other, "CloudWatch", "")


def test_definitions_are_listed_in_pages_oldest_first(
    monitors: AppMonitorStore, metrics: MetricStore
) -> None:
    destination = new_destination(metrics, new_monitor(monitors))
    new = [definition(number) for number in (5, 3, 4)]
    ids = metrics.create_definitions(destination, new, limit=10)

    first = metrics.list_definitions(destination, after=0, limit=2)
    rest = metrics.list_definitions(destination, after=first[-1].sequence, limit=2)
    assert [record.id for record in new] == ids
    assert [(r.id, r.document, r.digest) for r in new] == [
        (r.id, r.document, r.digest) for r in first + rest
    ]


def test_creating_an_existing_definition_returns_its_id(
    monitors: AppMonitorStore, metrics: MetricStore
) -> None:
    destination = new_destination(metrics, new_monitor(monitors))
    metrics.create_definitions(destination, [definition(1, "first")], limit=10)
    again = [definition(1, "again"), definition(2, "new"), definition(2, "twice")]

    assert metrics.create_definitions(destination, again, limit=10) == [
        "first",
        "new",
        "new",
    ]
    assert [record.id for record in metrics.list_definitions(destination, after=0, limit=10)] == [
        "first",
        "new",
    ]


def test_creating_more_definitions_than_the_limit_creates_none(
    monitors: AppMonitorStore, metrics: MetricStore
) -> None:
    destination = new_destination(metrics, new_monitor(monitors))
    metrics.create_definitions(destination, [definition(1, "1"), definition(2, "2")], limit=3)

    with pytest.raises(QuotaReachedError):
        metrics.create_definitions(destination, [definition(3), definition(4)], limit=3)
    left = metrics.list_definitions(destination, after=0, limit=10)
    assert [record.id for record in left] == ["1", "2"]
    same = [definition(2, "x"), definition(3, "3")]
    assert metrics.create_definitions(destination, same, limit=3) == ["2", "3"]


def test_a_deleted_destination_gets_no_definitions(
    monitors: AppMonitorStore, metrics: MetricStore
) -> None:
    destination = new_destination(metrics, new_monitor(monitors))
    metrics.delete_destination(destination)

    assert metrics.create_definitions(destination, [definition(1)], limit=10) is None
    assert metrics.create_definitions(destination, [], limit=10) is None


def test_definitions_are_deleted_only_from_the_given_destination(
    monitors: AppMonitorStore, metrics: MetricStore
) -> None:
    monitor = new_monitor(monitors)
    mine = new_destination(metrics, monitor)
    other = new_destination(metrics, monitor, "Evidently", "arn:x")
    metrics.create_definitions(mine, [definition(1, "m1"), definition(2, "m2")], limit=10)
    metrics.create_definitions(other, [definition(1, "o1")], limit=10)

    assert {"m1"} == metrics.delete_definitions(mine, ["m1", "o1", "none"])
    assert set() == metrics.delete_definitions(mine, [])
    assert [r.id for r in metrics.list_definitions(mine, after=0, limit=10)] == ["m2"]
    assert [r.id for r in metrics.list_definitions(other, after=0, limit=10)] == ["o1"]


def test_an_updated_definition_keeps_its_position(
    monitors: AppMonitorStore, metrics: MetricStore
) -> None:
    destination = new_destination(metrics, new_monitor(monitors))
    metrics.create_definitions(destination, [definition(1, "a"), definition(2, "b")], limit=10)

    assert metrics.update_definition(destination, definition(3, "a"))
    assert metrics.update_definition(destination, definition(3, "a"))
    assert not metrics.update_definition(destination, definition(4, "none"))
    assert not metrics.update_definition(destination + 1, definition(4, "a"))
    left = metrics.list_definitions(destination, after=0, limit=10)
    assert [(r.id, r.document) for r in left] == [("a", '{"Name":"m3"}'), ("b", '{"Name":"m2"}')]


def test_updating_a_definition_to_equal_another_fails(
    monitors: AppMonitorStore, metrics: MetricStore
) -> None:
    destination = new_destination(metrics, new_monitor(monitors))
    metrics.create_definitions(destination, [definition(1, "a"), definition(2, "b")], limit=10)

    with pytest.raises(DefinitionTakenError):
        metrics.update_definition(destination, definition(2, "a"))
    left = metrics.list_definitions(destination, after=0, limit=10)
    assert [record.document for record in left] == ['{"Name":"m1"}', '{"Name":"m2"}']
