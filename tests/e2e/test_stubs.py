"""The typed stubs call a running server, blocking and asynchronously."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TypeVar

import grpc
import grpc.aio
import pytest
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from rum.internal.v1.bridge_service_pb2 import BatchPutRumEventsEntry, BatchPutRumEventsRequest
from rum.internal.v1.bridge_service_pb2_grpc import BridgeServiceStub
from rum.v1 import errors_pb2
from rum.v1.app_monitor_pb2 import CustomEvents
from rum.v1.control_plane_service_pb2 import (
    CreateAppMonitorRequest,
    GetAppMonitorDataRequest,
    GetAppMonitorRequest,
    TimeRange,
)
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, PutRumEventsResponse
from rum.v1.data_plane_service_pb2_grpc import DataPlaneServiceStub
from tests.support.batches import message, new_id
from tests.support.running import OpenRum

AnyMessage = TypeVar("AnyMessage", bound=Message)


@pytest.fixture(scope="module")
def channel(openrum: OpenRum) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(openrum.grpc) as channel:
        yield channel


@pytest.fixture
def monitor(channel: grpc.Channel) -> tuple[str, str]:
    """Return the name and the ID of an app monitor without events."""
    request = CreateAppMonitorRequest(
        name=f"app-{new_id()}",
        domain="localhost",
        custom_events=CustomEvents(status="ENABLED"),
    )
    return request.name, ControlPlaneServiceStub(channel).CreateAppMonitor(request).id


def _all_events(name: str) -> GetAppMonitorDataRequest:
    return GetAppMonitorDataRequest(name=name, time_range=TimeRange(after=0), max_results=100)


def _ids(documents: list[str]) -> list[str]:
    return [json.loads(document)["event_id"] for document in reversed(documents)]


def _exception(error: grpc.RpcError, kind: type[AnyMessage]) -> AnyMessage:
    """Return the message in the status of a failed call."""
    status = rpc_status.from_call(error)
    assert status is not None
    return _unpacked(status, kind)


def _unpacked(status: Status, kind: type[AnyMessage]) -> AnyMessage:
    exception = kind()
    assert status.details[0].Unpack(exception)
    return exception


def test_a_batch_is_read_back_and_a_retry_stores_nothing_new(
    channel: grpc.Channel, monitor: tuple[str, str]
) -> None:
    name, monitor_id = monitor
    request = message(monitor_id, events=5)
    responses = [DataPlaneServiceStub(channel).PutRumEvents(request) for _ in range(2)]
    read = ControlPlaneServiceStub(channel).GetAppMonitorData(_all_events(name))

    assert responses == [PutRumEventsResponse()] * 2
    assert _ids(list(read.events)) == [event.id for event in request.rum_events]


async def test_the_asynchronous_stub_stores_and_reads_events(
    openrum: OpenRum, monitor: tuple[str, str]
) -> None:
    name, monitor_id = monitor
    request = message(monitor_id, events=5)
    async with grpc.aio.insecure_channel(openrum.grpc) as channel:
        for _ in range(2):
            assert PutRumEventsResponse() == await DataPlaneServiceStub(channel).PutRumEvents(
                request
            )
        read = await ControlPlaneServiceStub(channel).GetAppMonitorData(_all_events(name))

    assert _ids(list(read.events)) == [event.id for event in request.rum_events]


InvalidRequest = Callable[[str], PutRumEventsRequest]
_INVALID_REQUESTS = pytest.mark.parametrize(
    ("invalid_request", "code", "kind", "text"),
    [
        (
            lambda monitor_id: message(monitor_id, batch_id="z" * 36),
            grpc.StatusCode.INVALID_ARGUMENT,
            errors_pb2.ValidationException,
            "BatchId must match ",
        ),
        (
            lambda _: message("00000000-0000-0000-0000-000000000000"),
            grpc.StatusCode.NOT_FOUND,
            errors_pb2.ResourceNotFoundException,
            "There is no app monitor with this id.",
        ),
    ],
    ids=["ValidationException", "ResourceNotFoundException"],
)


@_INVALID_REQUESTS
def test_an_error_is_a_rich_status(
    channel: grpc.Channel,
    monitor: tuple[str, str],
    invalid_request: InvalidRequest,
    code: grpc.StatusCode,
    kind: type[errors_pb2.ValidationException],
    text: str,
) -> None:
    with pytest.raises(grpc.RpcError) as failure:
        DataPlaneServiceStub(channel).PutRumEvents(invalid_request(monitor[1]))
    exception = _exception(failure.value, kind)

    assert failure.value.code() == code
    assert failure.value.details() == exception.message
    assert exception.message.startswith(text)


@_INVALID_REQUESTS
async def test_the_asynchronous_stub_gets_a_rich_status(
    openrum: OpenRum,
    monitor: tuple[str, str],
    invalid_request: InvalidRequest,
    code: grpc.StatusCode,
    kind: type[errors_pb2.ValidationException],
    text: str,
) -> None:
    async with grpc.aio.insecure_channel(openrum.grpc) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await DataPlaneServiceStub(channel).PutRumEvents(invalid_request(monitor[1]))
    trailers = dict(failure.value.trailing_metadata() or ())
    status = Status.FromString(bytes(trailers["grpc-status-details-bin"]))

    assert failure.value.code() == code
    assert status.code == code.value[0]
    assert _unpacked(status, kind).message.startswith(text)


def test_each_batch_of_one_call_has_its_own_outcome(
    channel: grpc.Channel, monitor: tuple[str, str]
) -> None:
    name, monitor_id = monitor
    first, second = message(monitor_id, events=2), message(monitor_id)
    requests = [
        first,
        message(monitor_id, batch_id="not-a-uuid"),
        second,
        message(new_id()),
        second,
    ]
    response = BridgeServiceStub(channel).BatchPutRumEvents(
        BatchPutRumEventsRequest(
            entries=[
                BatchPutRumEventsEntry(request=request.SerializeToString()) for request in requests
            ]
        )
    )
    read = ControlPlaneServiceStub(channel).GetAppMonitorData(_all_events(name))

    assert [status.code for status in response.statuses] == [0, 3, 0, 5, 0]
    assert _unpacked(response.statuses[1], errors_pb2.ValidationException)
    assert _unpacked(response.statuses[3], errors_pb2.ResourceNotFoundException).resource_type == (
        "AppMonitor"
    )
    assert _ids(list(read.events)) == [
        *(event.id for event in first.rum_events),
        *(event.id for event in second.rum_events),
    ]


def test_an_unknown_app_monitor_is_named_in_the_status(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as failure:
        ControlPlaneServiceStub(channel).GetAppMonitor(GetAppMonitorRequest(name="unknown"))
    exception = _exception(failure.value, errors_pb2.ResourceNotFoundException)

    assert (exception.resource_name, exception.resource_type) == ("unknown", "AppMonitor")
