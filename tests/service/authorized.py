"""A complete service in a thread, and calls to it by callers of every kind."""

from __future__ import annotations

import hashlib
import hmac
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc.status_pb2 import Status

from rum.internal.v1 import bridge_service_pb2
from rum.internal.v1.bridge_service_pb2 import (
    BatchPutRumEventsEntry,
    BatchPutRumEventsRequest,
    BatchPutRumEventsResponse,
)
from rum.internal.v1.caller_pb2 import HttpCaller, SignedRequest
from rum.operator.v1 import operator_service_pb2
from rum.operator.v1 import operator_service_pb2 as op
from rum.v1 import (
    control_plane_service_pb2,
    data_plane_service_pb2,
    insight_service_pb2,
    source_map_service_pb2,
)
from rum.v1.control_plane_service_pb2 import CreateAppMonitorRequest
from rum.v1.resource_policy_pb2 import PutResourcePolicyRequest
from rum_bridge.signing.sigv4 import signed_request
from rum_service.auth.sigv4 import signing_key
from rum_service.auth.tokens import new_token, token_hash
from rum_service.server import running_service
from rum_service.storage import open_store
from rum_service.storage.records import CredentialRecord
from tests.service.served import LoopThread
from tests.support.batches import message
from tests.support.services import settings_in
from tests.support.signing import ACCESS_KEY_ID, REGION, SECRET, sign

OK = "ok"
RPCS = {
    f"/{service.full_name}/{rpc.name}": rpc
    for module in (
        data_plane_service_pb2,
        bridge_service_pb2,
        control_plane_service_pb2,
        insight_service_pb2,
        source_map_service_pb2,
        operator_service_pb2,
    )
    for service in module.DESCRIPTOR.services_by_name.values()
    for rpc in service.methods
}
METHOD_OF = {rpc.name: method for method, rpc in RPCS.items()}
_TIMEOUT_S = 30.0

Metadata = list[tuple[str, str | bytes]]


def bearer(token: str) -> Metadata:
    return [("authorization", f"Bearer {token}")]


def values(access: Iterable[str]) -> list[op.Access.ValueType]:
    """Return the enum values of `read`, `write` and `admin`."""
    return [op.Access.Value(f"ACCESS_{word.upper()}") for word in access]


class Authorized:
    """A client of a running service. It knows the operator token and the bridge token."""

    def __init__(self, folder: Path, channel: grpc.Channel, address: str = "") -> None:
        self.folder = folder
        self.address = address
        self._channel = channel
        self.operator = (folder / "operator.token").read_text().strip()
        self.bridge = (folder / "bridge.token").read_text().strip()

    def call(self, rpc: str, request: Message, metadata: Metadata | None = None) -> Any:
        """Return the response of a call, or raise grpc.RpcError."""
        descriptor = RPCS[METHOD_OF[rpc]]
        method = self._channel.unary_unary(
            METHOD_OF[rpc],
            request_serializer=type(request).SerializeToString,
            response_deserializer=GetMessageClass(descriptor.output_type).FromString,
        )
        return method(request, metadata=metadata, timeout=_TIMEOUT_S)

    def outcome(self, rpc: str, request: Message, metadata: Metadata | None = None) -> str:
        """Return `ok` or the name of the exception; for a batch put, that of its only entry."""
        try:
            response = self.call(rpc, request, metadata)
        except grpc.RpcError as error:
            return outcome_of(status_of(error))
        if isinstance(response, BatchPutRumEventsResponse):
            return outcome_of(response.statuses[0])
        return OK

    def rejection(self, rpc: str, request: Message, metadata: Metadata | None = None) -> str:
        """Return the name and the message of the exception, or `ok`."""
        try:
            self.call(rpc, request, metadata)
        except grpc.RpcError as error:
            status = status_of(error)
            return f"{outcome_of(status)}: {status.message}"
        return OK

    def put(
        self, monitor: str, metadata: Metadata | None = None, *, entry: bool = False, **members: Any
    ) -> str:
        """Return the outcome of a put, or with `entry` of a batch put with one entry."""
        request = message(monitor, **members)
        if not entry:
            return self.outcome("PutRumEvents", request, metadata)
        batch_put = BatchPutRumEventsRequest(entries=[{"request": request.SerializeToString()}])
        return self.outcome("BatchPutRumEvents", batch_put, metadata)

    def relay_put(self, monitor: str, report: HttpCaller, **members: Any) -> str:
        """Return the outcome of a put that the bridge relays in an entry of a batch put."""
        entry = BatchPutRumEventsEntry(
            request=message(monitor, **members).SerializeToString(), caller=report
        )
        request = BatchPutRumEventsRequest(entries=[entry])
        return self.outcome("BatchPutRumEvents", request, bearer(self.bridge))

    def relayed(self, report: HttpCaller | bytes) -> Metadata:
        """Return the metadata of a call that the bridge relays."""
        content = report if isinstance(report, bytes) else report.SerializeToString()
        return [*bearer(self.bridge), ("rum-caller-bin", content)]

    def monitor(self, name: str, **members: Any) -> str:
        """Create an app monitor and return its ID."""
        request = CreateAppMonitorRequest(name=name, **{"domain": "example.com", **members})
        return str(self.call("CreateAppMonitor", request, bearer(self.operator)).id)

    def token(self, name: str, *access: str, monitor: str | None = None) -> str:
        """Create a token, for one app monitor only if `monitor` names one."""
        grant = op.Grant(name=name, access=values(access), app_monitor_name=monitor)
        request = op.CreateTokenRequest(grant=grant)
        return str(self.call("CreateToken", request, bearer(self.operator)).token)

    def import_key(self, *access: str, monitor: str | None = None) -> None:
        """Import the key that `tests.support.signing` signs with."""
        request = op.CreateAccessKeyRequest(
            grant=op.Grant(name="signer", access=values(access), app_monitor_name=monitor),
            access_key_id=ACCESS_KEY_ID,
            secret_access_key=SECRET,
        )
        self.call("CreateAccessKey", request, bearer(self.operator))

    def revoke(self, token: str) -> None:
        """Revoke a token."""
        token_id = token_hash(token)[:16]
        request = op.RevokeCredentialRequest(kind=op.CREDENTIAL_KIND_TOKEN, id=token_id)
        self.call("RevokeCredential", request, bearer(self.operator))

    def expired_token(self) -> str:
        """Return a token with admin access that has just expired."""
        token, now = new_token(), round(time.time() * 1000)
        store = open_store(f"sqlite:///{self.folder / 'openrum.sqlite3'}")
        store.credentials.add(
            CredentialRecord("token", token_hash(token), "old", "admin", None, b"", now, now)
        )
        store.close()
        return token

    def policy(self, name: str, document: str) -> None:
        """Set the resource policy of an app monitor."""
        request = PutResourcePolicyRequest(name=name, policy_document=document)
        self.call("PutResourcePolicy", request, bearer(self.operator))


def signed(method: str, target: str, **changes: Any) -> HttpCaller:
    """Return a report about a request that is signed now, or at the time `at`."""
    request = sign(method, target, **{"at": datetime.now(UTC), "region": REGION, **changes})
    digest = hashlib.sha256(request.body).hexdigest()
    reported = signed_request(request.method, request.path, request.query, request.headers, digest)
    return HttpCaller(signed_request=reported)


def signature_of(request: SignedRequest) -> str:
    """Sign a canonical request again after it was changed, and return the signature."""
    key = signing_key(SECRET, request.date, request.region, request.service)
    scope = "/".join((request.date, request.region, request.service, request.terminator))
    digest = hashlib.sha256(request.canonical_request).hexdigest()
    text = "\n".join(("AWS4-HMAC-SHA256", request.amz_date, scope, digest))
    return hmac.new(key, text.encode(), "sha256").hexdigest()


def with_wrong_signature(report: HttpCaller) -> HttpCaller:
    """Return the report with a signature that does not match its request."""
    changed = SignedRequest()
    changed.CopyFrom(report.signed_request)
    changed.signature = "0" * 64
    return HttpCaller(signed_request=changed)


def status_of(error: grpc.RpcError) -> Status:
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            return Status.FromString(value)
    return Status(code=error.code().value[0], message=error.details())


def outcome_of(status: Status) -> str:
    if status.code == 0:
        return OK
    if status.details:
        return str(status.details[0].TypeName()).rpartition(".")[2]
    return f"gRPC status {status.code}: {status.message}"


@contextmanager
def authorized(loop: LoopThread, folder: Path, **settings: object) -> Iterator[Authorized]:
    """Run a service with these settings, by default on loopback with OPENRUM_AUTH=required."""
    context = running_service(settings_in(folder, **{"auth": "required", **settings}))
    running = loop.run(context.__aenter__())
    try:
        with grpc.insecure_channel(running.address) as channel:
            yield Authorized(folder, channel, running.address)
    finally:
        loop.run(context.__aexit__(None, None, None))


def new_id() -> str:
    return str(uuid.uuid4())
