"""Every captured request, replayed to a server that authorizes callers and has the key.

The signatures in the captures have expired, so all requests are rejected.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from rum_bridge.signing.sigv4 import carries_signature
from tests.e2e.guarded import Guarded
from tests.e2e.test_replay import replay
from tests.support.signing import ACCESS_KEY_ID, SECRET
from tests.support.traffic import MONITOR_ID, NAMES, CapturedRequest, load

_NAME = "replayed"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with Guarded(tmp_path_factory.mktemp("guarded")) as running:
        running.run("monitors", "create", _NAME, "--id", MONITOR_ID)
        source = ("--access-key-id", ACCESS_KEY_ID, "--secret-access-key-file", "-")
        options = ("--name", "captures", "--access", "admin")
        running.run("keys", "import", *source, *options, stdin=SECRET)
        yield running


def _is_signed(request: CapturedRequest) -> bool:
    return carries_signature(request.raw_query, request.asgi_headers)


def _uses_the_key(request: CapturedRequest) -> bool:
    """Return whether the request is signed with the key. Other captures used temporary ones."""
    return f"{ACCESS_KEY_ID}/" in (request.header("authorization") or "") or (
        f"X-Amz-Credential={ACCESS_KEY_ID}%2F" in request.url
    )


def _form(request: CapturedRequest) -> str:
    if "X-Amz-Signature=" in request.url:
        return "presigned"
    return "gzip" if request.header("content-encoding") else "header"


@pytest.mark.parametrize("name", NAMES)
def test_captured_requests_are_rejected_and_nothing_is_stored(server: Guarded, name: str) -> None:
    captured = [request for request in load(name) if request.method != "OPTIONS"]
    before = server.run("monitors", "list", "--json")
    outcomes = Counter(
        (
            "signed"
            if _uses_the_key(r)
            else "signed with another key"
            if _is_signed(r)
            else "unsigned",
            status,
            headers["x-amzn-errortype"],
            json.loads(body)["message"].partition(":")[0],
        )
        for r, (status, headers, body) in zip(captured, replay(server, captured), strict=True)
        # An invalid batch is rejected before its caller is authorized.
        if status != 400 or not r.document or r.document.get("BatchId") != 36 * "z"
    )

    assert set(outcomes) <= {
        ("signed", 403, "InvalidSignatureException", "Signature expired"),
        (
            "signed with another key",
            403,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
        (
            "unsigned",
            403,
            "MissingAuthenticationTokenException",
            "Request is missing Authentication Token",
        ),
    }
    assert outcomes.total() >= len(captured) - 1
    assert server.stored(_NAME) == []
    assert server.run("monitors", "list", "--json") == before


def test_the_captures_contain_every_form_of_signature() -> None:
    signed = [r for name in NAMES for r in load(name) if _uses_the_key(r)]

    assert {"presigned", "gzip", "header"} == {_form(request) for request in signed}
    assert {"GET", "POST", "PUT", "PATCH", "DELETE"} == {request.method for request in signed}
