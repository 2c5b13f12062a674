"""The service trusts only those parts of a reported signature that the signature covers."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, TypeAlias

import pytest

from rum.internal.v1.caller_pb2 import SignedRequest
from rum.v1 import errors_pb2
from rum_bridge.signing.sigv4 import signed_request
from rum_service import errors
from rum_service.auth.sigv4 import signing_key, verify
from tests.support.signing import REGION, SECRET, Request, sign

Lie: TypeAlias = Callable[[SignedRequest], None]

AUTHENTICATION_ERRORS = [
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "UnrecognizedClientException",
]


def reported(request: Request) -> SignedRequest:
    digest = hashlib.sha256(request.body).hexdigest()
    signed = signed_request(request.method, request.path, request.query, request.headers, digest)
    assert signed
    return signed


def forged(base: SignedRequest, lie: Lie) -> SignedRequest:
    """Return a copy with the lie in it. The base is accepted."""
    check(base)
    signed = SignedRequest()
    signed.CopyFrom(base)
    lie(signed)
    assert signed != base
    return signed


HEADER = reported(sign())
PRESIGNED = reported(sign(presigned_s=60, body=b""))
WITH_TOKEN = reported(sign(token="a+b/c="))
PRESIGNED_WITH_TOKEN = reported(sign(presigned_s=60, body=b"", token="a+b/c="))
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
DECLARED = reported(sign(headers=[("X-Amz-Content-Sha256", EMPTY_SHA256)], body=b""))
BEACON = reported(sign(target=f"/?X-Amz-Content-Sha256={EMPTY_SHA256}", presigned_s=60, body=b""))
NOW = datetime(2026, 11, 22, 0, 35, 24, tzinfo=UTC)


def check(signed: SignedRequest, **changed: Any) -> None:
    verify(signed, changed.pop("secret", SECRET), **{"now": NOW, "region": REGION, **changed})


def put(**fields: Any) -> Lie:
    return lambda signed: signed.MergeFrom(SignedRequest(**fields))


def canonical(old: bytes, new: bytes) -> Lie:
    def change(signed: SignedRequest) -> None:
        assert old in signed.canonical_request
        signed.canonical_request = signed.canonical_request.replace(old, new)

    return change


def clear(name: str) -> Lie:
    return lambda signed: signed.ClearField(name)  # type: ignore[arg-type]


def rename(old: str, new: str) -> Lie:
    def change(signed: SignedRequest) -> None:
        signed.signed_headers[list(signed.signed_headers).index(old)] = new

    return change


def scope(signed: SignedRequest) -> str:
    return f"{signed.date}/{signed.region}/{signed.service}/{signed.terminator}"


def sign_again(signed: SignedRequest) -> None:
    """Sign the message with the right key, so that only its contradictions can be detected."""
    digest = hashlib.sha256(signed.canonical_request).hexdigest()
    text = "\n".join(("AWS4-HMAC-SHA256", signed.amz_date, scope(signed), digest))
    key = signing_key(SECRET, signed.date, signed.region, signed.service)
    signed.signature = hmac.new(key, text.encode(), "sha256").hexdigest()


COVERED = [
    ("another method", HEADER, canonical(b"POST\n", b"PUT\n")),
    ("another body", HEADER, canonical(HEADER.canonical_request[-64:], b"0" * 64)),
    ("another date", HEADER, put(amz_date="20261122T003525Z")),
    ("a signature outside ASCII", HEADER, put(signature="ü" * 64)),
    ("an absent signature", HEADER, clear("signature")),
]
CONTRADICTORY = [
    ("another access key, presigned", PRESIGNED, put(access_key_id="AKIDOTHER")),
    ("another region, presigned", PRESIGNED, canonical(b"us-west-2", b"us-west-1")),
    ("another algorithm, presigned", PRESIGNED, canonical(b"AWS4-HMAC-SHA256", b"AWS4-ECDSA")),
    ("another date", HEADER, put(amz_date="20261122T003525Z")),
    ("another date, presigned", PRESIGNED, put(amz_date="20261122T003525Z")),
    ("a later expiry", PRESIGNED, put(expires_seconds=604_800)),
    ("a presigned request as a signed header", PRESIGNED, clear("expires_seconds")),
    ("a signed header as presigned", HEADER, put(expires_seconds=604_800)),
    ("a token", HEADER, put(session_token="other")),
    ("a token, presigned", PRESIGNED, put(session_token="other")),
    ("other signed headers", HEADER, rename("content-type", "content-typf")),
    ("other signed headers, presigned", PRESIGNED, canonical(b"Headers=content", b"Headers=c")),
    ("more signed headers", HEADER, put(signed_headers=["x-other"])),
    ("no signed headers", HEADER, clear("signed_headers")),
    ("a header that is not in the list", HEADER, canonical(b"content-type:", b"content-typf:")),
    ("a name in the list without a header", HEADER, canonical(b"content-type;", b"content-typf;")),
    ("no canonical request", HEADER, clear("canonical_request")),
    ("no empty line", HEADER, canonical(b"\n\ncontent-type;", b"\n.\ncontent-type;")),
    ("an extra line", HEADER, canonical(b"POST\n", b"POST\n\n")),
    ("an extra line in a header", HEADER, canonical(b"\nhost:", b"\nhost:\nhost:")),
    ("unsigned payload", HEADER, canonical(HEADER.canonical_request[-64:], b"UNSIGNED-PAYLOAD")),
    ("another payload", DECLARED, canonical(b"x-amz-content-sha256:", b"x-amz-content-sha256:0")),
    ("another payload, presigned", BEACON, canonical(b"Content-Sha256=", b"Content-Sha256=0")),
    ("another terminator", HEADER, put(terminator="aws5_request")),
]


@pytest.mark.parametrize(("base", "lie"), [c[1:] for c in COVERED], ids=[c[0] for c in COVERED])
def test_a_change_that_the_signature_covers_is_rejected(base: SignedRequest, lie: Lie) -> None:
    with pytest.raises(errors.InvalidSignatureException):
        check(forged(base, lie))


@pytest.mark.parametrize(
    ("base", "lie"), [c[1:] for c in CONTRADICTORY], ids=[c[0] for c in CONTRADICTORY]
)
def test_parts_that_contradict_each_other_are_rejected(base: SignedRequest, lie: Lie) -> None:
    signed = forged(base, lie)
    sign_again(signed)

    with pytest.raises(errors.InvalidSignatureException):
        check(signed)


def test_a_change_without_contradiction_is_accepted_when_signed_again() -> None:
    signed = forged(HEADER, canonical(b"POST\n", b"PUT\n"))

    sign_again(signed)

    check(signed)


def test_an_empty_report_is_rejected() -> None:
    with pytest.raises(errors.InvalidSignatureException):
        check(SignedRequest())


def test_an_empty_secret_is_an_error() -> None:
    with pytest.raises(ValueError, match="is empty"):
        check(HEADER, secret="")


@pytest.mark.parametrize(
    ("base", "now", "message"),
    [
        (
            HEADER,
            NOW + timedelta(seconds=301),
            "Signature expired: 20261122T003524Z is now earlier than 20261122T003525Z"
            " (20261122T004025Z - 5 min.)",
        ),
        (
            HEADER,
            NOW - timedelta(seconds=301),
            "Signature not yet current: 20261122T003524Z is still later than 20261122T003523Z"
            " (20261122T003023Z + 5 min.)",
        ),
        (
            PRESIGNED,
            NOW + timedelta(seconds=61),
            "Signature expired: 20261122T003524Z is now earlier than 20261122T003525Z"
            " (20261122T003625Z - 1 min.)",
        ),
    ],
    ids=["late", "early", "presigned"],
)
def test_the_message_for_a_wrong_time_has_both_times(
    base: SignedRequest, now: datetime, message: str
) -> None:
    with pytest.raises(errors.InvalidSignatureException) as rejection:
        check(base, now=now)

    assert rejection.value.message == message


def test_the_clock_may_be_in_any_time_zone() -> None:
    check(HEADER, now=NOW.astimezone(timezone(timedelta(hours=9))))


def test_the_message_for_a_wrong_scope_names_everything_wrong() -> None:
    signed = SignedRequest()
    signed.CopyFrom(HEADER)
    signed.MergeFrom(SignedRequest(region="r", service="s", terminator="t", date="20261121"))

    with pytest.raises(errors.InvalidSignatureException) as rejection:
        check(signed)

    assert rejection.value.message == (
        "Credential should be scoped to a valid region."
        " Credential should be scoped to correct service: 'rum'."
        " Credential should be scoped with a valid terminator: 'aws4_request'."
        " Date in Credential scope does not match YYYYMMDD of the date from HTTP."
    )


@pytest.mark.parametrize("signed", [WITH_TOKEN, PRESIGNED_WITH_TOKEN], ids=["header", "presigned"])
@pytest.mark.parametrize("known", ["", "a+b/c", "a+b/c=="])
def test_another_session_token_is_rejected(signed: SignedRequest, known: str) -> None:
    check(signed, session_token="a+b/c=")
    with pytest.raises(errors.UnrecognizedClientException):
        check(signed, session_token=known)


@pytest.mark.parametrize("signed", [HEADER, PRESIGNED], ids=["header", "presigned"])
def test_a_request_without_the_session_token_of_its_key_is_rejected(signed: SignedRequest) -> None:
    with pytest.raises(errors.UnrecognizedClientException):
        check(signed, session_token="a+b/c=")


@pytest.mark.parametrize("lie", [clear("session_token"), put(session_token="other")])
@pytest.mark.parametrize("base", [WITH_TOKEN, PRESIGNED_WITH_TOKEN], ids=["header", "presigned"])
def test_a_report_with_another_token_than_the_request_is_rejected(
    base: SignedRequest, lie: Lie
) -> None:
    signed = SignedRequest()
    signed.CopyFrom(base)
    lie(signed)

    with pytest.raises(errors.InvalidSignatureException):
        check(signed)


@pytest.mark.parametrize("name", AUTHENTICATION_ERRORS)
def test_an_authentication_error_has_the_members_of_its_message(name: str) -> None:
    fields = errors_pb2.DESCRIPTOR.message_types_by_name[name].fields_by_name

    assert set(fields) == set(getattr(errors, name).__dataclass_fields__)
    assert name in errors.__all__
