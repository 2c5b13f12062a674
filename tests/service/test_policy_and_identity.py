"""Policy and identity together decide on a put; a policy reads the caller and the request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from rum.internal.v1.caller_pb2 import HttpCaller
from rum.v1.control_plane_service_pb2 import GetAppMonitorRequest
from rum.v1.resource_policy_pb2 import DeleteResourcePolicyRequest
from tests.service.authorized import OK, Authorized, authorized, bearer, signed
from tests.service.served import LoopThread

DENIED = "AccessDeniedException"
MISSING = "MissingAuthenticationTokenException"
ACCOUNT = "123456789012"
_MATCHES_NOTHING = {"Condition": {"StringEquals": {"rum:alias": "never"}}}


def document(*effects: str, **members: Any) -> str:
    """Return a policy with one statement for each effect. All have these members."""
    statement = {"Principal": "*", "Action": "rum:PutRumEvents", "Resource": "*", **members}
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": e, **statement} for e in effects]}
    )


@dataclass
class World:
    service: Authorized
    monitor: str
    reports: dict[str, HttpCaller]

    def put(self, policy: str, report: HttpCaller, **members: Any) -> str:
        self.service.policy("shop", policy)
        return self.service.relay_put(self.monitor, report, **members)


@pytest.fixture(scope="module")
def world(loop: LoopThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("policy")
    with authorized(loop, folder, account_id=ACCOUNT, region="us-west-2") as service:
        monitor = service.monitor("shop")
        service.monitor("other")
        service.import_key("write")
        tokens = {
            "admin": service.token("admin", "admin"),
            "write": service.token("writer", "write"),
            "read": service.token("reader", "read"),
            "write to shop": service.token("of-shop", "write", monitor="shop"),
            "write to other": service.token("of-other", "write", monitor="other"),
        }
        reports = {name: HttpCaller(bearer_token=token) for name, token in tokens.items()}
        reports |= {"anonymous": HttpCaller(), "signer": signed("POST", f"/appmonitors/{monitor}")}
        yield World(service, monitor, reports)


@pytest.mark.parametrize(
    ("caller", "allow", "deny", "silent"),
    [
        ("anonymous", OK, DENIED, MISSING),
        ("read", OK, DENIED, DENIED),
        ("write", OK, DENIED, OK),
        ("write to shop", OK, DENIED, OK),
        ("write to other", OK, DENIED, DENIED),
        ("signer", OK, DENIED, OK),
        ("admin", OK, DENIED, OK),
    ],
)
def test_a_deny_wins_then_an_allow_then_the_access_of_the_caller(
    world: World, caller: str, allow: str, deny: str, silent: str
) -> None:
    report = world.reports[caller]

    assert world.put(document("Allow"), report) == allow
    assert world.put(document("Allow", "Deny"), report) == deny
    assert world.put(document("Allow", "Deny", **_MATCHES_NOTHING), report) == silent


@pytest.mark.parametrize(
    ("principal", "caller", "outcome"),
    [
        ({"AWS": ACCOUNT}, "read", OK),
        ({"AWS": ACCOUNT}, "anonymous", MISSING),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:user/reader"}, "read", OK),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:user/Reader"}, "read", DENIED),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:user/reader"}, "anonymous", MISSING),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:user/signer"}, "read", DENIED),
        ({"AWS": "210987654321"}, "read", DENIED),
        ({"AWS": "210987654321"}, "write", OK),
    ],
    ids=str,
)
def test_a_policy_names_a_caller_by_the_arn_of_its_credential(
    world: World, principal: dict[str, str], caller: str, outcome: str
) -> None:
    assert world.put(document("Allow", Principal=principal), world.reports[caller]) == outcome


@pytest.mark.parametrize(
    ("resource", "outcome"),
    [
        (f"arn:aws:rum:us-west-2:{ACCOUNT}:appmonitor/shop", OK),
        (f"arn:aws:rum:*:{ACCOUNT}:appmonitor/s*", OK),
        (f"arn:aws:rum:us-west-2:{ACCOUNT}:appmonitor/other", MISSING),
        (f"arn:aws:rum:eu-west-1:{ACCOUNT}:appmonitor/shop", MISSING),
        ("arn:aws:rum:us-west-2:210987654321:appmonitor/shop", MISSING),
    ],
)
def test_a_policy_applies_to_the_arn_of_the_app_monitor(
    world: World, resource: str, outcome: str
) -> None:
    assert world.put(document("Allow", Resource=resource), HttpCaller()) == outcome


@pytest.mark.parametrize(
    ("condition", "good", "bad"),
    [
        ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, "192.0.2.9", "198.51.100.9"),
        ({"IpAddress": {"aws:SourceIp": "2001:db8::/32"}}, "2001:db8::1", "2001:db9::1"),
        ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, "::ffff:192.0.2.9", ""),
        ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, "127.0.0.1", "no address"),
    ],
    ids=str,
)
def test_the_source_ip_is_the_one_the_bridge_reports(
    world: World, condition: Any, good: str, bad: str
) -> None:
    policy = document("Allow", Condition=condition)

    assert world.put(policy, HttpCaller(source_ip=good)) == OK
    assert world.put(policy, HttpCaller(source_ip=bad)) == MISSING
    assert world.put(policy, HttpCaller()) == MISSING


def test_a_report_without_the_bridge_token_does_not_hide_the_source_ip(world: World) -> None:
    """It would leave the request without an address, and a Deny for this address evaded."""
    statements = [
        json.loads(document("Allow"))["Statement"][0],
        json.loads(document("Deny", Condition={"IpAddress": {"aws:SourceIp": "127.0.0.1"}}))[
            "Statement"
        ][0],
    ]
    world.service.policy("shop", json.dumps({"Statement": statements}))
    writer = world.service.token("direct", "write")
    reports = [b"", HttpCaller(source_ip="192.0.2.9").SerializeToString()]
    puts = [
        world.service.put(world.monitor, [*credentials, ("rum-caller-bin", report)], entry=entry)
        for credentials in ([], bearer(writer), bearer(world.service.operator))
        for report in reports
        for entry in (False, True)
    ]
    entries = [world.service.put(world.monitor, bearer(writer), entry=entry) for entry in (0, 1)]

    assert set(puts + entries) == {DENIED}
    assert world.service.relay_put(world.monitor, HttpCaller(source_ip="192.0.2.9")) == OK


def test_without_a_report_the_source_ip_is_that_of_the_connection(world: World) -> None:
    connected = document("Allow", Condition={"IpAddress": {"aws:SourceIp": "127.0.0.1"}})
    world.service.policy("shop", connected)

    assert world.service.put(world.monitor) == OK


@pytest.mark.parametrize(
    ("key", "member"), [("aws:Referer", "referer"), ("aws:UserAgent", "user_agent")]
)
def test_referer_and_user_agent_are_those_the_bridge_reports(
    world: World, key: str, member: str
) -> None:
    policy = document("Allow", Condition={"StringLike": {key: "*shop*"}})

    assert world.put(policy, HttpCaller(**{member: "a shop b"})) == OK
    assert world.put(policy, HttpCaller(**{member: "a b"})) == MISSING
    assert world.put(policy, HttpCaller()) == MISSING


def test_the_alias_is_that_of_the_batch(world: World) -> None:
    policy = document("Allow", Condition={"StringEquals": {"rum:alias": ["checkout"]}})

    assert world.put(policy, HttpCaller(), alias="checkout") == OK
    assert world.put(policy, HttpCaller(), alias="Checkout") == MISSING
    assert world.put(policy, HttpCaller()) == MISSING


def test_a_changed_policy_applies_to_the_next_put(world: World) -> None:
    outcomes = [
        world.put(document(effect), world.reports["write"]) for effect in ("Allow", "Deny") * 5
    ]
    delete = DeleteResourcePolicyRequest(name="shop")
    world.service.call("DeleteResourcePolicy", delete, bearer(world.service.operator))

    assert outcomes == [OK, DENIED] * 5
    assert world.service.relay_put(world.monitor, HttpCaller()) == MISSING
    assert world.service.relay_put(world.monitor, world.reports["write"]) == OK


def test_a_policy_allows_nothing_except_puts(world: World) -> None:
    world.service.policy("shop", document("Allow", Action="*"))

    assert world.service.outcome("GetAppMonitor", GetAppMonitorRequest(name="shop")) == MISSING
