"""Both planes over gRPC with SQLite: responses, errors and stored events."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator

import grpc
import grpc.aio
import pytest
from google.protobuf.json_format import MessageToDict
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from rum.internal.v1.bridge_service_pb2 import BatchPutRumEventsEntry, BatchPutRumEventsRequest
from rum.v1 import control_plane_service_pb2 as pb
from rum.v1 import errors_pb2
from rum.v1.app_monitor_pb2 import CustomEvents
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, PutRumEventsResponse
from tests.service.served import (
    MAX_APP_MONITORS,
    MAX_WAITING_BYTES,
    BlockableLog,
    LoopThread,
    Stubs,
    served,
)
from tests.support.batches import message, new_id

_TIMEOUT_S = 30.0


@pytest.fixture(scope="module")
def loop() -> Iterator[LoopThread]:
    started = LoopThread()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def grpc_addr(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Unix socket, because pytest-grpc's own fixture leaves a TCP socket open."""
    return f"unix:{tmp_path_factory.mktemp('grpc') / 'socket'}"


@pytest.fixture(scope="module")
def grpc_servicer(
    loop: LoopThread, grpc_addr: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BlockableLog]:
    """The log of a running service, which a test can block or break."""
    with served(loop, tmp_path_factory.mktemp("service"), grpc_addr.removeprefix("unix:")) as log:
        yield log


@pytest.fixture(scope="module")
def grpc_server(grpc_servicer: BlockableLog) -> BlockableLog:
    """The complete service, in place of pytest-grpc's threaded server."""
    return grpc_servicer


@pytest.fixture(scope="module")
def grpc_stub_cls() -> type[Stubs]:
    return Stubs


@pytest.fixture
def shop(grpc_stub: Stubs) -> Iterator[str]:
    """The ID of an app monitor `shop` that exists during the test."""
    created = grpc_stub.control.CreateAppMonitor(
        pb.CreateAppMonitorRequest(
            name="shop", domain="example.com", custom_events=CustomEvents(status="ENABLED")
        )
    )
    yield created.id
    grpc_stub.control.DeleteAppMonitor(pb.DeleteAppMonitorRequest(name="shop"))


def stored_ids(stubs: Stubs, name: str = "shop") -> list[str]:
    """Return the IDs of the events of an app monitor, oldest first."""
    page = stubs.control.GetAppMonitorData(
        pb.GetAppMonitorDataRequest(name=name, time_range=pb.TimeRange(after=0))
    )
    return [json.loads(event)["event_id"] for event in reversed(page.events)]


def ids(*requests: PutRumEventsRequest) -> list[str]:
    return [event.id for request in requests for event in request.rum_events]


def members(status: Status) -> tuple[int, str, dict[str, object]]:
    """Return the code, the name of the exception, and its members."""
    detail = status.details[0]
    exception = getattr(errors_pb2, detail.TypeName().removeprefix("rum.v1."))()
    assert detail.Unpack(exception)
    assert exception.message == status.message
    return status.code, type(exception).__name__, MessageToDict(exception)


def rejection(call: Callable[[], object]) -> tuple[int, str, dict[str, object]]:
    """Return the code, the exception and its members that a call fails with."""
    with pytest.raises(grpc.RpcError) as rejected:
        call()
    status = rpc_status.from_call(rejected.value)
    assert status is not None
    assert rejected.value.code().value[0] == status.code
    return members(status)


def test_a_put_is_stored_and_has_an_empty_response(grpc_stub: Stubs, shop: str) -> None:
    request = message(shop, events=3)

    assert grpc_stub.data.PutRumEvents(request) == PutRumEventsResponse()
    assert stored_ids(grpc_stub) == ids(request)


@pytest.mark.parametrize(
    "method",
    [
        "rum.v1.DataPlaneService/PutRumEvents",
        "rum.internal.v1.BridgeService/BatchPutRumEvents",
        "rum.internal.v1.BridgeService/CheckAppMonitor",
        "rum.internal.v1.BridgeService/CheckCaller",
    ],
)
def test_bytes_that_are_not_a_request_are_a_validation_exception(
    grpc_channel: grpc.Channel, method: str
) -> None:
    call = grpc_channel.unary_unary(f"/{method}")

    text = f"The message is not a {method.rpartition('/')[2]}Request."
    assert rejection(lambda: call(b"\xff\xff")) == (3, "ValidationException", {"message": text})


def test_retrying_a_committed_batch_stores_nothing_new(grpc_stub: Stubs, shop: str) -> None:
    request = message(shop, events=3)
    for _ in range(3):
        grpc_stub.data.PutRumEvents(request)

    assert stored_ids(grpc_stub) == ids(request)


def test_a_different_batch_with_a_used_id_is_rejected_and_the_first_is_kept(
    grpc_stub: Stubs, shop: str
) -> None:
    first = message(shop)
    grpc_stub.data.PutRumEvents(first)
    second = message(shop, batch_id=first.batch_id.upper())

    text = "BatchId is the id of another batch that is stored already."
    assert rejection(lambda: grpc_stub.data.PutRumEvents(second)) == (
        3,
        "ValidationException",
        {"message": text},
    )
    assert stored_ids(grpc_stub) == ids(first)


def test_ids_are_case_insensitive(grpc_stub: Stubs, shop: str) -> None:
    request = message(shop.upper(), batch_id=new_id().upper())
    for _ in range(2):
        grpc_stub.data.PutRumEvents(request)

    assert stored_ids(grpc_stub) == ids(request)


def test_a_put_to_an_unknown_app_monitor_fails_with_its_id(grpc_stub: Stubs) -> None:
    unknown = new_id()

    assert rejection(lambda: grpc_stub.data.PutRumEvents(message(unknown))) == (
        5,
        "ResourceNotFoundException",
        {
            "message": "There is no app monitor with this id.",
            "resourceName": unknown,
            "resourceType": "AppMonitor",
        },
    )


def test_a_put_to_a_deleted_app_monitor_fails_at_once(grpc_stub: Stubs, shop: str) -> None:
    created = grpc_stub.control.CreateAppMonitor(
        pb.CreateAppMonitorRequest(name="gone", domain="example.com")
    )
    grpc_stub.data.PutRumEvents(message(created.id))
    grpc_stub.control.DeleteAppMonitor(pb.DeleteAppMonitorRequest(name="gone"))

    code, name, _ = rejection(lambda: grpc_stub.data.PutRumEvents(message(created.id)))
    assert (code, name) == (5, "ResourceNotFoundException")


def test_a_conflict_names_the_existing_app_monitor(grpc_stub: Stubs, shop: str) -> None:
    request = pb.CreateAppMonitorRequest(name="shop", domain="example.com", id=shop)

    assert rejection(lambda: grpc_stub.control.CreateAppMonitor(request)) == (
        6,
        "ConflictException",
        {
            "message": "An app monitor with this name or id exists.",
            "resourceName": "shop",
            "resourceType": "AppMonitor",
        },
    )


def test_exceeding_the_quota_of_app_monitors_is_a_service_quota_exceeded_exception(
    grpc_stub: Stubs, shop: str
) -> None:
    names = [f"more-{number}" for number in range(MAX_APP_MONITORS - 1)]
    requests = [pb.CreateAppMonitorRequest(name=name, domain="localhost") for name in names]
    for request in requests:
        grpc_stub.control.CreateAppMonitor(request)
    one_more = pb.CreateAppMonitorRequest(name="one-more", domain="localhost")

    assert rejection(lambda: grpc_stub.control.CreateAppMonitor(one_more)) == (
        9,
        "ServiceQuotaExceededException",
        {"message": f"There may be at most {MAX_APP_MONITORS} app monitors."},
    )
    for name in names:
        grpc_stub.control.DeleteAppMonitor(pb.DeleteAppMonitorRequest(name=name))


def test_a_failing_store_is_an_internal_error_without_details(
    grpc_stub: Stubs, grpc_servicer: BlockableLog, shop: str
) -> None:
    request = message(shop)
    grpc_servicer.broken = True
    try:
        rejected = rejection(lambda: grpc_stub.data.PutRumEvents(request))
    finally:
        grpc_servicer.broken = False
    grpc_stub.data.PutRumEvents(request)

    text = "Internal service exception."
    assert rejected == (13, "InternalServerException", {"message": text, "retryAfterSeconds": 1})
    assert stored_ids(grpc_stub) == ids(request)


def test_a_full_queue_is_a_throttling_exception_with_a_retry_delay(
    grpc_stub: Stubs, grpc_servicer: BlockableLog, shop: str
) -> None:
    large = message(shop)
    large.rum_events[0].details = os.urandom(MAX_WAITING_BYTES).hex()  # halved by compression
    grpc_servicer.appending.clear()
    grpc_servicer.may_append.clear()
    waiting = grpc_stub.data.PutRumEvents.future(large)
    try:
        assert grpc_servicer.appending.wait(_TIMEOUT_S)
        rejected = rejection(lambda: grpc_stub.data.PutRumEvents(message(shop)))
    finally:
        grpc_servicer.may_append.set()

    assert waiting.result(_TIMEOUT_S) == PutRumEventsResponse()
    assert rejected == (
        8,
        "ThrottlingException",
        {
            "message": "Too many batches are waiting to be stored.",
            "serviceCode": "rum",
            "quotaCode": "waiting-batches",
            "retryAfterSeconds": 1,
        },
    )


def test_each_batch_of_a_batch_put_has_its_own_status_in_request_order(
    grpc_stub: Stubs, shop: str
) -> None:
    first, second = message(shop, events=2), message(shop)
    requests = [
        first,
        message(shop, batch_id="none"),
        message(new_id()),
        second,
        message(shop, batch_id=first.batch_id),
        first,
        PutRumEventsRequest(),
    ]
    entries = [BatchPutRumEventsEntry(request=request.SerializeToString()) for request in requests]
    response = grpc_stub.bridge.BatchPutRumEvents(BatchPutRumEventsRequest(entries=entries))

    assert [status.code for status in response.statuses] == [0, 3, 5, 0, 3, 0, 3]
    messages = [members(status)[2]["message"] for status in response.statuses if status.code]
    assert [str(text).split()[0] for text in messages] == ["BatchId", "There", "BatchId", "Id"]
    assert stored_ids(grpc_stub) == ids(first, second)


def test_a_batch_put_reports_retries_as_duplicates(grpc_stub: Stubs, shop: str) -> None:
    stored, new = message(shop), message(shop)
    grpc_stub.data.PutRumEvents(stored)
    entries = [
        BatchPutRumEventsEntry(request=request.SerializeToString())
        for request in (new, stored, new)
    ]
    response = grpc_stub.bridge.BatchPutRumEvents(BatchPutRumEventsRequest(entries=entries))

    assert [status.code for status in response.statuses] == [0, 0, 0]
    assert list(response.duplicates) == [1, 2]


@pytest.mark.parametrize("entries", [0, 1001])
def test_a_batch_put_must_have_1_to_1000_entries(grpc_stub: Stubs, entries: int) -> None:
    request = BatchPutRumEventsRequest(entries=[BatchPutRumEventsEntry()] * entries)

    assert rejection(lambda: grpc_stub.bridge.BatchPutRumEvents(request)) == (
        3,
        "ValidationException",
        {"message": "entries must have 1 to 1000 items."},
    )
