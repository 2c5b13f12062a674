"""Who may do what: every kind of caller against every kind of call, open and required."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from rum.internal.v1.caller_pb2 import HttpCaller
from rum.operator.v1 import operator_service_pb2
from rum.v1 import control_plane_service_pb2 as pb
from rum.v1 import metrics_pb2, resource_policy_pb2, tags_pb2
from rum_service.auth.operations import operation_of
from tests.service.authorized import (
    METHOD_OF,
    OK,
    RPCS,
    Authorized,
    Metadata,
    authorized,
    bearer,
    signed,
    with_wrong_signature,
)
from tests.service.served import LoopThread
from tests.support.batches import message
from tests.support.services import ACCOUNT

_ARN = f"arn:aws:rum:us-west-2:{ACCOUNT}:appmonitor/shop"

# What a column of the table stands for. Requests change nothing where they are let in: they fail
# then for what they ask, which is no failure of authorization.
CALLS: dict[str, list[tuple[str, Message]]] = {
    "look": [
        ("GetAppMonitor", pb.GetAppMonitorRequest(name="shop")),
        ("GetAppMonitorData", pb.GetAppMonitorDataRequest(name="shop", time_range={"after": 0})),
        ("ListTagsForResource", tags_pb2.ListTagsForResourceRequest(resource_arn=_ARN)),
        ("GetResourcePolicy", resource_policy_pb2.GetResourcePolicyRequest(name="shop")),
        (
            "ListRumMetricsDestinations",
            metrics_pb2.ListRumMetricsDestinationsRequest(app_monitor_name="shop"),
        ),
        (
            "BatchGetRumMetricDefinitions",
            metrics_pb2.BatchGetRumMetricDefinitionsRequest(app_monitor_name="shop"),
        ),
    ],
    "list": [("ListAppMonitors", pb.ListAppMonitorsRequest())],
    "change": [
        ("CreateAppMonitor", pb.CreateAppMonitorRequest(name="shop")),
        ("UpdateAppMonitor", pb.UpdateAppMonitorRequest(name="shop")),
        ("DeleteAppMonitor", pb.DeleteAppMonitorRequest(name="gone")),
        ("TagResource", tags_pb2.TagResourceRequest(resource_arn=_ARN)),
        ("UntagResource", tags_pb2.UntagResourceRequest(resource_arn=_ARN)),
        ("PutResourcePolicy", resource_policy_pb2.PutResourcePolicyRequest(name="shop")),
        ("DeleteResourcePolicy", resource_policy_pb2.DeleteResourcePolicyRequest(name="shop")),
        *(
            (rpc, GetMessageClass(RPCS[METHOD_OF[rpc]].input_type)(app_monitor_name="shop"))
            for rpc in (
                "PutRumMetricsDestination",
                "DeleteRumMetricsDestination",
                "BatchCreateRumMetricDefinitions",
                "BatchDeleteRumMetricDefinitions",
                "UpdateRumMetricDefinition",
            )
        ),
    ],
    "operate": [
        ("CreateAccessKey", operator_service_pb2.CreateAccessKeyRequest()),
        ("CreateToken", operator_service_pb2.CreateTokenRequest()),
        ("ListCredentials", operator_service_pb2.ListCredentialsRequest()),
        ("RevokeCredential", operator_service_pb2.RevokeCredentialRequest()),
    ],
}
_OF_AUTHORIZATION = {
    "denied": "AccessDeniedException",
    "missing": "MissingAuthenticationTokenException",
    "incomplete": "IncompleteSignatureException",
    "wrong": "InvalidSignatureException",
    "unknown": "UnrecognizedClientException",
}
_MALFORMED = "rum-caller-bin is not an HttpCaller."

# "in" is: let in, whatever comes of it. "invalid" is ValidationException.
REQUIRED = """
caller                              put      look     list     change   operate
nobody                              missing  missing  missing  missing  missing
operator                            in       in       in       in       in
write token                         in       denied   denied   denied   denied
read token                          denied   in       in       denied   denied
read and write token                in       in       in       denied   denied
admin token                         in       in       in       in       in
write token of the app monitor      in       denied   denied   denied   denied
read token of the app monitor       denied   in       denied   denied   denied
write token of another one          denied   denied   denied   denied   denied
read token of another one           denied   denied   denied   denied   denied
token of one that is gone           denied   denied   denied   denied   denied
revoked token                       unknown  unknown  unknown  unknown  unknown
expired token                       unknown  unknown  unknown  unknown  unknown
unknown token                       unknown  unknown  unknown  unknown  unknown
bearer without a token              missing  missing  missing  missing  missing
basic authorization                 missing  missing  missing  missing  missing
bridge                              missing  missing  missing  missing  missing
bridge, of nobody                   missing  missing  missing  missing  missing
bridge, of the operator             in       in       in       in       in
bridge, of a read token             denied   in       in       denied   denied
bridge, of its own token            unknown  unknown  unknown  unknown  unknown
bridge, of a fault                  incomplete incomplete incomplete incomplete incomplete
bridge, of an unknown key           unknown  unknown  unknown  unknown  unknown
bridge, of a wrong signature        wrong    wrong    wrong    wrong    wrong
bridge, of another operation        wrong    wrong    wrong    wrong    wrong
bridge, of bytes                    invalid  invalid  invalid  invalid  invalid
no bridge, of the operator          missing  missing  missing  missing  missing
no bridge, of bytes                 invalid  invalid  invalid  invalid  invalid
read token, of the operator         denied   in       in       denied   denied
unknown token, of the operator      unknown  unknown  unknown  unknown  unknown
"""
OPEN = """
caller                              put      look     list     change   operate
nobody                              in       in       in       in       in
unknown token                       in       in       in       in       in
revoked token                       in       in       in       in       in
read token                          in       in       in       in       in
bridge, of a fault                  in       in       in       in       in
bridge, of a wrong signature        in       in       in       in       in
bridge, of bytes                    invalid  invalid  invalid  invalid  invalid
no bridge, of bytes                 invalid  invalid  invalid  invalid  invalid
exposed bridge, of nobody           missing  missing  missing  missing  missing
exposed bridge, of the operator     in       in       in       in       in
no bridge, exposed, of the operator missing  missing  missing  missing  missing
"""


@dataclass
class World:
    """A service, its app monitor `shop`, and what each caller shows."""

    service: Authorized
    shop: str
    callers: dict[str, Metadata]


def _world(service: Authorized) -> World:
    shop = service.monitor("shop")
    service.monitor("other")
    service.monitor("soon-gone")
    token = service.token
    tokens = {
        "operator": service.operator,
        "write token": token("w", "write"),
        "read token": token("r", "read"),
        "read and write token": token("rw", "read", "write"),
        "admin token": token("a", "admin"),
        "write token of the app monitor": token("ws", "write", monitor="shop"),
        "read token of the app monitor": token("rs", "read", monitor="shop"),
        "write token of another one": token("wo", "write", monitor="other"),
        "read token of another one": token("ro", "read", monitor="other"),
        "token of one that is gone": token("g", "read", "write", monitor="soon-gone"),
        "revoked token": token("rev", "admin"),
        "expired token": service.expired_token(),
        "unknown token": "openrum_" + "x" * 43,
        "bearer without a token": "",
        "bridge": service.bridge,
    }
    gone = pb.DeleteAppMonitorRequest(name="soon-gone")
    service.answer("DeleteAppMonitor", gone, bearer(service.operator))
    service.revoke(tokens["revoked token"])
    callers = {"nobody": [], **{name: bearer(token) for name, token in tokens.items()}}
    callers["basic authorization"] = [("authorization", "Basic b3BlcmF0b3I6")]
    callers |= _relayed(service, tokens)
    service.import_key("admin")
    return World(service, shop, callers)


def _relayed(service: Authorized, tokens: dict[str, str]) -> dict[str, Metadata]:
    relayed = service.relayed
    unknown = signed("GET", "/nothing")
    unknown.signed_request.access_key_id = "AKIDNOBODYKNOWSTHIS0"
    fault = {"exception": "IncompleteSignatureException", "message": "no."}
    of_operator = HttpCaller(bearer_token=service.operator)
    exposed = HttpCaller(bearer_token=service.operator, authorization_required=True)
    report = ("rum-caller-bin", of_operator.SerializeToString())
    return {
        "bridge, of nobody": relayed(HttpCaller(source_ip="203.0.113.9")),
        "bridge, of the operator": relayed(of_operator),
        "bridge, of a read token": relayed(HttpCaller(bearer_token=tokens["read token"])),
        "bridge, of its own token": relayed(HttpCaller(bearer_token=service.bridge)),
        "bridge, of a fault": relayed(HttpCaller(signature_fault=fault)),
        "bridge, of an unknown key": relayed(unknown),
        "bridge, of a wrong signature": relayed(with_wrong_signature(signed("GET", "/nothing"))),
        "bridge, of another operation": relayed(signed("GET", "/appmonitor/shop/nothing")),
        "bridge, of bytes": relayed(b"\xff\xff\xff"),
        "no bridge, of the operator": [report],
        "no bridge, of bytes": [("rum-caller-bin", b"\xff\xff\xff")],
        "read token, of the operator": [*bearer(tokens["read token"]), report],
        "unknown token, of the operator": [*bearer(tokens["unknown token"]), report],
        "exposed bridge, of nobody": relayed(HttpCaller(authorization_required=True)),
        "exposed bridge, of the operator": relayed(exposed),
        "no bridge, exposed, of the operator": [("rum-caller-bin", exposed.SerializeToString())],
    }


@pytest.fixture(scope="module")
def required(loop: LoopThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with authorized(loop, tmp_path_factory.mktemp("required"), account_id=ACCOUNT) as service:
        yield _world(service)


@pytest.fixture(scope="module")
def open_one(loop: LoopThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("open")
    with authorized(loop, folder, account_id=ACCOUNT, auth="auto") as service:
        yield _world(service)


def _rows(table: str) -> list[tuple[str, dict[str, str]]]:
    head, *lines = table.strip().splitlines()
    width = head.index("put")
    columns = head[width:].split()
    cells = [(line[:width].strip(), line[width:].split()) for line in lines]
    return [(name, dict(zip(columns, words, strict=True))) for name, words in cells]


def _word(outcome: str, column: str) -> str:
    """The table's word; failures that are none of authorization mean that the caller is in."""
    for word, exception in _OF_AUTHORIZATION.items():
        if outcome == exception:
            return word
    if column == "put":
        return {OK: "in", "ValidationException": "invalid"}.get(outcome, outcome)
    return "in"


def _shown(world: World, caller: str) -> dict[str, str]:
    """What becomes of each column's calls; all of one column must become the same."""
    metadata = world.callers[caller]
    found = {
        column: {_word(world.service.outcome(*call, metadata), column) for call in calls}
        for column, calls in CALLS.items()
    }
    found["put"] = {
        _word(world.service.put(world.shop, metadata, entry=entry), "put")
        for entry in (False, True)
    }
    return {column: " or ".join(sorted(words)) for column, words in found.items()}


def _malformed(world: World, caller: str) -> bool:
    """Says whether all calls of the caller are refused for the bytes of their report."""
    calls = [call for calls in CALLS.values() for call in calls]
    calls.append(("PutRumEvents", message(world.shop)))
    return {"ValidationException: " + _MALFORMED} == {
        world.service.refusal(*call, world.callers[caller]) for call in calls
    }


@pytest.mark.parametrize(("caller", "expected"), _rows(REQUIRED), ids=lambda part: str(part)[:40])
def test_where_callers_are_authorized(
    required: World, caller: str, expected: dict[str, str]
) -> None:
    if set(expected.values()) == {"invalid"}:
        assert _malformed(required, caller)
    else:
        assert expected == _shown(required, caller)


@pytest.mark.parametrize(("caller", "expected"), _rows(OPEN), ids=lambda part: str(part)[:40])
def test_where_everybody_is_let_in(open_one: World, caller: str, expected: dict[str, str]) -> None:
    if set(expected.values()) == {"invalid"}:
        assert _malformed(open_one, caller)
    else:
        assert expected == _shown(open_one, caller)


def test_the_table_has_every_rpc() -> None:
    covered = {rpc for calls in CALLS.values() for rpc, _ in calls}

    assert covered | {"PutRumEvents", "BatchPutRumEvents"} == {rpc.name for rpc in RPCS.values()}


def test_a_method_outside_the_contract_is_not_an_operation() -> None:
    with pytest.raises(KeyError):
        operation_of("/rum.v1.DataPlaneService/PutOther")
