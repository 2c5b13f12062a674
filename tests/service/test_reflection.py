"""Server reflection describes the services to authorized callers only."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2_grpc
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest

from tests.service.authorized import (
    OK,
    Authorized,
    Metadata,
    authorized,
    bearer,
    outcome_of,
    status_of,
)
from tests.service.served import LoopThread

_REQUESTS = [
    ServerReflectionRequest(list_services=""),
    ServerReflectionRequest(file_containing_symbol="rum.operator.v1.OperatorService"),
]


@pytest.fixture(scope="module")
def required(loop: LoopThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authorized]:
    with authorized(loop, tmp_path_factory.mktemp("required")) as service:
        service.monitor("shop")
        yield service


def _reflect(service: Authorized, metadata: Metadata | None = None) -> str:
    """Return `ok` if the service answers all requests, or the exception."""
    with grpc.insecure_channel(service.address) as channel:
        call = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(
            iter(_REQUESTS), metadata=metadata, timeout=30
        )
        try:
            listed, described = call
        except grpc.RpcError as error:
            return outcome_of(status_of(error))
    names = {found.name for found in listed.list_services_response.service}
    assert "rum.operator.v1.OperatorService" in names
    assert described.file_descriptor_response.file_descriptor_proto
    return OK


def test_reflection_needs_read_access_where_callers_are_authorized(required: Authorized) -> None:
    tokens = {
        "operator": required.operator,
        "admin": required.token("a", "admin"),
        "read": required.token("r", "read"),
        "write": required.token("w", "write"),
        "read shop": required.token("rs", "read", monitor="shop"),
        "bridge": required.bridge,
        "unknown": "openrum_unknown",
    }

    assert {name: _reflect(required, bearer(token)) for name, token in tokens.items()} == {
        "operator": OK,
        "admin": OK,
        "read": OK,
        "write": "AccessDeniedException",
        "read shop": "AccessDeniedException",
        "bridge": "MissingAuthenticationTokenException",
        "unknown": "UnrecognizedClientException",
    }
    assert _reflect(required) == "MissingAuthenticationTokenException"
    assert _reflect(required, [("rum-caller-bin", b"")]) == "AccessDeniedException"


def test_reflection_is_open_while_callers_are_not_authorized(
    loop: LoopThread, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with authorized(loop, tmp_path_factory.mktemp("off"), auth="auto") as service:
        assert _reflect(service) == OK
