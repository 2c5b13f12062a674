"""TLS for HTTP and gRPC of `openrum up`, with files that are replaced while it runs."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError

import grpc
import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from rum.v1.control_plane_service_pb2 import ListAppMonitorsRequest
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub
from tests.support.batches import batch
from tests.support.certificates import Authority, Pair
from tests.support.running import OpenRum, run_openrum, wait_until


class Server:
    """`openrum up` with TLS for HTTP and gRPC, from one pair of files."""

    def __init__(self, folder: Path, authority: Authority, pair: Pair) -> None:
        self.authority, self.pair = authority, pair
        self.up = _Secure(
            folder,
            authority,
            OPENRUM_GRPC_CERTIFICATE_FILE=str(pair.certificate),
            OPENRUM_GRPC_KEY_FILE=str(pair.key),
            OPENRUM_HTTP_CERTIFICATE_FILE=str(pair.certificate),
            OPENRUM_HTTP_KEY_FILE=str(pair.key),
        )
        self.trust = ssl.create_default_context(cafile=authority.file)

    @property
    def addresses(self) -> dict[str, str]:
        return {"http": self.up.url.removeprefix("https://"), "grpc": self.up.grpc}

    def served_name(self, protocol: str) -> str:
        """Return the common name of the certificate that a new connection gets."""
        host, _, port = self.addresses[protocol].rpartition(":")
        self.trust.set_alpn_protocols(["h2"] if protocol == "grpc" else ["http/1.1"])
        with (
            socket.create_connection((host, int(port)), timeout=10) as plain,
            self.trust.wrap_socket(plain, server_hostname=host) as connection,
        ):
            certificate = x509.load_der_x509_certificate(connection.getpeercert(True) or b"")
        return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)

    def logged(self, event: str) -> list[dict[str, Any]]:
        lines = [line for line in list(self.up.output) if line.startswith("{")]
        return [entry for entry in map(json.loads, lines) if entry["event"] == event]


class _Secure(OpenRum):
    def __init__(self, folder: Path, authority: Authority, **settings: str) -> None:
        self.tls = ssl.create_default_context(cafile=authority.file)
        super().__init__(folder, **settings)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("tls"), authority, authority.sign("first"))
    with running.up:
        yield running


@pytest.fixture
def channel(server: Server) -> Iterator[grpc.Channel]:
    trust = grpc.ssl_channel_credentials(server.authority.file.read_bytes())
    with grpc.secure_channel(server.up.grpc, trust) as opened:
        yield opened


@pytest.fixture
def connection(server: Server) -> Iterator[http.client.HTTPSConnection]:
    opened = http.client.HTTPSConnection(
        server.addresses["http"], context=server.up.tls, timeout=30
    )
    yield opened
    opened.close()


def test_events_put_over_https_can_be_read_over_grpc_with_tls(server: Server) -> None:
    body = batch(2)
    status, _ = server.up.post(f"/appmonitors/{_monitor_id(server)}", body)
    read = _openrum(server, "events", "my-app", "--json")
    ids = [json.loads(line)["event_id"] for line in read.splitlines()]

    assert server.up.url.startswith("https://")
    assert status == 200
    assert [event["id"] for event in reversed(body["RumEvents"])] == ids[:2]


def test_a_server_that_its_test_does_not_trust_is_killed(
    tmp_path: Path, authority: Authority
) -> None:
    pair = authority.sign("untrusted")
    server = _Secure.__new__(_Secure)
    with pytest.raises(URLError, match="certificate verify failed"):
        server.__init__(
            tmp_path,
            Authority(tmp_path, "other"),
            OPENRUM_HTTP_CERTIFICATE_FILE=str(pair.certificate),
            OPENRUM_HTTP_KEY_FILE=str(pair.key),
        )

    wait_until(lambda: not Path(f"/proc/{server.pid}").exists())


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_connections_without_tls_fail(server: Server, protocol: str) -> None:
    plain = run_openrum("monitors", "list", OPENRUM_SERVICE=server.up.grpc)
    connection = http.client.HTTPConnection(server.addresses[protocol], timeout=10)

    assert plain.returncode == 3
    with pytest.raises((http.client.HTTPException, OSError)):
        connection.request("GET", "/healthz")
        connection.getresponse()
    connection.close()


def test_a_certificate_of_another_authority_is_not_trusted(server: Server, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other")
    options = ("--ca-file", str(other.file))
    ran = run_openrum("monitors", "list", *options, OPENRUM_SERVICE=server.up.grpc)

    assert ran.returncode == 3


def test_new_files_are_used_for_new_connections_and_old_ones_stay_open(
    server: Server, channel: grpc.Channel, connection: http.client.HTTPSConnection
) -> None:
    before = [server.served_name("http"), server.served_name("grpc")]
    old = [_names(channel), _healthy(connection)]
    open_socket = connection.sock
    server.pair.replace(server.authority.sign("second"))
    wait_until(lambda: server.served_name("http") == "second")

    assert server.served_name("grpc") == "second"
    assert before == ["first", "first"]
    assert [_names(channel), _healthy(connection)] == old == [["my-app"], 200]
    assert connection.sock is open_socket
    wait_until(lambda: len(server.logged("certificate read again")) == 2)
    assert server.logged("certificate not read") == []


def _no_certificate(pair: Pair, _: Authority) -> None:
    pair.certificate.write_text("no certificate\n")


def _another_key(pair: Pair, authority: Authority) -> None:
    pair.key.write_bytes(authority.sign("mismatched").key.read_bytes())


def _another_certificate(pair: Pair, authority: Authority) -> None:
    pair.certificate.write_bytes(authority.sign("mismatched").certificate.read_bytes())


def _deleted(pair: Pair, _: Authority) -> None:
    pair.certificate.unlink()


@pytest.mark.parametrize(
    "break_files",
    [
        _another_key,
        # tests/endpoint/test_certificate_files.py has them all.
        *(
            pytest.param(break_files, marks=pytest.mark.slow)
            for break_files in (_no_certificate, _another_certificate, _deleted)
        ),
    ],
)
def test_the_old_certificate_is_used_while_the_files_are_invalid(
    server: Server, break_files: Callable[[Pair, Authority], None]
) -> None:
    """Each protocol logs the invalid files once, not once per connection."""
    logged = len(server.logged("certificate not read"))
    used = server.served_name("http")
    repaired = f"{used}+"
    break_files(server.pair, server.authority)
    names = {server.served_name("grpc") for _ in range(3)}
    wait_until(lambda: len(server.logged("certificate not read")) == logged + 2)
    names |= {server.served_name(protocol) for protocol in ("http", "grpc")}
    reasons = [entry["reason"] for entry in server.logged("certificate not read")[logged:]]
    server.pair.replace(server.authority.sign(repaired))
    wait_until(lambda: server.served_name("http") == repaired)

    assert names == {used}
    assert server.served_name("grpc") == repaired
    assert {reason.partition(":")[0] for reason in reasons} == {
        "OPENRUM_GRPC_CERTIFICATE_FILE",
        "OPENRUM_HTTP_CERTIFICATE_FILE",
    }
    assert len(server.logged("certificate not read")) == logged + 2


@pytest.mark.parametrize("prefix", ["GRPC", "HTTP"])
@pytest.mark.parametrize(
    ("certificate", "key", "named", "reason"),
    [
        ("none", "right.key", "CERTIFICATE", "No such file or directory"),
        ("right.pem", "none", "KEY", "No such file or directory"),
        ("text", "right.key", "CERTIFICATE", "are not a PEM certificate and its unencrypted key"),
        ("right.pem", "text", "CERTIFICATE", "are not a PEM certificate and its unencrypted key"),
        (
            "right.pem",
            "other.key",
            "CERTIFICATE",
            "are not a PEM certificate and its unencrypted key",
        ),
    ],
)
def test_invalid_files_at_start_are_reported_in_one_line_with_the_setting(
    tmp_path: Path, prefix: str, certificate: str, key: str, named: str, reason: str
) -> None:
    authority = Authority(tmp_path)
    for name in ("right", "other"):
        authority.sign(name)
    (tmp_path / "text").write_text("not PEM\n")
    pair = {
        f"OPENRUM_{prefix}_CERTIFICATE_FILE": str(tmp_path / certificate),
        f"OPENRUM_{prefix}_KEY_FILE": str(tmp_path / key),
    }

    _fails_to_start(tmp_path, f"OPENRUM_{prefix}_{named}_FILE", reason, **pair)


@pytest.mark.parametrize("content", [None, "not PEM\n"], ids=["missing", "not PEM"])
def test_an_invalid_client_ca_is_reported_in_one_line_with_the_setting(
    tmp_path: Path, content: str | None
) -> None:
    pair = Authority(tmp_path).sign("right")
    client_ca = tmp_path / "clients.pem"
    if content:
        client_ca.write_text(content)
    files = {
        "OPENRUM_GRPC_CERTIFICATE_FILE": str(pair.certificate),
        "OPENRUM_GRPC_KEY_FILE": str(pair.key),
        "OPENRUM_CLIENT_CA_FILE": str(client_ca),
    }

    reason = "is not a PEM certificate" if content else "No such file or directory"
    _fails_to_start(tmp_path, "OPENRUM_CLIENT_CA_FILE", reason, **files)


def _fails_to_start(folder: Path, setting: str, reason: str, **settings: str) -> None:
    ports = dict.fromkeys(("OPENRUM_HTTP", "OPENRUM_GRPC"), "127.0.0.1:0")
    tokens = {
        f"OPENRUM_{name}_TOKEN_FILE": str(folder / name.lower()) for name in ("OPERATOR", "BRIDGE")
    }
    database = f"sqlite:///{folder / 'openrum.sqlite3'}"
    ran = run_openrum("up", OPENRUM_DATABASE_URL=database, **ports, **tokens, **settings)

    assert (ran.returncode, ran.stdout) == (2, "")
    *others, last = ran.stderr.splitlines()
    assert last.startswith(f"Error: {setting}: {folder}/")
    assert reason in last
    assert all(line.startswith("{") for line in others)


def _openrum(server: Server, *arguments: str) -> str:
    ca_file = ("--ca-file", str(server.authority.file))
    ran = run_openrum(*arguments, *ca_file, OPENRUM_SERVICE=server.up.grpc)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def _monitor_id(server: Server) -> str:
    listed = _openrum(server, "monitors", "list", "--json").splitlines()
    return str(json.loads(listed[0])["Id"])


def _names(channel: grpc.Channel) -> list[str]:
    listed = ControlPlaneServiceStub(channel).ListAppMonitors(ListAppMonitorsRequest(), timeout=30)
    return [monitor.name for monitor in listed.app_monitor_summaries]


def _healthy(connection: http.client.HTTPSConnection) -> int:
    connection.request("GET", "/healthz")
    with connection.getresponse() as response:
        response.read()
        return response.status
