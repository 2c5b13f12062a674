"""An attacker with the bridge token can relay captured signatures, and nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from rum.internal.v1.bridge_service_pb2 import BatchPutRumEventsEntry, BatchPutRumEventsRequest
from rum.internal.v1.caller_pb2 import HttpCaller
from rum.v1 import control_plane_service_pb2 as pb
from rum.v1.resource_policy_pb2 import DeleteResourcePolicyRequest
from tests.service.authorized import (
    METHOD_OF,
    OK,
    RPCS,
    Authorized,
    authorized,
    bearer,
    outcome_of,
    signature_of,
    signed,
)
from tests.service.served import LoopThread
from tests.support.batches import message

WRONG = "InvalidSignatureException"
MISSING = "MissingAuthenticationTokenException"
_ALLOW_ALL = """{"Statement": {"Effect": "Allow", "Principal": "*", "Resource": "*",
"Action": "rum:PutRumEvents"}}"""
_MANAGING = [
    rpc.name
    for rpc in RPCS.values()
    if rpc.containing_service.name in ("ControlPlaneService", "OperatorService")
]
"""Every rpc but puts and what a bridge asks."""


@dataclass
class World:
    """A service with an access key that has admin access, and three app monitors."""

    service: Authorized
    shop: str
    other: str
    allowed: str


@pytest.fixture(scope="module")
def world(loop: LoopThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with authorized(loop, tmp_path_factory.mktemp("bridge")) as service:
        shop, other, allowed = (service.monitor(name) for name in ("shop", "other", "allowed"))
        for name in ("appmonitor", "policy"):
            service.monitor(name)
        service.policy("allowed", _ALLOW_ALL)
        service.import_key("admin")
        yield World(service, shop, other, allowed)


def _get_app_monitor(world: World, report: HttpCaller, name: str = "shop") -> str:
    request = pb.GetAppMonitorRequest(name=name)
    return world.service.outcome("GetAppMonitor", request, world.service.relayed(report))


def test_the_bridge_token_alone_allows_only_puts_that_a_policy_allows_anyone(world: World) -> None:
    outcomes = {}
    for name in _MANAGING:
        request = GetMessageClass(RPCS[METHOD_OF[name]].input_type)()
        outcomes[name] = world.service.outcome(name, request, bearer(world.service.bridge))

    assert set(outcomes.values()) == {MISSING}
    assert world.service.put(world.shop, bearer(world.service.bridge)) == MISSING
    assert world.service.relay_put(world.shop, HttpCaller(source_ip="10.0.0.1")) == MISSING
    assert world.service.relay_put(world.allowed, HttpCaller(source_ip="10.0.0.1")) == OK


@pytest.mark.parametrize("name", _MANAGING)
def test_a_signature_for_a_put_is_rejected_for_any_other_operation(world: World, name: str) -> None:
    report = signed("POST", f"/appmonitors/{world.shop}")
    request: Message = GetMessageClass(RPCS[METHOD_OF[name]].input_type)()
    for member in ("name", "app_monitor_name"):
        if member in request.DESCRIPTOR.fields_by_name:
            setattr(request, member, "shop")

    assert world.service.outcome(name, request, world.service.relayed(report)) == WRONG


def test_a_captured_signature_can_put_only_to_its_own_app_monitor(world: World) -> None:
    report = signed("POST", f"/appmonitors/{world.shop}")

    assert world.service.relay_put(world.shop, report) == OK
    assert world.service.relay_put(world.other, report) == WRONG


@pytest.mark.parametrize("prefix", ["", "/rum", "/a/b%20c", "/x/tags", "/appmonitor/x"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_the_signed_path_can_have_a_prefix_and_a_trailing_slash(
    world: World, prefix: str, slash: str
) -> None:
    assert (
        world.service.relay_put(
            world.shop, signed("POST", f"{prefix}/appmonitors/{world.shop}{slash}")
        )
        == OK
    )


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("PUT", "/appmonitors/{shop}"),
        ("GET", "/appmonitors/{shop}"),
        ("POST", "/appmonitors/{shop}/x"),
        ("POST", "/appmonitors/x{shop}"),
        ("POST", "/xappmonitors/{other}"),
        ("POST", "/{shop}"),
        ("POST", "/"),
        ("POST", "/x?/appmonitors/{shop}"),
        ("POST", "/x%3F/appmonitors/{other}"),
        ("POST", "/appmonitors/{shop}%0a"),
        ("POST", "/appmonitors/{shop}/.."),
    ],
)
def test_a_signature_for_another_path_is_rejected(world: World, method: str, target: str) -> None:
    report = signed(method, target.format(shop=world.shop, other=world.other))

    assert world.service.relay_put(world.shop, report) == WRONG


def test_an_app_monitor_named_like_a_path_segment_does_not_confuse_operations(
    world: World,
) -> None:
    """The policy of `appmonitor` is at /appmonitor/appmonitor/policy."""
    policy_report = signed("DELETE", "/appmonitor/appmonitor/policy")
    service = world.service
    delete = pb.DeleteAppMonitorRequest(name="policy")
    delete_policy = DeleteResourcePolicyRequest(name="appmonitor")

    assert service.outcome("DeleteAppMonitor", delete, service.relayed(policy_report)) == WRONG
    assert (
        _get_app_monitor(world, signed("GET", "/appmonitor/appmonitor/policy"), "policy") == WRONG
    )
    assert (
        _get_app_monitor(world, signed("GET", "/tags/arn:aws:rum:a:1:x/appmonitor/shop")) == WRONG
    )
    assert (
        service.outcome("DeleteResourcePolicy", delete_policy, service.relayed(policy_report))
        == "PolicyNotFoundException"
    )
    assert _get_app_monitor(world, signed("GET", "/appmonitor/policy"), "policy") == OK
    assert _get_app_monitor(world, signed("GET", "/prefix/appmonitor/policy"), "policy") == OK


@pytest.mark.parametrize("rpc", ["CreateToken", "CreateAccessKey", "ListCredentials"])
@pytest.mark.parametrize(
    "target", ["/", "/appmonitors", "/rum.operator.v1.OperatorService/CreateToken"]
)
def test_no_signature_is_valid_for_credential_operations(
    world: World, rpc: str, target: str
) -> None:
    request = GetMessageClass(RPCS[METHOD_OF[rpc]].input_type)()

    assert (
        world.service.outcome(rpc, request, world.service.relayed(signed("POST", target))) == WRONG
    )


def test_a_captured_signature_is_valid_until_it_expires(world: World) -> None:
    target, now = f"/appmonitors/{world.shop}", datetime.now(UTC)

    def put(age_s: int, presigned_s: int | None = None) -> str:
        report = signed("POST", target, at=now - timedelta(seconds=age_s), presigned_s=presigned_s)
        return world.service.relay_put(world.shop, report)

    assert [put(240), put(310), put(-310)] == [OK, WRONG, WRONG]
    assert [put(40, 60), put(70, 60), put(3600, 7200)] == [OK, WRONG, OK]


def test_a_bridge_can_replace_the_events_of_a_signed_put(world: World) -> None:
    """The service cannot verify the hash of the body, because only the bridge sees the body."""
    report = signed("POST", f"/appmonitors/{world.shop}", body=b"something else")

    assert world.service.relay_put(world.shop, report) == OK


def test_a_signed_header_can_contain_any_byte(world: World) -> None:
    """The test changes the report and signs it again: botocore cannot sign this header as sent."""
    report = signed("POST", f"/appmonitors/{world.shop}", headers=[("X-Amz-Name", "NAME")])
    request = report.signed_request
    request.canonical_request = request.canonical_request.replace(b"NAME", b"caf\xe9")
    request.signature = signature_of(request)

    assert world.service.relay_put(world.shop, report) == OK


def test_a_relayed_bridge_token_is_not_a_credential(world: World) -> None:
    report = HttpCaller(bearer_token=world.service.bridge, source_ip="10.0.0.1")

    assert world.service.relay_put(world.shop, report) == "UnrecognizedClientException"


def test_each_entry_is_authorized_by_its_own_report(world: World) -> None:
    reports = [
        HttpCaller(),
        signed("POST", f"/appmonitors/{world.shop}"),
        signed("POST", f"/appmonitors/{world.other}"),
        HttpCaller(bearer_token=world.service.token("writer", "write")),
        HttpCaller(bearer_token=world.service.operator),
    ]
    request = BatchPutRumEventsRequest(
        entries=[
            BatchPutRumEventsEntry(request=message(world.shop).SerializeToString(), caller=report)
            for report in reports
        ]
    )
    response = world.service.call("BatchPutRumEvents", request, bearer(world.service.bridge))

    outcomes = [outcome_of(status) for status in response.statuses]
    assert outcomes == [MISSING, OK, WRONG, OK, "AccessDeniedException"]
