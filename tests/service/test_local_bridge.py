"""The service for a bridge in the same process: as over gRPC, without gRPC."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import grpc.aio
import pytest

from rum.internal.v1 import bridge_service_pb2 as pb
from rum.internal.v1.bridge_service_pb2_grpc import BridgeServiceStub
from rum.internal.v1.caller_pb2 import HttpCaller
from rum.operator.v1.operator_service_pb2 import ACCESS_WRITE, CreateTokenRequest, Grant
from rum.operator.v1.operator_service_pb2_grpc import OperatorServiceStub
from rum.v1.control_plane_service_pb2 import CreateAppMonitorRequest
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub
from rum_endpoint.metadata import bearer
from rum_service.server import running_service
from tests.service.test_server import BlockedAppends, create
from tests.support.batches import message, new_id
from tests.support.memory_store import memory_store
from tests.support.memory_tables import MemoryTables
from tests.support.services import settings_in, started

_TIMEOUT_S = 30.0


def _request(monitor_id: str, token: str) -> pb.BatchPutRumEventsRequest:
    """Return a batch of a caller with a token, the same again, and three without a token."""
    stored = message(monitor_id).SerializeToString()
    caller = HttpCaller(authorization_required=True, bearer_token=token)
    unidentified = HttpCaller(authorization_required=True)
    return pb.BatchPutRumEventsRequest(
        entries=[
            {"request": stored, "caller": caller},
            {"request": stored, "caller": caller},
            {"request": message(new_id()).SerializeToString()},
            {"request": message(monitor_id, batch_id="no UUID").SerializeToString()},
            {"request": message(monitor_id).SerializeToString(), "caller": unidentified},
        ]
    )


@pytest.mark.parametrize("auth", ["auto", "required"])
async def test_entries_get_the_same_statuses_as_over_grpc(tmp_path: Path, auth: str) -> None:
    settings = settings_in(tmp_path, auth=auth)
    async with (
        running_service(settings) as service,
        grpc.aio.insecure_channel(service.address) as channel,
    ):
        operator = (bearer(settings.operator_token_file.read_text().strip()),)
        create = CreateAppMonitorRequest(name="shop", domain="example.com")
        created = await ControlPlaneServiceStub(channel).CreateAppMonitor(create, metadata=operator)
        grant = CreateTokenRequest(grant=Grant(name="writer", access=[ACCESS_WRITE]))
        writer = await OperatorServiceStub(channel).CreateToken(grant, metadata=operator)
        request = _request(created.id, writer.token)
        local = await service.local_bridge.batch_put(request.SerializeToString(), _TIMEOUT_S)
        bridge = bearer(settings.bridge_token_file.read_text().strip())
        remote = await BridgeServiceStub(channel).BatchPutRumEvents(request, metadata=(bridge,))

    assert [status.code == 0 for status in local.statuses] == [True, True, False, False, False]
    assert list(remote.statuses) == list(local.statuses)
    assert (list(local.duplicates), list(remote.duplicates)) == ([1], [0, 1])


async def test_a_call_ends_at_its_time_limit(tmp_path: Path) -> None:
    tables = MemoryTables()
    log = BlockedAppends(tables)
    store = replace(memory_store(tables), log=log)
    async with (
        started(store, settings_in(tmp_path), listening=True) as service,
        grpc.aio.insecure_channel(service.server.address) as channel,
    ):
        entry = pb.BatchPutRumEventsEntry(
            request=message(await create(channel)).SerializeToString()
        )
        request = pb.BatchPutRumEventsRequest(entries=[entry]).SerializeToString()
        with pytest.raises(TimeoutError):
            await service.local_bridge.batch_put(request, 0.05)
        log.go_on.set()
        again = await service.local_bridge.batch_put(request, _TIMEOUT_S)

    assert [status.code for status in again.statuses] == [0]
    assert list(again.duplicates) == [0]
