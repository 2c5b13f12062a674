"""The caller's address, token, report and certificate are read from real gRPC calls."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rum.internal.v1.caller_pb2 import HttpCaller
from rum.v1.control_plane_service_pb2 import CreateAppMonitorRequest, ListAppMonitorsRequest
from rum_service.auth.callers import Call
from rum_service.errors import RumError
from rum_service.rpc.call_context import call_of
from rum_service.server import running_service
from tests.service.authorized import OK, Authorized, bearer
from tests.service.served import LoopThread
from tests.support.services import settings_in

_METHOD = "/test.Calls/Record"
_REPORT = HttpCaller(source_ip="192.0.2.1")


class CallRecorder:
    """A server that records what `call_of` returns for each call."""

    def __init__(self, folder: Path) -> None:
        self.socket = f"unix:{folder / 'socket'}"
        self.calls: list[Call | str] = []

    async def start(self) -> None:
        self.server = grpc.aio.server()
        handler = grpc.unary_unary_rpc_method_handler(self._record)
        self.server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler("test.Calls", {"Record": handler})]
        )
        self.v4 = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.v6 = f"[::1]:{self.server.add_insecure_port('[::1]:0')}"
        self.server.add_insecure_port(self.socket)
        await self.server.start()

    async def _record(self, _request: bytes, context: Any) -> bytes:
        try:
            self.calls.append(call_of(context))
        except RumError as error:
            self.calls.append(f"{type(error).__name__}: {error}")
        return b""

    def call(self, address: str, *metadata: tuple[str, str | bytes]) -> Call | str:
        with grpc.insecure_channel(address) as channel:
            channel.unary_unary(_METHOD)(b"", metadata=metadata, timeout=30)
        return self.calls.pop()


@pytest.fixture(scope="module")
def recorder(loop: LoopThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CallRecorder]:
    server = CallRecorder(tmp_path_factory.mktemp("recorder"))
    loop.run(server.start())
    yield server
    loop.run(server.server.stop(0))


def test_the_peer_ip_is_the_address_without_the_port(recorder: CallRecorder) -> None:
    assert recorder.call(recorder.v4) == Call(peer_ip="127.0.0.1")
    assert recorder.call(recorder.v6) == Call(peer_ip="::1")
    assert recorder.call(recorder.socket) == Call(peer_ip=None)


@pytest.mark.parametrize(
    ("authorization", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("BEARER  abc ", "abc"),
        ("Bearer a b", "a b"),
        ("Bearer", ""),
        ("Bearer ", ""),
        ("Bearerabc", None),
        ("Basic abc", None),
        ("abc", None),
        ("", None),
        ("AWS4-HMAC-SHA256 Credential=x", None),
        ("Token Bearer abc", None),
    ],
)
def test_a_bearer_token_is_the_text_after_the_scheme(
    recorder: CallRecorder, authorization: str, token: str | None
) -> None:
    call = recorder.call(recorder.v4, ("authorization", authorization))

    assert isinstance(call, Call)
    assert (call.bearer_token or None) == (token or None)


def test_a_caller_report_is_parsed(recorder: CallRecorder) -> None:
    call = recorder.call(recorder.v4, ("rum-caller-bin", _REPORT.SerializeToString()))

    assert call == Call(peer_ip="127.0.0.1", relayed=_REPORT)


def test_an_empty_caller_report_is_valid(recorder: CallRecorder) -> None:
    assert recorder.call(recorder.v4, ("rum-caller-bin", b"")) == Call(
        peer_ip="127.0.0.1", relayed=HttpCaller()
    )


@pytest.mark.parametrize(
    "name", ["rum-caller", "x-rum-caller-bin", "rum-caller-bin-bin", "x-forwarded-for"]
)
def test_other_metadata_keys_are_not_a_caller_report(recorder: CallRecorder, name: str) -> None:
    value = _REPORT.SerializeToString() if name.endswith("-bin") else "192.0.2.1"

    assert recorder.call(recorder.v4, (name, value)) == Call(peer_ip="127.0.0.1")


@pytest.mark.parametrize("content", [b"\xff", b"\x0a\xff", b"\x0a\x02\xff\xff"])
def test_a_malformed_caller_report_is_rejected(recorder: CallRecorder, content: bytes) -> None:
    rejection = "ValidationException: rum-caller-bin is not an HttpCaller."

    assert recorder.call(recorder.v4, ("rum-caller-bin", content)) == rejection


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("authorization", "Bearer a"), ("authorization", "Bearer b")),
        (("authorization", "Basic a"), ("authorization", "Bearer b")),
        (("authorization", "Bearer a"), ("authorization", "Bearer a")),
        (("rum-caller-bin", b""), ("rum-caller-bin", _REPORT.SerializeToString())),
    ],
)
def test_duplicate_caller_metadata_is_rejected(
    recorder: CallRecorder, first: tuple[str, str | bytes], second: tuple[str, str | bytes]
) -> None:
    rejection = f"ValidationException: {first[0]} must appear at most once."

    assert rejection == recorder.call(recorder.v4, first, second)
    assert rejection == recorder.call(recorder.v4, second, ("other", "x"), first)


def test_other_metadata_can_be_repeated(recorder: CallRecorder) -> None:
    assert recorder.call(recorder.v4, ("a", "1"), ("a", "2")) == Call(peer_ip="127.0.0.1")


# Certificates


def _issue(folder: Path, name: str, issuer: str | None = None, common_name: str = "") -> None:
    """Write NAME.key and NAME.pem: a CA, or a certificate signed by the CA `issuer`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
        if common_name
        else [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "no common name")]
    )
    signer, signed_by = key, subject
    if issuer:
        pem = (folder / f"{issuer}.key").read_bytes()
        signer = serialization.load_pem_private_key(pem, None)  # type: ignore[assignment]
        signed_by = x509.load_pem_x509_certificate((folder / f"{issuer}.pem").read_bytes()).subject
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(signed_by, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    _issue(folder, "ca", common_name="the CA")
    _issue(folder, "other-ca", common_name="the CA")
    _issue(folder, "server", "ca", "localhost")
    _issue(folder, "client", "ca", "backend")
    _issue(folder, "nameless", "ca")
    _issue(folder, "stranger", "other-ca", "backend")
    return folder


def _channel_with_certificate(folder: Path, address: str, name: str | None) -> grpc.Channel:
    def read(file: str) -> bytes | None:
        return (folder / file).read_bytes() if name else None

    credentials = grpc.ssl_channel_credentials(
        (folder / "ca.pem").read_bytes(), read(f"{name}.key"), read(f"{name}.pem")
    )
    return grpc.secure_channel(address.replace("127.0.0.1", "localhost"), credentials)


def test_a_client_certificate_identifies_the_caller_by_its_common_name(
    loop: LoopThread, certificates: Path, tmp_path: Path
) -> None:
    settings = settings_in(
        tmp_path,
        auth="required",
        grpc_certificate_file=certificates / "server.pem",
        grpc_key_file=certificates / "server.key",
        client_ca_file=certificates / "ca.pem",
        certificate_access=["write"],
    )
    context = running_service(settings)
    address = loop.run(context.__aenter__()).address
    outcomes: dict[str, list[str]] = {}
    try:
        for name in ("client", "nameless", "stranger", None):
            with _channel_with_certificate(certificates, address, name) as channel:
                service = Authorized(tmp_path, channel)
                outcomes[str(name)] = [
                    service.outcome("ListAppMonitors", ListAppMonitorsRequest()),
                    service.outcome(
                        "CreateAppMonitor",
                        CreateAppMonitorRequest(name="shop", domain="example.com"),
                        bearer(service.operator),
                    )
                    if name == "client"
                    else "",
                ]
                if name == "client":
                    shop = service.monitor("other")
                    service.policy("other", _DENY_BACKEND)
                    outcomes["put"] = [service.put(shop)]
    finally:
        loop.run(context.__aexit__(None, None, None))

    assert outcomes["client"] == ["AccessDeniedException", OK]
    assert outcomes["put"] == ["AccessDeniedException"]  # the policy denies user/backend
    assert outcomes["nameless"][0] == "MissingAuthenticationTokenException"
    assert outcomes["stranger"][0].startswith("gRPC status 14")
    assert outcomes["None"][0].startswith("gRPC status 14")


_DENY_BACKEND = """{"Statement": {"Effect": "Deny", "Resource": "*", "Action": "rum:PutRumEvents",
"Principal": {"AWS": "arn:aws:iam::000000000000:user/backend"}}}"""
