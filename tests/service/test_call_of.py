"""What a gRPC call brings along, on real connections of each kind."""

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
from rum_service.rpc.boundary import call_of
from rum_service.server import running_service
from tests.service.authorized import OK, Authorized, bearer
from tests.service.served import LoopThread
from tests.support.services import settings_in

_METHOD = "/test.Calls/Seen"
_REPORT = HttpCaller(source_ip="192.0.2.1")


class Seen:
    """A server that keeps what `call_of` made of each call."""

    def __init__(self, folder: Path) -> None:
        self.socket = f"unix:{folder / 'socket'}"
        self.calls: list[Call | str] = []

    async def start(self) -> None:
        self.server = grpc.aio.server()
        handler = grpc.unary_unary_rpc_method_handler(self._see)
        self.server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler("test.Calls", {"Seen": handler})]
        )
        self.v4 = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.v6 = f"[::1]:{self.server.add_insecure_port('[::1]:0')}"
        self.server.add_insecure_port(self.socket)
        await self.server.start()

    async def _see(self, _request: bytes, context: Any) -> bytes:
        try:
            self.calls.append(call_of(context))
        except RumError as error:
            self.calls.append(f"{type(error).__name__}: {error}")
        return b""

    def of(self, address: str, *metadata: tuple[str, str | bytes]) -> Call | str:
        with grpc.insecure_channel(address) as channel:
            channel.unary_unary(_METHOD)(b"", metadata=metadata, timeout=30)
        return self.calls.pop()


@pytest.fixture(scope="module")
def seen(loop: LoopThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    server = Seen(tmp_path_factory.mktemp("seen"))
    loop.run(server.start())
    yield server
    loop.run(server.server.stop(0))


def test_the_peer_is_the_address_without_its_port(seen: Seen) -> None:
    assert seen.of(seen.v4) == Call(peer_ip="127.0.0.1")
    assert seen.of(seen.v6) == Call(peer_ip="::1")
    assert seen.of(seen.socket) == Call(peer_ip=None)


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
def test_a_bearer_token_is_what_follows_the_scheme(
    seen: Seen, authorization: str, token: str | None
) -> None:
    call = seen.of(seen.v4, ("authorization", authorization))

    assert isinstance(call, Call)
    assert (call.bearer_token or None) == (token or None)


def test_a_report_is_read(seen: Seen) -> None:
    call = seen.of(seen.v4, ("rum-caller-bin", _REPORT.SerializeToString()))

    assert call == Call(peer_ip="127.0.0.1", relayed=_REPORT)


def test_an_empty_report_is_one(seen: Seen) -> None:
    assert seen.of(seen.v4, ("rum-caller-bin", b"")) == Call(
        peer_ip="127.0.0.1", relayed=HttpCaller()
    )


@pytest.mark.parametrize(
    "name", ["rum-caller", "x-rum-caller-bin", "rum-caller-bin-bin", "x-forwarded-for"]
)
def test_nothing_else_is_a_report(seen: Seen, name: str) -> None:
    value = _REPORT.SerializeToString() if name.endswith("-bin") else "192.0.2.1"

    assert seen.of(seen.v4, (name, value)) == Call(peer_ip="127.0.0.1")


@pytest.mark.parametrize("content", [b"\xff", b"\x0a\xff", b"\x0a\x02\xff\xff"])
def test_a_report_that_is_none_is_refused(seen: Seen, content: bytes) -> None:
    refused = "ValidationException: rum-caller-bin is not an HttpCaller."

    assert seen.of(seen.v4, ("rum-caller-bin", content)) == refused


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("authorization", "Bearer a"), ("authorization", "Bearer b")),
        (("authorization", "Basic a"), ("authorization", "Bearer b")),
        (("authorization", "Bearer a"), ("authorization", "Bearer a")),
        (("rum-caller-bin", b""), ("rum-caller-bin", _REPORT.SerializeToString())),
    ],
)
def test_two_of_what_says_who_calls_are_refused(
    seen: Seen, first: tuple[str, str | bytes], second: tuple[str, str | bytes]
) -> None:
    refused = f"ValidationException: {first[0]} must appear at most once."

    assert refused == seen.of(seen.v4, first, second)
    assert refused == seen.of(seen.v4, second, ("other", "x"), first)


def test_other_metadata_may_be_there_twice(seen: Seen) -> None:
    assert seen.of(seen.v4, ("a", "1"), ("a", "2")) == Call(peer_ip="127.0.0.1")


# Certificates


def _made(folder: Path, name: str, issuer: str | None = None, common_name: str = "") -> None:
    """Writes NAME.key and NAME.pem: a CA, or a certificate that the CA `issuer` signed."""
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
    _made(folder, "ca", common_name="the CA")
    _made(folder, "other-ca", common_name="the CA")
    _made(folder, "server", "ca", "localhost")
    _made(folder, "client", "ca", "backend")
    _made(folder, "nameless", "ca")
    _made(folder, "stranger", "other-ca", "backend")
    return folder


def _as(folder: Path, address: str, name: str | None) -> grpc.Channel:
    def read(file: str) -> bytes | None:
        return (folder / file).read_bytes() if name else None

    credentials = grpc.ssl_channel_credentials(
        (folder / "ca.pem").read_bytes(), read(f"{name}.key"), read(f"{name}.pem")
    )
    return grpc.secure_channel(address.replace("127.0.0.1", "localhost"), credentials)


def test_a_certificate_of_the_ca_is_a_caller_with_its_common_name(
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
            with _as(certificates, address, name) as channel:
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
                    service.policy("other", _ONLY_BACKEND)
                    outcomes["put"] = [service.put(shop)]
    finally:
        loop.run(context.__aexit__(None, None, None))

    assert outcomes["client"] == ["AccessDeniedException", OK]
    assert outcomes["put"] == ["AccessDeniedException"]  # the policy denies user/backend
    assert outcomes["nameless"][0] == "MissingAuthenticationTokenException"
    assert outcomes["stranger"][0].startswith("gRPC status 14")
    assert outcomes["None"][0].startswith("gRPC status 14")


_ONLY_BACKEND = """{"Statement": {"Effect": "Deny", "Resource": "*", "Action": "rum:PutRumEvents",
"Principal": {"AWS": "arn:aws:iam::000000000000:user/backend"}}}"""
