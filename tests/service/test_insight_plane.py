"""Calls of InsightService, which the service forwards to a projector on a Unix socket."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from rum.v1 import insight_service_pb2 as pb
from rum_service.auth.operations import operation_of
from tests.service.authorized import RPCS, Authorized, authorized, bearer
from tests.service.served import LoopThread

_RPCS = [*pb.DESCRIPTOR.services_by_name["InsightService"].methods]
_OVERVIEW = pb.GetOverviewRequest(app_monitor="shop", after=1.0, before=2.0)


class Projector(grpc.GenericRpcHandler):
    """A server in the place of the projector. It records calls and answers all of them alike."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self.failure: tuple[grpc.StatusCode, str] | None = None
        self.response = b""
        self.calls: list[tuple[str, dict[str, Any], bytes]] = []
        self.release = asyncio.Event()
        self.release.set()

    async def start(self) -> None:
        self._server = grpc.aio.server(handlers=[self])
        self._server.add_insecure_port(f"unix:{self._socket}")
        await self._server.start()

    async def stop(self) -> None:
        await self._server.stop(None)

    def service(self, handler_call_details: Any) -> Any:
        metadata = dict(handler_call_details.invocation_metadata)

        async def answer(request: bytes, context: Any) -> bytes:
            self.calls.append((handler_call_details.method, metadata, request))
            await self.release.wait()
            if self.failure:
                await context.abort(*self.failure)
            return self.response

        return grpc.unary_unary_rpc_method_handler(answer)


@pytest.fixture(scope="module")
def server(loop: LoopThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authorized]:
    folder = tmp_path_factory.mktemp("service")
    with authorized(loop, folder, projector_socket=folder / "projector.sock") as server:
        server.monitor("shop")
        server.monitor("blog")
        yield server


@pytest.fixture
def projector(loop: LoopThread, server: Authorized) -> Iterator[Projector]:
    async def create() -> Projector:
        projector = Projector(server.folder / "projector.sock")
        await projector.start()
        return projector

    projector = loop.run(create())
    # The channel of the service may be waiting to reconnect after the test before.
    for _ in range(100):
        if server.outcome("GetProjectionState", pb.GetProjectionStateRequest(), _admin(server)) == (
            "ok"
        ):
            break
    projector.calls.clear()
    yield projector
    loop.run(projector.stop())


def _admin(server: Authorized) -> list[tuple[str, str | bytes]]:
    return bearer(server.operator)


def test_a_call_is_forwarded_with_the_key_of_its_app_monitor(
    server: Authorized, projector: Projector
) -> None:
    expected = pb.GetOverviewResponse(freshness=pb.Freshness(projected_sequence=7))
    projector.response = expected.SerializeToString()

    assert server.call("GetOverview", _OVERVIEW, _admin(server)) == expected
    ((method, metadata, request),) = projector.calls
    assert method == "/rum.v1.InsightService/GetOverview"
    assert pb.GetOverviewRequest.FromString(request) == _OVERVIEW
    assert metadata["rum-app-monitor-key"] == "1"
    assert metadata["rum-account-id"] == "000000000000"
    assert "authorization" not in metadata


@pytest.mark.parametrize("rpc", _RPCS, ids=lambda rpc: rpc.name)
def test_every_method_needs_read_access(server: Authorized, projector: Projector, rpc: Any) -> None:
    request = _request(rpc)
    outcomes = {
        access: server.outcome(rpc.name, request, bearer(server.token(rpc.name, access)))
        for access in ("read", "write", "admin")
    }

    assert operation_of(f"/rum.v1.InsightService/{rpc.name}").is_read_only
    assert outcomes == {"read": "ok", "write": "AccessDeniedException", "admin": "ok"}
    assert server.outcome(rpc.name, request) == "MissingAuthenticationTokenException"


@pytest.mark.parametrize("rpc", _RPCS, ids=lambda rpc: rpc.name)
def test_a_token_for_one_app_monitor_reads_no_other(
    server: Authorized, projector: Projector, rpc: Any
) -> None:
    request = _request(rpc)
    own = bearer(server.token(f"{rpc.name}-own", "read", monitor="shop"))
    other = bearer(server.token(f"{rpc.name}-other", "read", monitor="blog"))
    about_all = "app_monitor" not in rpc.input_type.fields_by_name

    assert server.outcome(rpc.name, request, other) == "AccessDeniedException"
    expected = "AccessDeniedException" if about_all else "ok"
    assert server.outcome(rpc.name, request, own) == expected


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("unknown", "ResourceNotFoundException"),
        ("", "ValidationException"),
        ("a/b", "ValidationException"),
        ("a\0b", "ValidationException"),
    ],
    ids=repr,
)
def test_a_call_about_no_app_monitor_is_not_forwarded(
    server: Authorized, projector: Projector, name: str, outcome: str
) -> None:
    request = pb.GetOverviewRequest(app_monitor=name)

    assert server.outcome("GetOverview", request, _admin(server)) == outcome
    assert projector.calls == []


@pytest.mark.parametrize(
    ("code", "text", "rejection"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, "after is ...", "ValidationException: after is ..."),
        (grpc.StatusCode.NOT_FOUND, "No group.", "ResourceNotFoundException: No group."),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "Too slow.", "QueryTimeoutException: Too slow."),
        (
            grpc.StatusCode.UNAVAILABLE,
            "a path",
            "ProjectionUnavailableException: The projector is not running.",
        ),
        (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "Concurrent RPC limit exceeded!",
            "ThrottlingException: The projector has too many calls in progress.",
        ),
        (
            grpc.StatusCode.UNKNOWN,
            "a secret",
            "InternalServerException: Internal service exception.",
        ),
    ],
    ids=str,
)
def test_a_failure_of_the_projector_becomes_an_exception(
    server: Authorized,
    projector: Projector,
    code: grpc.StatusCode,
    text: str,
    rejection: str,
) -> None:
    projector.failure = code, text

    assert server.rejection("GetOverview", _OVERVIEW, _admin(server)) == rejection


def test_without_a_projector_the_exception_says_when_to_retry(
    loop: LoopThread, tmp_path: Path
) -> None:
    with authorized(loop, tmp_path, projector_socket=tmp_path / "none.sock") as server:
        server.monitor("shop")
        with pytest.raises(grpc.RpcError) as raised:
            server.call("GetOverview", _OVERVIEW, _admin(server))

    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    assert raised.value.details() == "The projector is not running."


def test_at_most_16_calls_are_forwarded_at_once(
    loop: LoopThread, server: Authorized, projector: Projector
) -> None:
    loop.run(_set(projector.release, False))
    with ThreadPoolExecutor(17) as callers:
        waiting = [
            callers.submit(server.outcome, "GetOverview", _OVERVIEW, _admin(server))
            for _ in range(17)
        ]
        # 16 of them wait in the projector, so the first that ends is the one too many.
        first = next(iter(_ended(waiting)))
        loop.run(_set(projector.release, True))
        outcomes = sorted(call.result() for call in waiting)

    assert first == "ThrottlingException"
    assert outcomes == ["ThrottlingException", *["ok"] * 16]
    assert len(projector.calls) == 16


def _ended(calls: list[Any]) -> Iterator[str]:
    from concurrent.futures import as_completed

    for call in as_completed(calls):
        yield call.result()


async def _set(event: asyncio.Event, value: bool) -> None:
    if value:
        event.set()
    else:
        event.clear()


def _request(rpc: Any) -> Any:
    request = getattr(pb, rpc.input_type.name)()
    if "app_monitor" in rpc.input_type.fields_by_name:
        request.app_monitor = "shop"
    return request


def test_the_methods_are_those_of_the_contract() -> None:
    assert {rpc.name for rpc in _RPCS} == {
        rpc.name for rpc in RPCS.values() if rpc.containing_service.name == "InsightService"
    }
