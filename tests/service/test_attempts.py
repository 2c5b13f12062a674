"""A change gives up when other changes always come first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from rum.v1 import control_plane_service_pb2 as pb
from rum.v1.metrics_pb2 import PutRumMetricsDestinationRequest
from rum.v1.resource_policy_pb2 import DeleteResourcePolicyRequest, PutResourcePolicyRequest
from rum.v1.tags_pb2 import TagResourceRequest, UntagResourceRequest
from rum_service.composition.service import Service
from rum_service.control.metric_destinations import MetricDestinations
from rum_service.control.resource_policies import ResourcePolicies
from rum_service.control.tags import Tags
from rum_service.errors import ConflictException, InternalServerException
from rum_service.storage.base import Store
from tests.support.batches import new_id
from tests.support.memory_metrics import MemoryMetrics
from tests.support.memory_store import MemoryMonitors, MemoryPolicies, memory_store
from tests.support.memory_tables import MemoryTables
from tests.support.services import ACCOUNT, settings_in, started

ARN = f"arn:aws:rum:us-east-1:{ACCOUNT}:appmonitor/shop"
POLICY = """{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*",
    "Action": "rum:PutRumEvents", "Resource": "*"}]}"""
_MAX_ATTEMPTS = 20


class Attempts:
    """Counts the changes that came too late."""

    count = 0

    def lose(self, *_: object, **__: object) -> bool:
        self.count += 1
        return False


@pytest.fixture
def attempts() -> Attempts:
    return Attempts()


@pytest.fixture
async def service(tmp_path: Path, attempts: Attempts) -> AsyncIterator[tuple[Service, Store]]:
    """A service with an app monitor that another caller always changes first."""
    tables = MemoryTables()
    monitors, policies, metrics = (
        MemoryMonitors(tables),
        MemoryPolicies(tables),
        MemoryMetrics(tables),
    )
    created = monitors.create(new_id(), "shop", "{}")
    assert policies.replace(created.key, expected=None, policy=POLICY, revision="1")
    monitors.update = policies.replace = metrics.put_destination = attempts.lose  # type: ignore[method-assign]
    store = replace(memory_store(tables), monitors=monitors, policies=policies, metrics=metrics)
    async with started(store, settings_in(tmp_path)) as running:
        yield running, store


async def test_a_policy_that_always_changes_is_a_conflict(
    service: tuple[Service, Store], attempts: Attempts
) -> None:
    running, store = service
    policies = ResourcePolicies(
        running.app_monitors, store.policies, running.readers, new_id=new_id
    )
    put = PutResourcePolicyRequest(name="shop", policy_document=POLICY)
    for call in (policies.put(put), policies.delete(DeleteResourcePolicyRequest(name="shop"))):
        attempts.count = 0
        with pytest.raises(ConflictException) as raised:
            await call

        assert attempts.count == _MAX_ATTEMPTS
        assert (raised.value.resource_name, raised.value.resource_type) == ("shop", "AppMonitor")


async def test_a_destination_whose_app_monitor_always_changes_is_a_conflict(
    service: tuple[Service, Store], attempts: Attempts
) -> None:
    running, store = service
    destinations = MetricDestinations(running.app_monitors, store.metrics, running.readers)
    request = PutRumMetricsDestinationRequest(app_monitor_name="shop", destination="CloudWatch")
    with pytest.raises(ConflictException):
        await destinations.put(request)

    assert attempts.count == _MAX_ATTEMPTS


async def test_an_app_monitor_that_always_changes_is_a_conflict(
    service: tuple[Service, Store], attempts: Attempts
) -> None:
    with pytest.raises(ConflictException):
        await service[0].app_monitors.update(pb.UpdateAppMonitorRequest(name="shop"))

    assert attempts.count == _MAX_ATTEMPTS


async def test_tags_that_always_change_are_an_internal_error(
    service: tuple[Service, Store],
) -> None:
    """The model of TagResource and UntagResource has no ConflictException."""
    tags = Tags(service[0].app_monitors, account_id=ACCOUNT)
    for call in (
        tags.tag(TagResourceRequest(resource_arn=ARN, tags={"a": "b"})),
        tags.untag(UntagResourceRequest(resource_arn=ARN, tag_keys=["a"])),
    ):
        with pytest.raises(InternalServerException):
            await call
