"""What a bridge asks the service: about itself, about an app monitor and about a caller."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import grpc
import pytest

from rum.internal.v1.bridge_service_pb2 import (
    CheckAppMonitorRequest,
    CheckBridgeRequest,
    CheckCallerRequest,
)
from rum.internal.v1.caller_pb2 import HttpCaller
from rum.v1.control_plane_service_pb2 import GetAppMonitorRequest
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from tests.service.authorized import (
    OK,
    Authorized,
    Metadata,
    authorized,
    bearer,
    new_id,
    outcome_of,
    status_of,
)
from tests.service.served import LoopThread

_DENIED, _MISSING = "AccessDeniedException", "MissingAuthenticationTokenException"


@dataclass
class World:
    """A service, its app monitor `shop`, and the metadata of callers."""

    service: Authorized
    shop: str
    callers: dict[str, Metadata]

    def ask(self, caller: str) -> tuple[str, ...]:
        """Return the outcomes of the questions about the bridge and about two app monitors."""
        metadata = self.callers[caller]
        ids = self.shop, new_id()
        return (
            self.service.outcome("CheckBridge", CheckBridgeRequest(), metadata),
            *(
                self.service.outcome("CheckAppMonitor", CheckAppMonitorRequest(id=id_), metadata)
                for id_ in ids
            ),
        )


def _world(service: Authorized) -> World:
    report = ("rum-caller-bin", HttpCaller(authorization_required=True).SerializeToString())
    return World(
        service,
        service.monitor("shop"),
        {
            "bridge": bearer(service.bridge),
            "bridge, exposed": [*bearer(service.bridge), report],
            "anonymous": [],
            "anonymous, exposed": [report],
            "unknown token": bearer("openrum_unknown"),
            "admin token": bearer(service.token("admin", "admin")),
            "operator token": bearer(service.operator),
        },
    )


@pytest.fixture(scope="module")
def required(loop: LoopThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with authorized(loop, tmp_path_factory.mktemp("required")) as service:
        yield _world(service)


@pytest.fixture(scope="module")
def auth_off(loop: LoopThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with authorized(loop, tmp_path_factory.mktemp("off"), auth="auto") as service:
        yield _world(service)


_FOUND = (OK, OK, "ResourceNotFoundException")
_REJECTED = (_DENIED, _DENIED, _DENIED)


def test_only_a_bridge_gets_an_answer_where_callers_are_authorized(required: World) -> None:
    assert {caller: required.ask(caller) for caller in required.callers} == {
        "bridge": _FOUND,
        "bridge, exposed": _FOUND,
        "anonymous": _REJECTED,
        "anonymous, exposed": _REJECTED,
        "unknown token": _REJECTED,
        "admin token": _REJECTED,
        "operator token": _REJECTED,
    }


def test_an_exposed_bridge_needs_its_token_also_while_callers_are_not_authorized(
    auth_off: World,
) -> None:
    answers = {caller: auth_off.ask(caller) for caller in auth_off.callers}

    assert answers.pop("anonymous, exposed") == _REJECTED
    assert set(answers.values()) == {_FOUND}


def test_a_caller_is_checked_as_in_the_method(required: World) -> None:
    service = required.service
    read = HttpCaller(bearer_token=service.token("reader", "read"))
    request = GetAppMonitorRequest(name="shop").SerializeToString()

    def check(method: str, metadata: Metadata, content: bytes = request) -> str:
        question = CheckCallerRequest(method=method, request=content)
        return service.outcome("CheckCaller", question, metadata)

    assert check("GetAppMonitor", service.relayed(read)) == OK
    assert check("DeleteAppMonitor", service.relayed(read)) == _DENIED
    assert check("GetAppMonitor", service.relayed(HttpCaller())) == _MISSING
    assert check("GetAppMonitor", required.callers["anonymous, exposed"]) == _DENIED
    assert check("CreateToken", service.relayed(read)) == "ValidationException"
    assert check("GetAppMonitor", service.relayed(read), b"\xff") == "ValidationException"


def test_the_caller_of_a_put_is_checked(required: World) -> None:
    service = required.service
    writer = HttpCaller(bearer_token=service.token("writer", "write"))
    reader = HttpCaller(bearer_token=service.token("only-reads", "read"))

    def check(caller: HttpCaller, monitor_id: str = required.shop) -> str:
        request = PutRumEventsRequest(id=monitor_id).SerializeToString()
        question = CheckCallerRequest(method="PutRumEvents", request=request)
        return service.outcome("CheckCaller", question, service.relayed(caller))

    assert check(writer) == OK
    assert check(writer, new_id()) == "ResourceNotFoundException"
    assert check(writer, "x") == "ValidationException"
    assert check(reader) == _DENIED
    assert check(HttpCaller()) == _MISSING


@pytest.mark.parametrize("method", ["CheckBridge", "CheckAppMonitor", "CheckCaller"])
def test_the_token_of_the_bridge_is_checked_before_the_message_is_parsed(
    required: World, method: str
) -> None:
    path = f"/rum.internal.v1.BridgeService/{method}"
    with (
        grpc.insecure_channel(required.service.address) as channel,
        pytest.raises(grpc.RpcError) as rejected,
    ):
        channel.unary_unary(path)(b"\xff", timeout=10)

    assert outcome_of(status_of(rejected.value)) == _DENIED
