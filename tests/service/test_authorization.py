"""Every kind of caller makes every kind of call, with authorization off and required."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from rum.internal.v1.caller_pb2 import HttpCaller
from rum.operator.v1 import operator_service_pb2
from rum.v1 import control_plane_service_pb2 as pb
from rum.v1 import insight_service_pb2 as insight
from rum.v1 import metrics_pb2, resource_policy_pb2, tags_pb2
from rum.v1 import source_map_service_pb2 as maps
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

# The calls of each column of the tables. Those that change something are invalid requests: an
# allowed one fails for another reason than authorization, and changes nothing.
CALLS: dict[str, list[tuple[str, Message]]] = {
    "read": [
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
        *(
            (rpc.name, GetMessageClass(rpc.input_type)(app_monitor="shop"))
            for rpc in insight.DESCRIPTOR.services_by_name["InsightService"].methods
            if "app_monitor" in rpc.input_type.fields_by_name
        ),
        ("ListSourceMaps", maps.ListSourceMapsRequest(app_monitor="shop")),
        ("GetSourceMap", maps.GetSourceMapRequest(app_monitor="shop")),
    ],
    "list": [
        ("ListAppMonitors", pb.ListAppMonitorsRequest()),
        ("ListCurrentValues", insight.ListCurrentValuesRequest()),
        ("GetProjectionState", insight.GetProjectionStateRequest()),
    ],
    "change": [
        ("CreateAppMonitor", pb.CreateAppMonitorRequest(name="shop")),
        ("UpdateAppMonitor", pb.UpdateAppMonitorRequest(name="shop")),
        ("DeleteAppMonitor", pb.DeleteAppMonitorRequest(name="unknown")),
        ("TagResource", tags_pb2.TagResourceRequest(resource_arn=_ARN)),
        ("UntagResource", tags_pb2.UntagResourceRequest(resource_arn=_ARN)),
        ("UploadSourceMap", maps.UploadSourceMapRequest(app_monitor="shop")),
        ("DeleteSourceMaps", maps.DeleteSourceMapsRequest(app_monitor="shop")),
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
        ("GetStatistics", operator_service_pb2.GetStatisticsRequest()),
        ("ListUsage", operator_service_pb2.ListUsageRequest()),
        ("ListRetention", operator_service_pb2.ListRetentionRequest()),
        ("SetRetention", operator_service_pb2.SetRetentionRequest(app_monitor_name="shop")),
        (
            "SetStoredBytesQuota",
            operator_service_pb2.SetStoredBytesQuotaRequest(app_monitor_name="shop"),
        ),
        ("PreviewErasure", operator_service_pb2.PreviewErasureRequest(app_monitor_name="shop")),
        ("StartErasure", operator_service_pb2.StartErasureRequest(app_monitor_name="shop")),
        ("GetErasure", operator_service_pb2.GetErasureRequest()),
        ("ListErasures", operator_service_pb2.ListErasuresRequest()),
    ],
}
_AUTHORIZATION_ERRORS = {
    "denied": "AccessDeniedException",
    "missing": "MissingAuthenticationTokenException",
    "incomplete": "IncompleteSignatureException",
    "wrong": "InvalidSignatureException",
    "unknown": "UnrecognizedClientException",
    "expired": "ExpiredTokenException",
}
_MALFORMED = "rum-caller-bin is not an HttpCaller."

# "allowed": the call passes authorization, and may fail afterwards. "invalid": ValidationException.
REQUIRED = """
caller                                     put        read       list       change     operate
anonymous                                  missing    missing    missing    missing    missing
operator token                             allowed    allowed    allowed    allowed    allowed
write token                                allowed    denied     denied     denied     denied
read token                                 denied     allowed    allowed    denied     denied
read and write token                       allowed    allowed    allowed    denied     denied
admin token                                allowed    allowed    allowed    allowed    allowed
write token for shop                       allowed    denied     denied     denied     denied
read token for shop                        denied     allowed    denied     denied     denied
write token for other                      denied     denied     denied     denied     denied
read token for other                       denied     denied     denied     denied     denied
token for a deleted app monitor            denied     denied     denied     denied     denied
revoked token                              unknown    unknown    unknown    unknown    unknown
expired token                              expired    expired    expired    expired    expired
unknown token                              unknown    unknown    unknown    unknown    unknown
empty bearer token                         missing    missing    missing    missing    missing
basic authorization                        missing    missing    missing    missing    missing
bridge token without a report              missing    missing    missing    missing    missing
bridge relays anonymous                    missing    missing    missing    missing    missing
bridge relays operator token               denied     denied     denied     denied     denied
bridge relays admin token                  allowed    allowed    allowed    allowed    allowed
bridge relays read token                   denied     allowed    allowed    denied     denied
bridge relays bridge token                 unknown    unknown    unknown    unknown    unknown
bridge relays incomplete signature         incomplete incomplete incomplete incomplete incomplete
bridge relays unknown key                  unknown    unknown    unknown    unknown    unknown
bridge relays temporary key of AWS         unknown    unknown    unknown    unknown    unknown
bridge relays wrong signature              wrong      wrong      wrong      wrong      wrong
bridge relays signature for another path   wrong      wrong      wrong      wrong      wrong
bridge relays malformed report             invalid    invalid    invalid    invalid    invalid
anonymous reports nothing                  denied     denied     denied     denied     denied
anonymous reports admin token              denied     denied     denied     denied     denied
anonymous sends malformed report           invalid    invalid    invalid    invalid    invalid
read token reports admin token             denied     denied     denied     denied     denied
operator token reports nothing             denied     denied     denied     denied     denied
unknown token reports admin token          denied     denied     denied     denied     denied
"""
OPEN = """
caller                                     put        read       list       change     operate
anonymous                                  allowed    allowed    allowed    allowed    allowed
unknown token                              allowed    allowed    allowed    allowed    allowed
revoked token                              allowed    allowed    allowed    allowed    allowed
read token                                 allowed    allowed    allowed    allowed    allowed
bridge relays incomplete signature         allowed    allowed    allowed    allowed    allowed
bridge relays wrong signature              allowed    allowed    allowed    allowed    allowed
bridge relays malformed report             invalid    invalid    invalid    invalid    invalid
anonymous sends malformed report           invalid    invalid    invalid    invalid    invalid
exposed bridge relays anonymous            missing    missing    missing    missing    missing
exposed bridge relays operator token       denied     denied     denied     denied     denied
exposed bridge relays admin token          allowed    allowed    allowed    allowed    allowed
anonymous reports nothing                  allowed    allowed    allowed    allowed    allowed
anonymous reports exposed, admin token     denied     denied     denied     denied     denied
"""


@dataclass
class World:
    """A service, its app monitor `shop`, and the metadata that each caller sends."""

    service: Authorized
    shop: str
    callers: dict[str, Metadata]


def _world(service: Authorized) -> World:
    shop = service.monitor("shop")
    service.monitor("other")
    service.monitor("deleted")
    token = service.token
    tokens = {
        "operator token": service.operator,
        "write token": token("w", "write"),
        "read token": token("r", "read"),
        "read and write token": token("rw", "read", "write"),
        "admin token": token("a", "admin"),
        "write token for shop": token("ws", "write", monitor="shop"),
        "read token for shop": token("rs", "read", monitor="shop"),
        "write token for other": token("wo", "write", monitor="other"),
        "read token for other": token("ro", "read", monitor="other"),
        "token for a deleted app monitor": token("g", "read", "write", monitor="deleted"),
        "revoked token": token("rev", "admin"),
        "expired token": service.expired_token(),
        "unknown token": "openrum_" + "x" * 43,
        "empty bearer token": "",
        "bridge token without a report": service.bridge,
    }
    delete = pb.DeleteAppMonitorRequest(name="deleted")
    service.call("DeleteAppMonitor", delete, bearer(service.operator))
    service.revoke(tokens["revoked token"])
    callers = {"anonymous": [], **{name: bearer(token) for name, token in tokens.items()}}
    callers["basic authorization"] = [("authorization", "Basic b3BlcmF0b3I6")]
    callers |= _relayed(service, tokens)
    service.import_key("admin")
    return World(service, shop, callers)


def _relayed(service: Authorized, tokens: dict[str, str]) -> dict[str, Metadata]:
    relayed = service.relayed
    unknown = signed("GET", "/nothing")
    unknown.signed_request.access_key_id = "AKIDNOBODYKNOWSTHIS0"
    aws = signed("GET", "/nothing", token="a-token-of-aws")
    aws.signed_request.access_key_id = "ASIANOBODYKNOWSTHIS0"
    incomplete = {"exception": "IncompleteSignatureException", "message": "no."}
    operator = HttpCaller(bearer_token=service.operator)
    admin = HttpCaller(bearer_token=tokens["admin token"])
    exposed = HttpCaller(bearer_token=tokens["admin token"], authorization_required=True)
    exposed_operator = HttpCaller(bearer_token=service.operator, authorization_required=True)
    report = ("rum-caller-bin", admin.SerializeToString())
    return {
        "bridge relays anonymous": relayed(HttpCaller(source_ip="203.0.113.9")),
        "bridge relays operator token": relayed(operator),
        "bridge relays admin token": relayed(admin),
        "bridge relays read token": relayed(HttpCaller(bearer_token=tokens["read token"])),
        "bridge relays bridge token": relayed(HttpCaller(bearer_token=service.bridge)),
        "bridge relays incomplete signature": relayed(HttpCaller(signature_fault=incomplete)),
        "bridge relays unknown key": relayed(unknown),
        "bridge relays temporary key of AWS": relayed(aws),
        "bridge relays wrong signature": relayed(with_wrong_signature(signed("GET", "/nothing"))),
        "bridge relays signature for another path": relayed(
            signed("GET", "/appmonitor/shop/nothing")
        ),
        "bridge relays malformed report": relayed(b"\xff\xff\xff"),
        "anonymous reports nothing": [("rum-caller-bin", b"")],
        "anonymous reports admin token": [report],
        "anonymous sends malformed report": [("rum-caller-bin", b"\xff\xff\xff")],
        "read token reports admin token": [*bearer(tokens["read token"]), report],
        "operator token reports nothing": [*bearer(service.operator), ("rum-caller-bin", b"")],
        "unknown token reports admin token": [*bearer(tokens["unknown token"]), report],
        "exposed bridge relays anonymous": relayed(HttpCaller(authorization_required=True)),
        "exposed bridge relays operator token": relayed(exposed_operator),
        "exposed bridge relays admin token": relayed(exposed),
        "anonymous reports exposed, admin token": [("rum-caller-bin", exposed.SerializeToString())],
    }


@pytest.fixture(scope="module")
def required(loop: LoopThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with authorized(loop, tmp_path_factory.mktemp("required"), account_id=ACCOUNT) as service:
        yield _world(service)


@pytest.fixture(scope="module")
def auth_off(loop: LoopThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("off")
    with authorized(loop, folder, account_id=ACCOUNT, auth="auto") as service:
        yield _world(service)


def _rows(table: str) -> list[tuple[str, dict[str, str]]]:
    head, *lines = table.strip().splitlines()
    width = head.index("put")
    columns = head[width:].split()
    cells = [(line[:width].strip(), line[width:].split()) for line in lines]
    return [(name, dict(zip(columns, words, strict=True))) for name, words in cells]


def _table_word(outcome: str, column: str) -> str:
    """Return the word in the table for an outcome. Other failures mean that the call is allowed."""
    for word, exception in _AUTHORIZATION_ERRORS.items():
        if outcome == exception:
            return word
    if column == "put":
        return {OK: "allowed", "ValidationException": "invalid"}.get(outcome, outcome)
    return "allowed"


def _outcomes(world: World, caller: str) -> dict[str, str]:
    """Return the outcome of each column. All calls of a column must have the same one."""
    metadata = world.callers[caller]
    found = {
        column: {_table_word(world.service.outcome(*call, metadata), column) for call in calls}
        for column, calls in CALLS.items()
    }
    found["put"] = {
        _table_word(world.service.put(world.shop, metadata, entry=entry), "put")
        for entry in (False, True)
    }
    return {column: " or ".join(sorted(words)) for column, words in found.items()}


def _all_malformed(world: World, caller: str) -> bool:
    """Return whether every call of the caller is rejected because its report is malformed."""
    calls = [call for calls in CALLS.values() for call in calls]
    calls.append(("PutRumEvents", message(world.shop)))
    return {"ValidationException: " + _MALFORMED} == {
        world.service.rejection(*call, world.callers[caller]) for call in calls
    }


@pytest.mark.parametrize(("caller", "expected"), _rows(REQUIRED), ids=lambda part: str(part)[:40])
def test_authorization_when_it_is_required(
    required: World, caller: str, expected: dict[str, str]
) -> None:
    if set(expected.values()) == {"invalid"}:
        assert _all_malformed(required, caller)
    else:
        assert expected == _outcomes(required, caller)


@pytest.mark.parametrize(("caller", "expected"), _rows(OPEN), ids=lambda part: str(part)[:40])
def test_authorization_when_it_is_off(
    auth_off: World, caller: str, expected: dict[str, str]
) -> None:
    if set(expected.values()) == {"invalid"}:
        assert _all_malformed(auth_off, caller)
    else:
        assert expected == _outcomes(auth_off, caller)


def test_the_tables_cover_every_rpc() -> None:
    covered = {rpc for calls in CALLS.values() for rpc, _ in calls}
    others = {
        name for name, method in METHOD_OF.items() if "BridgeService" not in method
    }  # test_admission.py covers the BridgeService

    assert covered | {"PutRumEvents"} == others


def test_a_method_outside_the_contract_is_not_an_operation() -> None:
    with pytest.raises(KeyError):
        operation_of("/rum.v1.DataPlaneService/PutOther")


@pytest.mark.parametrize("caller", ["unknown token", "anonymous reports admin token"])
def test_a_wrong_credential_is_rejected_before_the_request_is_validated(
    required: World, caller: str
) -> None:
    metadata = required.callers[caller]
    rejected = {
        required.service.put(monitor, metadata, entry=entry, **members)
        for monitor in ("no UUID", "11111111-2222-4333-8444-555555555555", required.shop)
        for members in ({}, {"batch_id": "no UUID"})
        for entry in (False, True)
    }

    assert len(rejected) == 1
    assert rejected <= {"UnrecognizedClientException", "AccessDeniedException"}
