"""Puts are rejected in this order: too long, wrong caller, unknown app monitor, invalid."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import grpc
import pytest

from tests.service.authorized import OK, Authorized, authorized, bearer, outcome_of, status_of
from tests.service.served import LoopThread
from tests.support.batches import message, new_id

_PUT = "/rum.v1.DataPlaneService/PutRumEvents"
_INVALID, _MISSING = "ValidationException", "MissingAuthenticationTokenException"
_UNKNOWN = "UnrecognizedClientException"
_NOT_A_MESSAGE = b"\xff\xff"
_ALLOW_ALL = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",'
    '"Action":"rum:PutRumEvents","Resource":"*"}]}'
)


@pytest.fixture(scope="module")
def service(loop: LoopThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authorized]:
    with authorized(loop, tmp_path_factory.mktemp("required")) as running:
        yield running


@pytest.fixture(scope="module")
def closed(service: Authorized) -> str:
    """The ID of an app monitor without a policy."""
    return service.monitor("closed")


@pytest.fixture(scope="module")
def public(service: Authorized) -> str:
    """The ID of an app monitor to which anonymous callers may send."""
    monitor_id = service.monitor("public")
    service.policy("public", _ALLOW_ALL)
    return monitor_id


def _put(service: Authorized, content: bytes, token: str = "") -> str:
    metadata = bearer(token) if token else None
    with grpc.insecure_channel(service.address) as channel:
        try:
            channel.unary_unary(_PUT)(content, metadata=metadata, timeout=10)
        except grpc.RpcError as error:
            return outcome_of(status_of(error))
    return OK


def _id(monitor_id: str) -> bytes:
    return b"\x0a\x24" + monitor_id.encode()


def test_the_caller_and_the_app_monitor_are_checked_before_the_request_is_parsed(
    service: Authorized, closed: str, public: str
) -> None:
    writer = service.token("writer", "write")
    content = _id(closed) + _NOT_A_MESSAGE
    unknown = _id(new_id()) + _NOT_A_MESSAGE

    assert _put(service, content) == _MISSING
    assert _put(service, content, "openrum_unknown") == _UNKNOWN
    assert _put(service, unknown, writer) == "ResourceNotFoundException"
    assert _put(service, content, writer) == _INVALID
    assert _put(service, _id(public) + _NOT_A_MESSAGE) == _INVALID


def test_a_wrong_token_is_rejected_before_the_request_is_received(service: Authorized) -> None:
    ended = threading.Event()

    def nothing() -> Iterator[bytes]:
        ended.wait(10)
        yield from ()

    with grpc.insecure_channel(service.address) as channel:
        call = channel.stream_unary(_PUT)
        try:
            with pytest.raises(grpc.RpcError) as rejected:
                call(nothing(), metadata=bearer("openrum_unknown"), timeout=10)
        finally:
            ended.set()

    assert outcome_of(status_of(rejected.value)) == _UNKNOWN


def test_members_may_have_any_order(service: Authorized, public: str) -> None:
    content = message(public).SerializeToString()
    head = _id(public)

    assert content.startswith(head)
    assert _put(service, content[len(head) :] + head) == OK


def test_an_app_monitor_is_named_once(service: Authorized, closed: str, public: str) -> None:
    content = message(public).SerializeToString()

    assert _put(service, content + _id(closed)) == _INVALID


def test_a_long_put_without_an_app_monitor_is_rejected(service: Authorized) -> None:
    writer = service.token("other", "write")

    assert _put(service, message("", events=1000).SerializeToString(), writer) == _INVALID
    assert _put(service, message("").SerializeToString(), writer) == _INVALID
