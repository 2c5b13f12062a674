"""Signed requests that were changed, delayed or badly signed, and the exception for each."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace

import pytest

from rum_bridge.signing.sigv4 import SignatureError, signed_request
from tests.support.signing import SECRET, Request, captured, check_signature, outcome_name, sign
from tests.support.tampering import (
    Case,
    after,
    body,
    doubled,
    flipped,
    header,
    only,
    path,
    plus,
    query,
    same,
    value,
    without,
)
from tests.support.traffic import load

INVALID = "InvalidSignatureException"
INCOMPLETE = "IncompleteSignatureException"
DENIED = "AccessDeniedException"
UNRECOGNIZED = "UnrecognizedClientException"
OK = "accepted"

AUTH, DATE, HASH = b"authorization", b"x-amz-date", b"x-amz-content-sha256"
TOKEN_HEADER = b"x-amz-security-token"


def first(name: str, *, presigned: bool) -> Request:
    """Return the first request of a capture that is signed in this form."""
    requests = [captured(request) for request in load(name) if request.method == "POST"]
    return next(request for request in requests if (b"X-Amz-Sig" in request.query) == presigned)


def second_off(date: bytes) -> bytes:
    return date[:-2] + bytes([date[-2] ^ 1]) + b"Z"


FETCH = first("web-v3-signed", presigned=False)  # gzip, content-encoding signed
BEACON = first("web-v3-signed", presigned=True)  # valid for 60 s
TOKEN_FETCH = first("web-v3-signed-nocomp-token", presigned=False)
TOKEN_BEACON = first("web-v3-signed-nocomp-token", presigned=True)
LIST = next(r for r in map(captured, load("boto3-control-plane")) if b"nextToken" in r.query)
TOKEN = TOKEN_FETCH.header(TOKEN_HEADER).decode()
ORDER = b"nextToken=abc%3D%3D&maxResults=5"
UNSIGNED = ("X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD")

SIG = b"Signature="
NAMES = b"content-encoding;content-type;host;x-amz-content-sha256;x-amz-date"

CHANGED_FETCH = [
    Case("one bit of the body", FETCH, body(flipped), INVALID),
    Case("body cut short", FETCH, body(lambda b: b[:-1]), INVALID),
    Case("body emptied", FETCH, body(lambda _: b""), INVALID),
    Case("body gunzipped by a proxy", FETCH, body(gzip.decompress), INVALID),
    Case("method", FETCH, lambda r: replace(r, method="PUT"), INVALID),
    Case("path: another app monitor", FETCH, path(b"7f6bd4b0", b"7f6bd4b1"), INVALID),
    Case("path: trailing slash", FETCH, lambda r: replace(r, path=r.path + b"/"), INVALID),
    Case("path: prefix stripped", FETCH, path(b"/appmonitors", b""), INVALID),
    Case("query added", FETCH, lambda r: replace(r, query=b"a=1"), INVALID),
    Case("host: other port", FETCH, header(b"host", b":91", b":81"), INVALID),
    Case("host: port stripped", FETCH, header(b"host", b":9104", b""), INVALID),
    Case("host removed", FETCH, without(b"host"), INCOMPLETE),
    Case("content-type", FETCH, header(b"content-type", b"json", b"xml"), INVALID),
    Case("content-type doubled", FETCH, plus(b"content-type", b"application/json"), INVALID),
    Case("content-encoding removed", FETCH, without(b"content-encoding"), INCOMPLETE),
    Case("date: a second off", FETCH, lambda r: r.with_header(DATE, second_off), INVALID),
    Case("date removed", FETCH, without(DATE), INCOMPLETE),
    Case("date doubled", FETCH, plus(DATE, FETCH.header(DATE)), INCOMPLETE),
    Case("date: no date", FETCH, header(DATE, b"20261122T", b"20261122 "), INCOMPLETE),
    Case("date: 30 February", FETCH, header(DATE, b"20261122", b"20260230"), INCOMPLETE),
    Case("hash of another body", FETCH, header(HASH, FETCH.header(HASH), b"0" * 64), INVALID),
    Case("hash: unsigned", FETCH, header(HASH, FETCH.header(HASH), b"UNSIGNED-PAYLOAD"), INVALID),
    Case("signature: one bit", FETCH, lambda r: r.with_header(AUTH, flipped), INVALID),
    Case("signature: cut short", FETCH, lambda r: r.with_header(AUTH, lambda v: v[:-1]), INVALID),
    Case("signature: empty", FETCH, lambda r: r.with_header(AUTH, lambda v: v[:-64]), INCOMPLETE),
    Case("signature: no parameter", FETCH, header(AUTH, SIG, b"Sign="), INCOMPLETE),
    Case("signature: twice", FETCH, header(AUTH, SIG, b"Signature=0, Signature="), INCOMPLETE),
    Case("authorization: no equal-sign", FETCH, header(AUTH, SIG, b"Signature"), INCOMPLETE),
    Case("authorization: not ASCII", FETCH, header(AUTH, SIG, b"Signature=\xfc"), INCOMPLETE),
    Case("authorization: twice", FETCH, plus(AUTH, FETCH.header(AUTH)), INCOMPLETE),
    Case("authorization: junk", FETCH, header(AUTH, SIG, b"junk, Signature="), INCOMPLETE),
    Case("algorithm: SHA1", FETCH, header(AUTH, b"SHA256", b"SHA1"), INCOMPLETE),
    Case("algorithm: ECDSA", FETCH, header(AUTH, b"HMAC", b"ECDSA-P256"), INCOMPLETE),
    Case("algorithm: lower case", FETCH, header(AUTH, b"AWS4-HMAC", b"aws4-hmac"), INCOMPLETE),
    Case("credential: no key", FETCH, header(AUTH, b"AKIDEXAMPLE00000TEST/", b""), INCOMPLETE),
    Case("credential: empty key", FETCH, header(AUTH, b"AKIDEXAMPLE00000TEST", b""), INCOMPLETE),
    Case("credential: removed", FETCH, header(AUTH, b"Credential", b"Cred"), INCOMPLETE),
    Case("scope: date", FETCH, header(AUTH, b"/20261122/", b"/20261121/"), INVALID),
    Case("scope: region", FETCH, header(AUTH, b"us-west-2", b"us-east-1"), INVALID),
    Case("scope: service", FETCH, header(AUTH, b"/rum/", b"/s3/"), INVALID),
    Case("scope: terminator", FETCH, header(AUTH, b"aws4_request", b"aws5_request"), INVALID),
    Case("signed headers: type off", FETCH, header(AUTH, b"content-type;", b""), INVALID),
    Case("signed headers: host off", FETCH, header(AUTH, b"host;", b""), INVALID),
    Case("signed headers: date off", FETCH, header(AUTH, b";x-amz-date", b""), INVALID),
    Case("signed headers: hash off", FETCH, header(AUTH, b"x-amz-content-sha256;", b""), DENIED),
    Case("signed headers: none", FETCH, header(AUTH, NAMES, b""), INCOMPLETE),
    Case("signed headers: order", FETCH, header(AUTH, NAMES, b"host;content-type"), INCOMPLETE),
    Case("signed headers: twice", FETCH, header(AUTH, b"host;", b"host;host;"), INCOMPLETE),
    Case("signed headers: case", FETCH, header(AUTH, b"host;", b"Host;"), INCOMPLETE),
    Case("signed headers: absent one", FETCH, header(AUTH, b"host;", b"host;te;"), INCOMPLETE),
    Case("x-amz- header added", FETCH, plus(b"x-amz-meta-a", b"1"), DENIED),
    Case("token added", FETCH, plus(TOKEN_HEADER, TOKEN.encode()), DENIED),
    Case("also presigned", FETCH, lambda r: replace(r, query=BEACON.query), INVALID),
    Case("also marked presigned", FETCH, lambda r: replace(r, query=b"X-Amz-Algorithm"), INVALID),
    Case("older than the skew", FETCH, after(303), INVALID),
    Case("newer than the skew", FETCH, after(-303), INVALID),
    Case("another secret", FETCH, same, INVALID, {"secret": SECRET.lower()}),
]
CHANGED_BEACON = [
    Case("beacon: body", BEACON, body(flipped), INVALID),
    Case("beacon: path", BEACON, path(b"7f6bd4b0", b"7f6bd4b1"), INVALID),
    Case("beacon: host", BEACON, header(b"host", b"127", b"128"), INVALID),
    Case("beacon: content-type", BEACON, header(b"content-type", b"plain", b"html"), INVALID),
    Case("beacon: content-type removed", BEACON, without(b"content-type"), INCOMPLETE),
    Case("beacon: parameter added", BEACON, query(b"X-Amz-Al", b"a=1&X-Amz-Al"), INVALID),
    Case("beacon: date", BEACON, value(b"X-Amz-Date", b"20261122T003400Z"), INVALID),
    Case("beacon: no date", BEACON, value(b"X-Amz-Date", None), INCOMPLETE),
    Case("beacon: expires in a week", BEACON, value(b"X-Amz-Expires", b"604800"), INVALID),
    Case("beacon: expires too late", BEACON, value(b"X-Amz-Expires", b"604801"), INCOMPLETE),
    Case("beacon: expires at once", BEACON, value(b"X-Amz-Expires", b"0"), INCOMPLETE),
    Case("beacon: expired before", BEACON, value(b"X-Amz-Expires", b"-60"), INCOMPLETE),
    Case("beacon: expires in text", BEACON, value(b"X-Amz-Expires", b"6e1"), INCOMPLETE),
    Case("beacon: expires beyond int64", BEACON, value(b"X-Amz-Expires", b"9" * 30), INCOMPLETE),
    Case("beacon: never expires", BEACON, value(b"X-Amz-Expires", None), INCOMPLETE),
    Case("beacon: expires twice", BEACON, doubled(b"X-Amz-Expires"), INCOMPLETE),
    Case("beacon: no signature", BEACON, value(b"X-Amz-Signature", None), INCOMPLETE),
    Case("beacon: signature zeroed", BEACON, value(b"X-Amz-Signature", b"0" * 64), INVALID),
    Case("beacon: signature not ASCII", BEACON, value(b"X-Amz-Signature", b"%ff"), INCOMPLETE),
    Case("beacon: signature twice", BEACON, doubled(b"X-Amz-Signature"), INCOMPLETE),
    Case("beacon: parameter's case", BEACON, query(b"X-Amz-Sig", b"x-amz-Sig"), INCOMPLETE),
    Case("beacon: no algorithm", BEACON, value(b"X-Amz-Algorithm", None), INCOMPLETE),
    Case("beacon: algorithm", BEACON, value(b"X-Amz-Algorithm", b"AWS4-HMAC-SHA1"), INCOMPLETE),
    Case("beacon: only a signature", BEACON, only(b"X-Amz-Signature"), INCOMPLETE),
    Case("beacon: only an algorithm", BEACON, only(b"X-Amz-Algorithm"), INCOMPLETE),
    Case("beacon: only a credential", BEACON, only(b"X-Amz-Credential"), INCOMPLETE),
    Case("beacon: no credential", BEACON, value(b"X-Amz-Credential", None), INCOMPLETE),
    Case("beacon: key", BEACON, query(b"AKIDEXAMPLE", b"AKIDEXAMPLF"), INVALID),
    Case("beacon: region", BEACON, query(b"us-west-2", b"us-west-1"), INVALID),
    Case("beacon: escapes", BEACON, query(b"%2Frum%2F", b"/rum/"), INVALID),
    Case("beacon: host not signed", BEACON, query(b"%3Bhost", b""), INVALID),
    Case("beacon: hash", BEACON, value(b"X-Amz-Content-Sha256", b"0" * 64), INVALID),
    Case("beacon: unsigned", BEACON, value(b"X-Amz-Content-Sha256", b"UNSIGNED-PAYLOAD"), INVALID),
    Case("beacon: no hash", BEACON, value(b"X-Amz-Content-Sha256", None), INVALID),
    Case("beacon: a date header too", BEACON, plus(DATE, b"20261122T003524Z"), DENIED),
    Case("beacon: expired", BEACON, after(63), INVALID),
    Case("beacon: newer than the skew", BEACON, after(-303), INVALID),
]
# The session token is checked last: requests with an unchanged one are UNRECOGNIZED.
CHANGED_TOKEN = [
    Case("token changed", TOKEN_FETCH, header(TOKEN_HEADER, b"IQo", b"IQp"), INVALID),
    Case("token removed", TOKEN_FETCH, without(TOKEN_HEADER), INCOMPLETE),
    Case("token unchanged", TOKEN_FETCH, same, UNRECOGNIZED),
    Case("beacon: token changed", TOKEN_BEACON, query(b"IQo", b"IQp"), INVALID),
    Case("beacon: no token", TOKEN_BEACON, value(b"X-Amz-Security-Token", None), INVALID),
    Case("beacon: token unchanged", TOKEN_BEACON, same, UNRECOGNIZED),
]
CHANGED_QUERY = [
    Case("query: value", LIST, query(b"maxResults=5", b"maxResults=6"), INVALID),
    Case("query: name", LIST, query(b"maxResults", b"maxresults"), INVALID),
    Case("query: escapes", LIST, query(b"%3D%3D", b"=="), INVALID),
    Case("query: parameter doubled", LIST, query(b"max", b"maxResults=5&max"), INVALID),
    Case("query: parameter off", LIST, query(b"maxResults=5&", b""), INVALID),
    Case("query: stray ampersand", LIST, query(b"&", b"&&"), INVALID),
]
BADLY_SIGNED = [
    Case("host left out", sign(leave_out="host"), same, INVALID),
    Case("x-amz-date left out", sign(leave_out="x-amz-date"), same, INVALID),
    Case("token left out", sign(token="t", leave_out="x-amz-security-token"), same, DENIED),
    Case("payload left out", sign(payload="UNSIGNED-PAYLOAD"), same, INVALID),
    Case("payload declared unsigned", sign(headers=[UNSIGNED]), same, INVALID),
    Case("for another region", sign(region="eu-west-1"), same, INVALID),
    Case("for another service", sign(service="execute-api"), same, INVALID),
    Case("signed over a presigned query", sign(target="/?X-Amz-Credential=x"), same, INVALID),
    Case("presigned for eight days", sign(presigned_s=691_200), same, INCOMPLETE),
]
REJECTED = CHANGED_FETCH + CHANGED_BEACON + CHANGED_TOKEN + CHANGED_QUERY + BADLY_SIGNED

UNCHANGED = [
    Case("headers in another order", FETCH, lambda r: replace(r, headers=r.headers[::-1]), OK),
    Case("method in lower case", FETCH, lambda r: replace(r, method="post"), OK),
    Case("headers padded", FETCH, header(b"content-type", b"app", b"  app"), OK),
    Case("an unsigned header changed", FETCH, header(b"user-agent", b"Mozilla", b"Godzilla"), OK),
    Case("an unsigned header of a proxy", FETCH, plus(b"x-amz-cf-id", b"abc"), OK),
    Case("empty segments", FETCH, path(b"/", b"//"), OK),
    Case("dot segments", FETCH, path(b"/app", b"/./a/../app"), OK),
    Case("spaces in Authorization", FETCH, header(AUTH, b", ", b" ,  "), OK),
    Case("no spaces in Authorization", FETCH, header(AUTH, b", Sig", b",Sig"), OK),
    Case("as old as the skew", sign(), after(300), OK),
    Case("as new as the skew", sign(), after(-300), OK),
    Case("as old as it may get", sign(presigned_s=60, body=b""), after(60), OK),
    Case("a beacon with a token of the page", BEACON, plus(AUTH, b"Bearer demo"), OK),
    Case("query in another order", LIST, query(b"maxResults=5&nextToken=abc%3D%3D", ORDER), OK),
    Case("any region", sign(region="eu-west-1"), same, OK, {"region": None}),
]


@pytest.mark.parametrize("case", REJECTED, ids=lambda case: case.name)
def test_a_tampered_request_is_rejected(case: Case) -> None:
    if case.change is not same:
        has_token = case.base in (TOKEN_FETCH, TOKEN_BEACON)
        assert outcome_name(check_signature(case.base)) == (UNRECOGNIZED if has_token else OK)

    outcome = check_signature(case.change(case.base), **case.credentials)

    assert outcome_name(outcome) == case.expected


@pytest.mark.parametrize("case", UNCHANGED, ids=lambda case: case.name)
def test_a_change_that_the_signature_does_not_cover_is_accepted(case: Case) -> None:
    outcome = check_signature(case.change(case.base), **case.credentials)

    assert outcome_name(outcome) == case.expected


@pytest.mark.parametrize("case", REJECTED, ids=lambda case: case.name)
def test_no_message_has_a_secret(case: Case) -> None:
    request = case.change(case.base)

    outcome = check_signature(request, **case.credentials)

    sent = request.query + dict(request.headers).get(AUTH, b"")
    signatures = re.findall(r"Signature=([0-9a-f]{8,})", sent.decode("latin-1"))
    for secret in (SECRET, TOKEN, *signatures):
        assert secret not in repr(outcome) + str(outcome)


def test_a_message_repeats_only_valid_header_names() -> None:
    rejection = check_signature(header(AUTH, b"x-amz-date,", b"x-amz-date;{b},")(FETCH))

    assert str(rejection) == "SignedHeaders must be lower-case header names, sorted, each one once."


def test_the_cases_are_many_and_distinct() -> None:
    names = [case.name for case in REJECTED]

    assert len(names) == len(set(names)) >= 40


@pytest.mark.parametrize(("number", "rejected"), [(50, False), (51, True)])
def test_at_most_50_headers_are_signed(number: int, rejected: bool) -> None:
    """Each signed header is looked up among all headers."""
    names = [f"x-{index:03}" for index in range(number)]
    authorization = (
        "AWS4-HMAC-SHA256 Credential=AKID/20261101/us-east-1/rum/aws4_request,"
        f" SignedHeaders={';'.join(names)}, Signature={'0' * 64}"
    )
    headers = [
        (b"authorization", authorization.encode()),
        (b"x-amz-date", b"20261101T000000Z"),
        *((name.encode(), b"") for name in names),
    ]
    try:
        signed_request("POST", b"/", b"", headers, "0" * 64)
        message = None
    except SignatureError as error:
        message = error.message

    assert message == ("SignedHeaders must have at most 50 names." if rejected else None)
