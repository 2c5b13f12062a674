"""The bridge and the service accept any request that botocore signs, and no changed one."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import botocore.auth
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.signing import REGION, check_signature, outcome_name, sign

# Without control characters and white space: HTTP forbids them in a request line, and in headers
# botocore folds all Unicode white space, whereas a server folds only that of ASCII.
INVISIBLE = ("Cc", "Cs", "Zs", "Zl", "Zp")
ESCAPES = ["%20", "%2F", "%2f", "%25", "%C3%BC", "%e2%82%ac", "%zz", *"%+~*'():;,@!$[]|\\^`{}\""]


def words(ending: str) -> st.SearchStrategy[str]:
    """Return text and escapes without the characters in `ending`."""
    visible = st.characters(blacklist_categories=INVISIBLE, blacklist_characters=ending)
    return st.one_of(
        st.text(visible, max_size=8), st.lists(st.sampled_from(ESCAPES), max_size=4).map("".join)
    )


SEGMENTS = st.one_of(st.sampled_from(["", ".", "..", "...", "appmonitors", "%2e%2e"]), words("?#/"))
PATHS = st.lists(SEGMENTS, max_size=6).map(lambda segments: "".join(f"/{s}" for s in segments))
NAMES = st.one_of(st.sampled_from(["", "a", "A", "a-b", "a.b", "x-amz-a"]), words("#&="))
PARAMETERS = st.one_of(NAMES, st.tuples(NAMES, words("#&")).map("=".join))
QUERIES = st.lists(PARAMETERS, max_size=6).map("&".join)

# The signer sets these headers, or never signs them.
RESERVED = {"authorization", "date", "host", *botocore.auth.SIGNED_HEADERS_BLACKLIST}
TOKENS = st.text(string.ascii_letters + string.digits + "!#$%&'*+.^_`|~-", min_size=1, max_size=8)
HEADER_NAMES = st.one_of(
    st.sampled_from(["Content-Type", "content-encoding", "X-Amz-Meta-A", "x-amz-user-agent"]),
    TOKENS.filter(lambda name: name.lower() not in RESERVED),
)
HEADER_VALUES = st.lists(st.one_of(st.sampled_from([" ", "\t ", ',"']), words("")), max_size=4)
UNSIGNED_HEADERS = st.sampled_from([("User-Agent", "Mozilla"), ("X-Amzn-Trace-Id", "Root=1")])
HEADERS = st.lists(
    st.one_of(st.tuples(HEADER_NAMES, HEADER_VALUES.map("".join)), UNSIGNED_HEADERS), max_size=6
)

CASES = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]),
        "target": st.tuples(PATHS, QUERIES).map("?".join),
        "headers": HEADERS,
        "body": st.binary(max_size=64),
        "at": st.datetimes(datetime(1970, 1, 8), datetime(2999, 1, 1), timezones=st.just(UTC)),
        "presigned_s": st.one_of(st.none(), st.integers(1, 604_800)),
        "token": st.one_of(st.none(), st.text(string.ascii_letters + "+/=", min_size=1)),
        "region": st.sampled_from([REGION, "eu-central-1", "local"]),
    }
)


def assert_only_the_signed_request_is_accepted(case: dict[str, Any]) -> None:
    request = sign(**case)
    # The session token is checked last: only a valid signature gets this exception.
    expected = "UnrecognizedClientException" if case["token"] else "accepted"

    assert expected == outcome_name(check_signature(request, region=case["region"]))

    changed = replace(request, body=request.body + b" ")
    assert (
        outcome_name(check_signature(changed, region=case["region"])) == "InvalidSignatureException"
    )


@given(CASES)
@settings(max_examples=500, deadline=None, database=None, derandomize=True)
def test_what_botocore_signs_is_accepted(case: dict[str, Any]) -> None:
    assert_only_the_signed_request_is_accepted(case)


@pytest.mark.slow
@given(CASES)
@settings(max_examples=10_000, deadline=None, database=None)
def test_ten_thousand_requests_that_botocore_signs_are_accepted(case: dict[str, Any]) -> None:
    assert_only_the_signed_request_is_accepted(case)
