"""The typed stubs with bearer tokens, blocking and asynchronous, with authorization required."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import grpc
import grpc.aio
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.status_pb2 import Status

from rum.internal.v1.bridge_service_pb2 import BatchPutRumEventsEntry, BatchPutRumEventsRequest
from rum.internal.v1.bridge_service_pb2_grpc import BridgeServiceStub
from rum.internal.v1.caller_pb2 import HttpCaller
from rum.operator.v1.operator_service_pb2 import (
    ACCESS_READ,
    ACCESS_WRITE,
    CreateTokenRequest,
    Grant,
    ListCredentialsRequest,
)
from rum.operator.v1.operator_service_pb2_grpc import OperatorServiceStub
from rum.v1.app_monitor_pb2 import CustomEvents
from rum.v1.control_plane_service_pb2 import (
    CreateAppMonitorRequest,
    DeleteAppMonitorRequest,
    GetAppMonitorDataRequest,
    GetAppMonitorRequest,
    ListAppMonitorsRequest,
    TimeRange,
)
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum.v1.data_plane_service_pb2_grpc import DataPlaneServiceStub
from tests.e2e.guarded import Guarded
from tests.support.batches import message
from tests.support.running import wait_until

_DENIED = "AccessDeniedException"
_MISSING = "MissingAuthenticationTokenException"
_UNKNOWN = "UnrecognizedClientException"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with Guarded(tmp_path_factory.mktemp("guarded")) as running:
        yield running


@pytest.fixture(scope="module")
def channel(server: Guarded) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.grpc) as opened:
        yield opened


@pytest.fixture(scope="module")
def monitor_id(server: Guarded) -> str:
    return server.monitor_id()


@pytest.fixture(scope="module")
def other_id(server: Guarded, channel: grpc.Channel) -> str:
    """The ID of a second app monitor, `other`."""
    request = CreateAppMonitorRequest(
        name="other", domain="localhost", custom_events=CustomEvents(status="ENABLED")
    )
    create = ControlPlaneServiceStub(channel).CreateAppMonitor
    return create(request, metadata=server.operator).id


class _Caller:
    """A client with or without a token. Each method returns "ok" or the name of an exception."""

    def __init__(self, channel: grpc.Channel, token: str | None, *more: tuple[str, bytes]) -> None:
        self._data, self._control = DataPlaneServiceStub(channel), ControlPlaneServiceStub(channel)
        self._operator = OperatorServiceStub(channel)
        bearer = [("authorization", f"Bearer {token}")] if token else []
        self._metadata = [*bearer, *more]

    def _outcome(self, call: Callable[..., object], request: object) -> str:
        try:
            call(request, metadata=self._metadata, timeout=30)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.PERMISSION_DENIED  # type: ignore[attr-defined]
            return _exception_name(error.trailing_metadata())  # type: ignore[attr-defined]
        return "ok"

    def put(self, request: PutRumEventsRequest) -> str:
        return self._outcome(self._data.PutRumEvents, request)

    def read(self, name: str) -> str:
        request = GetAppMonitorDataRequest(name=name, time_range=TimeRange(after=0))
        return self._outcome(self._control.GetAppMonitorData, request)

    def get(self, name: str) -> str:
        return self._outcome(self._control.GetAppMonitor, GetAppMonitorRequest(name=name))

    def list(self) -> str:
        return self._outcome(self._control.ListAppMonitors, ListAppMonitorsRequest())

    def delete(self, name: str) -> str:
        return self._outcome(self._control.DeleteAppMonitor, DeleteAppMonitorRequest(name=name))

    def list_credentials(self) -> str:
        return self._outcome(self._operator.ListCredentials, ListCredentialsRequest())


def _exception_name(trailers: object) -> str:
    """Return the name of the exception in the status of a failed call."""
    details = dict(trailers or ())["grpc-status-details-bin"]  # type: ignore[call-overload]
    return str(Status.FromString(details).details[0].TypeName()).rpartition(".")[2]


def _is_stored(server: Guarded, request: PutRumEventsRequest, name: str = "my-app") -> bool:
    return request.batch_id in {event["batch_id"] for event in server.stored(name)}


def test_a_write_token_can_only_put_events(
    server: Guarded, channel: grpc.Channel, monitor_id: str
) -> None:
    caller = _Caller(channel, server.token()[1])
    request = message(monitor_id, events=2)

    assert [caller.put(request), caller.put(request)] == ["ok", "ok"]
    assert [caller.read("my-app"), caller.list(), caller.delete("my-app")] == [_DENIED] * 3
    assert caller.list_credentials() == _DENIED
    assert len([e for e in server.stored() if e["batch_id"] == request.batch_id]) == 2


async def test_the_asynchronous_stub_puts_with_a_token(server: Guarded, monitor_id: str) -> None:
    metadata = (("authorization", f"Bearer {server.token()[1]}"),)
    request, rejected = message(monitor_id), message(monitor_id)
    async with grpc.aio.insecure_channel(server.grpc) as channel:
        put = DataPlaneServiceStub(channel).PutRumEvents
        await put(request, metadata=metadata)
        with pytest.raises(grpc.aio.AioRpcError) as missing:
            await put(rejected)
        with pytest.raises(grpc.aio.AioRpcError) as wrong:
            await put(rejected, metadata=(("authorization", "Bearer openrum_unknown"),))

    assert [_exception_name(error.value.trailing_metadata()) for error in (missing, wrong)] == [
        _MISSING,
        _UNKNOWN,
    ]
    assert [_is_stored(server, r) for r in (request, rejected)] == [True, False]


def test_a_read_token_can_only_read(
    server: Guarded, channel: grpc.Channel, monitor_id: str
) -> None:
    caller = _Caller(channel, server.token("--access", "read")[1])
    request = message(monitor_id)

    assert [caller.read("my-app"), caller.get("my-app"), caller.list()] == ["ok"] * 3
    assert [caller.put(request), caller.delete("my-app")] == [_DENIED] * 2
    assert caller.list_credentials() == _DENIED
    assert not _is_stored(server, request)


def test_a_token_for_one_app_monitor_is_rejected_for_others(
    server: Guarded, channel: grpc.Channel, monitor_id: str, other_id: str
) -> None:
    access = ("--access", "write", "--access", "read", "--monitor", "other")
    token = server.token(*access)[1]
    caller = _Caller(channel, token)
    mine, others = message(other_id), message(monitor_id)
    batches = [message(other_id), message(monitor_id)]
    response = BridgeServiceStub(channel).BatchPutRumEvents(
        BatchPutRumEventsRequest(
            entries=[BatchPutRumEventsEntry(request=r.SerializeToString()) for r in batches]
        ),
        metadata=(("authorization", f"Bearer {token}"),),
    )

    assert [caller.put(mine), caller.read("other"), caller.get("other")] == ["ok"] * 3
    assert [caller.put(others), caller.read("my-app"), caller.list()] == [_DENIED] * 3
    assert caller.get("no-such-app") == _DENIED  # does not reveal which names exist
    assert [s.code for s in response.statuses] == [0, grpc.StatusCode.PERMISSION_DENIED.value[0]]
    assert [_is_stored(server, r, "other") for r in (mine, batches[0])] == [True, True]
    assert [_is_stored(server, r) for r in (others, batches[1])] == [False, False]


def test_a_token_is_valid_until_it_expires(
    server: Guarded, channel: grpc.Channel, monitor_id: str
) -> None:
    request = CreateTokenRequest(
        grant=Grant(name="short", access=[ACCESS_READ, ACCESS_WRITE]), ttl=Duration(seconds=1)
    )
    create = OperatorServiceStub(channel).CreateToken
    caller = _Caller(channel, create(request, metadata=server.operator).token)
    outcomes = [caller.list()]
    wait_until(lambda: outcomes.append(caller.list()) or outcomes[-1] != "ok")
    late = message(monitor_id)

    assert (outcomes[0], outcomes[-1]) == ("ok", "ExpiredTokenException")
    assert caller.put(late) == "ExpiredTokenException"
    assert not _is_stored(server, late)


def test_a_revoked_token_is_rejected_at_once(
    server: Guarded, channel: grpc.Channel, monitor_id: str
) -> None:
    token_id, token = server.token("--access", "admin")
    caller = _Caller(channel, token)
    before = caller.list_credentials()
    server.run("tokens", "revoke", token_id)
    late = message(monitor_id)

    assert before == "ok"
    assert [caller.put(late), caller.list(), caller.list_credentials()] == [_UNKNOWN] * 3
    assert not _is_stored(server, late)


def test_the_operator_token_allows_every_call(
    server: Guarded, channel: grpc.Channel, monitor_id: str
) -> None:
    caller = _Caller(channel, server.operator[0][1].removeprefix("Bearer "))
    request = message(monitor_id)

    assert [caller.put(request), caller.read("my-app"), caller.list_credentials()] == ["ok"] * 3
    assert _is_stored(server, request)


def test_a_caller_report_is_rejected_without_the_bridge_token(
    server: Guarded, channel: grpc.Channel, monitor_id: str
) -> None:
    """The bridge token without a report does not authenticate a caller either."""
    admin = server.token("--access", "admin")[1]
    bridge = (server.folder / "var" / "bridge.token").read_text().strip()
    claimed = HttpCaller(authorization_required=False, bearer_token=admin)
    report = ("rum-caller-bin", claimed.SerializeToString())
    reporting = [_Caller(channel, token, report) for token in (None, "openrum_unknown", admin)]
    request = message(monitor_id)

    assert [caller.put(request) for caller in reporting] == [_DENIED] * 3
    assert [caller.list() for caller in reporting] == [_DENIED] * 3
    assert _Caller(channel, bridge).put(request) == _MISSING
    assert _Caller(channel, bridge).list() == _MISSING
    assert _Caller(channel, bridge, report).list() == "ok"
    assert not _is_stored(server, request)
