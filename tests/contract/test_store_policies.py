"""Every store keeps the guarantees of `PolicyStore`."""

from __future__ import annotations

import uuid

import pytest

from rum_service.storage.base import AppMonitorStore, PolicyStore


def new_monitor(monitors: AppMonitorStore, name: str = "shop") -> int:
    return monitors.create(str(uuid.uuid4()), name, "{}").key


def test_a_new_app_monitor_has_no_policy(monitors: AppMonitorStore) -> None:
    new_monitor(monitors)
    record = monitors.by_name("shop")

    assert record
    assert (record.policy, record.policy_revision) == (None, None)


def test_every_record_of_an_app_monitor_contains_its_policy(
    monitors: AppMonitorStore, policies: PolicyStore
) -> None:
    key = new_monitor(monitors)
    created = monitors.by_name("shop")
    assert created

    assert policies.replace(key, expected=None, policy="{}", revision="r1")
    records = [
        monitors.by_name("shop"),
        *monitors.by_ids([created.id]),
        *monitors.list(after="", limit=10),
    ]
    assert [(r.policy, r.policy_revision) for r in records if r] == [("{}", "r1")] * 3


@pytest.mark.parametrize("expected", [None, "r0", "R1"])
def test_replacing_a_policy_fails_when_the_revision_is_not_the_expected_one(
    monitors: AppMonitorStore, policies: PolicyStore, expected: str | None
) -> None:
    key = new_monitor(monitors)
    policies.replace(key, expected=None, policy="{}", revision="r1")

    assert not policies.replace(key, expected=expected, policy="[]", revision="r2")
    record = monitors.by_name("shop")
    assert record
    assert (record.policy, record.policy_revision) == ("{}", "r1")


def test_a_policy_is_deleted_when_the_revision_is_the_expected_one(
    monitors: AppMonitorStore, policies: PolicyStore
) -> None:
    key = new_monitor(monitors)
    policies.replace(key, expected=None, policy="{}", revision="r1")

    assert policies.replace(key, expected="r1", policy=None, revision=None)
    record = monitors.by_name("shop")
    assert record
    assert (record.policy, record.policy_revision) == (None, None)


def test_setting_the_policy_of_a_deleted_app_monitor_fails(
    monitors: AppMonitorStore, policies: PolicyStore
) -> None:
    key = new_monitor(monitors)
    monitors.delete(key)

    assert not policies.replace(key, expected=None, policy="{}", revision="r1")


def test_updating_the_document_keeps_the_policy(
    monitors: AppMonitorStore, policies: PolicyStore
) -> None:
    key = new_monitor(monitors)
    policies.replace(key, expected=None, policy="{}", revision="r1")
    monitors.update(key, expected="{}", document='{"a":1}')

    record = monitors.by_name("shop")
    assert record
    assert (record.document, record.policy, record.policy_revision) == ('{"a":1}', "{}", "r1")
