"""Callers of few rights call every method of the running server, with an empty message.

`test_authorization.py` has more callers, and requests that name an app monitor.
"""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from google.protobuf import descriptor_pool
from grpc_reflection.v1alpha import reflection_pb2_grpc
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest

from tests.service.authorized import Authorized, authorized, bearer, outcome_of, status_of
from tests.service.served import LoopThread
from tests.service.test_authorization import CALLS

_TIMEOUT_S = 30.0
_MISSING, _UNKNOWN = "MissingAuthenticationTokenException", "UnrecognizedClientException"
_DENIED, _INVALID = "AccessDeniedException", "ValidationException"
_ALLOWED = "allowed"
_CALLERS = ("anonymous", "unknown token", "read token", "write token", "token for other")
_OUTCOMES = {
    "read": (_MISSING, _UNKNOWN, _ALLOWED, _DENIED, _DENIED),
    "list": (_MISSING, _UNKNOWN, _ALLOWED, _DENIED, _DENIED),
    "change": (_MISSING, _UNKNOWN, _DENIED, _DENIED, _DENIED),
    "operate": (_MISSING, _UNKNOWN, _DENIED, _DENIED, _DENIED),
    # A policy can allow anyone to put, so the message is parsed first.
    "put": (_INVALID, _UNKNOWN, _INVALID, _INVALID, _INVALID),
    "bridge": (_DENIED, _DENIED, _DENIED, _DENIED, _DENIED),
    "health": (_ALLOWED, _ALLOWED, _ALLOWED, _ALLOWED, _ALLOWED),
}
"""What each caller gets, by the kind of method."""
_KINDS = {
    **{rpc: kind for kind, calls in CALLS.items() for rpc, _ in calls},
    "ServerReflectionInfo": "list",
    "PutRumEvents": "put",
    "BatchPutRumEvents": "put",
    "CheckBridge": "bridge",
    "CheckAppMonitor": "bridge",
    "CheckCaller": "bridge",
    "Check": "health",
    "Watch": "health",
}
_NOT_IMPLEMENTED = {"/grpc.health.v1.Health/List"}


@pytest.fixture(scope="module")
def required(loop: LoopThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authorized]:
    with authorized(loop, tmp_path_factory.mktemp("required")) as service:
        service.monitor("other")
        yield service


def test_every_method_rejects_callers_without_its_rights(required: Authorized) -> None:
    """A method that has no kind yet fails this test."""
    tokens = {
        "unknown token": "openrum_" + "x" * 43,
        "read token": required.token("r", "read"),
        "write token": required.token("w", "write"),
        "token for other": required.token("o", "read", "write", monitor="other"),
    }
    with grpc.insecure_channel(required.address) as channel:
        methods = _methods(channel, required.operator)
        outcomes = {
            method: tuple(_outcome(channel, method, tokens.get(caller)) for caller in _CALLERS)
            for method in methods - _NOT_IMPLEMENTED
        }

    kinds = {method: _KINDS[method.rpartition("/")[2]] for method in methods - _NOT_IMPLEMENTED}
    assert {method: _OUTCOMES[kind] for method, kind in kinds.items()} == outcomes


def _methods(channel: grpc.Channel, token: str) -> set[str]:
    """Return the methods of all services that the server describes."""
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    request = ServerReflectionRequest(list_services="")
    (response,) = stub.ServerReflectionInfo(
        iter([request]), metadata=bearer(token), timeout=_TIMEOUT_S
    )
    pool = descriptor_pool.Default()
    return {
        f"/{found.name}/{method.name}"
        for found in response.list_services_response.service
        for method in pool.FindServiceByName(found.name).methods
    }


def _outcome(channel: grpc.Channel, method: str, token: str | None) -> str:
    """Return the exception if it is about the caller or a put, or else `allowed`."""
    metadata = bearer(token) if token else None
    call = channel.stream_stream(method)(iter([b""]), metadata=metadata, timeout=_TIMEOUT_S)
    try:
        next(call)
    except grpc.RpcError as error:
        outcome = outcome_of(status_of(error))
        is_put = method.endswith("PutRumEvents")
        return outcome if is_put or outcome in (_MISSING, _UNKNOWN, _DENIED) else _ALLOWED
    finally:
        call.cancel()
    return _ALLOWED
