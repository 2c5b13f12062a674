"""The nginx configuration that docs/how-to/nginx offers, with TLS, in front of a running server."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.e2e.guarded import Guarded, allow
from tests.support.batches import batch, event
from tests.support.certificates import Authority
from tests.tools import nginx
from tests.tools.toolbox import tools_needed

_CONFIG = Path(__file__).parents[2] / "docs" / "how-to" / "nginx" / "openrum.conf"
_TRUSTED = "127.0.0.1"


@dataclass(frozen=True)
class Front:
    """A running nginx."""

    https: int
    http: int
    ca: Path

    def send(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Send one request over TLS. A body that is not bytes is sent as JSON."""
        trust = ssl.create_default_context(cafile=self.ca)
        connection = http.client.HTTPSConnection("127.0.0.1", self.https, timeout=30, context=trust)
        sent = {"Content-Type": "application/json", **headers}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body)
        try:
            connection.request(
                method, path, data, {k.replace("_", "-"): v for k, v in sent.items()}
            )
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A server with the settings that docs/how-to/nginx-with-tls.md names."""
    with Guarded(tmp_path_factory.mktemp("behind"), OPENRUM_TRUSTED_PROXIES=_TRUSTED) as running:
        yield running


@pytest.fixture(scope="module")
def front(server: Guarded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("nginx")
    authority = Authority(folder)
    pair = authority.sign("nginx")
    https, plain = nginx.free_port(), nginx.free_port()
    text = _CONFIG.read_text()
    for documented, own in (
        ("server 127.0.0.1:8080;", f"server {server.url.partition('://')[2]};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{https} ssl;"),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("/etc/ssl/openrum/fullchain.pem", str(pair.certificate)),
        ("/etc/ssl/openrum/privkey.pem", str(pair.key)),
    ):
        assert text.count(documented) == 1
        text = text.replace(documented, own)
    with tools_needed(), nginx.running(text, https):
        yield Front(https, plain, authority.file)


@pytest.fixture(scope="module")
def path(server: Guarded) -> str:
    return f"/appmonitors/{server.monitor_id()}"


def _stored(server: Guarded, body: dict[str, Any]) -> bool:
    return body["BatchId"] in {event["batch_id"] for event in server.stored()}


def test_unsigned_puts_need_a_policy_although_the_bridge_listens_on_loopback(
    server: Guarded, front: Front, path: str
) -> None:
    rejected, accepted = batch(), batch()
    before = front.send("POST", path, rejected)
    with server.policy(allow()):
        after = front.send("POST", path, accepted)

    assert (before[0], after[0]) == (403, 200)
    assert not _stored(server, rejected)
    assert _stored(server, accepted)


def test_a_signed_put_of_boto3_is_verified(server: Guarded, front: Front) -> None:
    key, body = server.key(), batch()
    rum = boto3.client(
        "rum",
        endpoint_url=f"https://127.0.0.1:{front.https}",
        region_name="us-east-1",
        aws_access_key_id=key.id,
        aws_secret_access_key=key.secret,
        verify=str(front.ca),
        config=Config(inject_host_prefix=False, retries={"total_max_attempts": 1}),
    )
    rum.put_rum_events(Id=server.monitor_id(), **body)
    rum.close()

    assert _stored(server, body)


def test_a_policy_sees_the_address_of_the_client_and_not_a_forged_one(
    server: Guarded, front: Front, path: str
) -> None:
    forged = {"X_Forwarded_For": "198.51.100.7"}
    with server.policy(allow(IpAddress={"aws:SourceIp": "198.51.100.7/32"})):
        of_a_forger = front.send("POST", path, batch(), **forged)[0]
    with server.policy(allow(IpAddress={"aws:SourceIp": "127.0.0.1/32"})):
        of_the_client = front.send("POST", path, batch(), **forged)[0]

    assert (of_a_forger, of_the_client) == (403, 200)


def test_gzipped_and_long_bodies_under_any_prefix_are_stored(
    server: Guarded, front: Front, path: str
) -> None:
    gzipped = batch()
    long = batch([event(details=json.dumps({"text": os.urandom(900_000).hex()}))])
    packed = gzip.compress(json.dumps(gzipped).encode())
    with server.policy(allow()):
        statuses = [
            front.send("POST", path + "/", packed, Content_Encoding="gzip")[0],
            front.send("POST", f"/rum/ingest{path}", long)[0],
        ]

    assert statuses == [200, 200]
    assert _stored(server, gzipped)
    assert _stored(server, long)


def test_a_body_that_is_too_long_has_the_error_of_the_bridge(front: Front, path: str) -> None:
    status, headers, body = front.send(
        "POST", path, b"x" * ((4 << 20) + 1), Origin="https://a.example"
    )

    assert (status, headers["x-amzn-ErrorType"]) == (413, "RequestEntityTooLargeException")
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "message" in json.loads(body)


def test_the_front_page_shows_the_public_address(front: Front) -> None:
    text = front.send("GET", "/")[2].decode()

    assert f"endpoint: 'https://127.0.0.1:{front.https}'" in text


def test_readiness_is_reported_as_the_guide_shows(front: Front) -> None:
    assert front.send("GET", "/readyz")[::2] == (200, b"ok")


def test_http_is_redirected_to_https(front: Front) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", front.http, timeout=30)
    connection.request("POST", "/appmonitors/x?y=z", b"{}")
    response = connection.getresponse()
    connection.close()

    assert response.status == 308
    assert response.headers["Location"] == "https://127.0.0.1/appmonitors/x?y=z"
