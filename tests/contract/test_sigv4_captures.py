"""Signatures in captured requests are valid at the time of the capture."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from rum_bridge.signing.sigv4 import signed_request
from rum_service.auth.sigv4 import signing_key, verify
from tests.support.signing import REGION, SECRET, Request, captured, check_signature, outcome_name
from tests.support.traffic import load

# (capture, number of requests with a signed header, number of presigned requests)
SIGNED = [
    ("boto3-control-plane", 23, 0),
    ("boto3-put-rum-events", 22, 0),
    ("web-v1-signed", 18, 28),
    ("web-v3-signed", 15, 32),
    ("web-v3-signed-nocomp-token", 11, 16),
    ("web-v3-cognito-basic", 6, 6),
]
UNKNOWN_SECRET = "web-v3-cognito-basic"
WITH_TOKEN = "web-v3-signed-nocomp-token"


def requests(name: str) -> list[Request]:
    return [captured(request) for request in load(name)]


@pytest.mark.parametrize("name", [name for name, *_ in SIGNED if name != UNKNOWN_SECRET])
def test_every_captured_signature_verifies_at_the_time_of_its_recording(name: str) -> None:
    # The session token is checked last: only a valid signature gets this exception.
    expected = "UnrecognizedClientException" if name == WITH_TOKEN else "accepted"

    outcomes = [outcome_name(check_signature(request)) for request in requests(name)]

    assert {expected} == set(outcomes) - {"unsigned"}
    assert outcomes.count(expected) == sum(h + q for n, h, q in SIGNED if n == name)


@pytest.mark.parametrize(("name", "header", "presigned"), SIGNED, ids=[n for n, *_ in SIGNED])
def test_both_forms_are_distinguished(name: str, header: int, presigned: int) -> None:
    forms = [
        signed.HasField("expires_seconds")
        for request in requests(name)
        if (signed := signed_request(request.method, request.path, *head(request), "0" * 64))
    ]

    assert (header, presigned) == (forms.count(False), forms.count(True))


def test_captures_of_another_key_pair_are_rejected() -> None:
    assert {"InvalidSignatureException"} == {
        outcome_name(check_signature(r)) for r in requests(UNKNOWN_SECRET)
    }


@pytest.mark.parametrize(("name", "header", "presigned"), SIGNED, ids=[n for n, *_ in SIGNED])
def test_no_captured_signature_verifies_with_another_body(
    name: str, header: int, presigned: int
) -> None:
    changed = [replace(request, body=request.body + b" ") for request in requests(name)]

    outcomes = [outcome_name(check_signature(request)) for request in changed]

    assert header + presigned == outcomes.count("InvalidSignatureException")


def test_a_bearer_token_of_the_page_is_not_a_signature() -> None:
    bearer = (b"authorization", b"Bearer demo")
    bearers = [r for r in requests("web-v3-alias-headers") if bearer in r.headers]

    assert len(bearers) == 40
    assert {"unsigned"} == {check_signature(request) for request in bearers}


def test_a_captured_beacon_is_valid_for_sixty_seconds() -> None:
    beacon = next(r for r in requests("web-v3-signed") if b"X-Amz-Signature" in r.query)
    digest = hashlib.sha256(beacon.body).hexdigest()
    signed = signed_request(beacon.method, beacon.path, *head(beacon), digest)
    assert signed

    verify(signed, SECRET, now=beacon.now + timedelta(seconds=58), region=REGION)

    late = replace(beacon, now=beacon.now + timedelta(seconds=61))
    assert str(check_signature(late)).startswith(
        f"Signature expired: {signed.amz_date} is now earlier than "
    )


def test_the_signing_key_is_that_of_the_documentation() -> None:
    """Source: AWS General Reference, "Examples of how to derive a signing key"."""
    key = signing_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20120215", "us-east-1", "iam")

    assert key.hex() == "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d"


def head(request: Request) -> tuple[bytes, tuple[tuple[bytes, bytes], ...]]:
    return request.query, request.headers
