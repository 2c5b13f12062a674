"""What somebody can do who has a bridge's token: relay, and nothing of their own."""

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
    named,
    signature_of,
    signed,
)
from tests.service.served import LoopThread
from tests.support.batches import message

WRONG = "InvalidSignatureException"
MISSING = "MissingAuthenticationTokenException"
_ALLOW_ALL = """{"Statement": {"Effect": "Allow", "Principal": "*", "Resource": "*",
"Action": "rum:PutRumEvents"}}"""


@dataclass
class Captured:
    """A service whose `shop` has a key that may do everything, and what it signed on the way."""

    service: Authorized
    shop: str
    other: str
    allowed: str


@pytest.fixture(scope="module")
def at(loop: LoopThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Captured]:
    with authorized(loop, tmp_path_factory.mktemp("bridge")) as service:
        shop, other, allowed = (service.monitor(name) for name in ("shop", "other", "allowed"))
        for name in ("appmonitor", "policy"):
            service.monitor(name)
        service.policy("allowed", _ALLOW_ALL)
        service.import_key("admin")
        yield Captured(service, shop, other, allowed)


def _look(at: Captured, report: HttpCaller, name: str = "shop") -> str:
    request = pb.GetAppMonitorRequest(name=name)
    return at.service.outcome("GetAppMonitor", request, at.service.relayed(report))


def test_with_its_token_alone_it_may_nothing_but_what_policies_allow_anybody(at: Captured) -> None:
    found = {}
    for name, rpc in {rpc.name: rpc for rpc in RPCS.values()}.items():
        request = GetMessageClass(rpc.input_type)()
        if "PutRumEvents" not in name:
            found[name] = at.service.outcome(name, request, bearer(at.service.bridge))

    assert len(found) == len(RPCS) - 2
    assert set(found.values()) == {MISSING}
    assert at.service.put(at.shop, bearer(at.service.bridge)) == MISSING
    assert at.service.relay_put(at.shop, HttpCaller(source_ip="10.0.0.1")) == MISSING
    assert at.service.relay_put(at.allowed, HttpCaller(source_ip="10.0.0.1")) == OK


@pytest.mark.parametrize("name", [rpc for rpc in METHOD_OF if "PutRumEvents" not in rpc])
def test_a_signature_for_one_app_monitors_put_is_good_for_nothing_else(
    at: Captured, name: str
) -> None:
    report = signed("POST", f"/appmonitors/{at.shop}")
    request: Message = GetMessageClass(RPCS[METHOD_OF[name]].input_type)()
    for member in ("name", "app_monitor_name"):
        if member in request.DESCRIPTOR.fields_by_name:
            setattr(request, member, "shop")

    assert at.service.outcome(name, request, at.service.relayed(report)) == WRONG


def test_a_captured_signature_puts_to_its_own_app_monitor_alone(at: Captured) -> None:
    report = signed("POST", f"/appmonitors/{at.shop}")

    assert at.service.relay_put(at.shop, report) == OK
    assert at.service.relay_put(at.other, report) == WRONG


@pytest.mark.parametrize("prefix", ["", "/rum", "/a/b%20c", "/x/tags", "/appmonitor/x"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_the_path_may_have_any_prefix_and_a_slash_at_its_end(
    at: Captured, prefix: str, slash: str
) -> None:
    assert (
        at.service.relay_put(at.shop, signed("POST", f"{prefix}/appmonitors/{at.shop}{slash}"))
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
def test_a_signature_of_another_path_is_refused(at: Captured, method: str, target: str) -> None:
    report = signed(method, target.format(shop=at.shop, other=at.other))

    assert at.service.relay_put(at.shop, report) == WRONG


def test_names_that_are_words_of_paths_do_not_turn_one_operation_into_another(
    at: Captured,
) -> None:
    """The policy of `appmonitor` is at /appmonitor/appmonitor/policy."""
    of_policy = signed("DELETE", "/appmonitor/appmonitor/policy")
    service = at.service
    delete = pb.DeleteAppMonitorRequest(name="policy")
    meant = DeleteResourcePolicyRequest(name="appmonitor")

    assert service.outcome("DeleteAppMonitor", delete, service.relayed(of_policy)) == WRONG
    assert _look(at, signed("GET", "/appmonitor/appmonitor/policy"), "policy") == WRONG
    assert _look(at, signed("GET", "/tags/arn:aws:rum:a:1:x/appmonitor/shop")) == WRONG
    assert (
        service.outcome("DeleteResourcePolicy", meant, service.relayed(of_policy))
        == "PolicyNotFoundException"
    )
    assert _look(at, signed("GET", "/appmonitor/policy"), "policy") == OK
    assert _look(at, signed("GET", "/prefix/appmonitor/policy"), "policy") == OK


@pytest.mark.parametrize("rpc", ["CreateToken", "CreateAccessKey", "ListCredentials"])
@pytest.mark.parametrize(
    "target", ["/", "/appmonitors", "/rum.operator.v1.OperatorService/CreateToken"]
)
def test_no_signature_makes_or_lists_credentials(at: Captured, rpc: str, target: str) -> None:
    request = GetMessageClass(RPCS[METHOD_OF[rpc]].input_type)()

    assert at.service.outcome(rpc, request, at.service.relayed(signed("POST", target))) == WRONG


def test_a_captured_signature_is_good_until_it_expires(at: Captured) -> None:
    target, now = f"/appmonitors/{at.shop}", datetime.now(UTC)

    def put(age_s: int, presigned_s: int | None = None) -> str:
        made = signed("POST", target, at=now - timedelta(seconds=age_s), presigned_s=presigned_s)
        return at.service.relay_put(at.shop, made)

    assert [put(240), put(310), put(-310)] == [OK, WRONG, WRONG]
    assert [put(40, 60), put(70, 60), put(3600, 7200)] == [OK, WRONG, OK]


def test_events_can_be_put_in_place_of_those_that_were_signed(at: Captured) -> None:
    """The bridge computes the body's hash: that it is the body's nobody else can say."""
    report = signed("POST", f"/appmonitors/{at.shop}", body=b"something else")

    assert at.service.relay_put(at.shop, report) == OK


def test_a_signed_header_may_hold_any_byte(at: Captured) -> None:
    """Of a report made by hand: botocore decodes what urllib3 would send as Latin-1."""
    report = signed("POST", f"/appmonitors/{at.shop}", headers=[("X-Amz-Name", "NAME")])
    request = report.signed_request
    request.canonical_request = request.canonical_request.replace(b"NAME", b"caf\xe9")
    request.signature = signature_of(request)

    assert at.service.relay_put(at.shop, report) == OK


def test_a_relayed_bearer_is_taken_for_no_bridge(at: Captured) -> None:
    report = HttpCaller(bearer_token=at.service.bridge, source_ip="10.0.0.1")

    assert at.service.relay_put(at.shop, report) == "UnrecognizedClientException"


def test_each_entry_is_judged_by_its_own_report(at: Captured) -> None:
    reports = [
        HttpCaller(),
        signed("POST", f"/appmonitors/{at.shop}"),
        signed("POST", f"/appmonitors/{at.other}"),
        HttpCaller(bearer_token=at.service.operator),
    ]
    request = BatchPutRumEventsRequest(
        entries=[
            BatchPutRumEventsEntry(request=message(at.shop), caller=report) for report in reports
        ]
    )
    answer = at.service.answer("BatchPutRumEvents", request, bearer(at.service.bridge))

    assert [named(status) for status in answer.statuses] == [MISSING, OK, WRONG, OK]
