"""Each parser of untrusted input, given broken inputs: it returns or raises a documented error."""

from __future__ import annotations

__all__ = ["INPUTS", "PARSERS", "Parser", "outcomes"]

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from google.protobuf.message import DecodeError

from rum.internal.v1.bridge_service_pb2 import BatchPutRumEventsRequest
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_bridge.errors import HttpError
from rum_bridge.json_text import parse_json
from rum_bridge.puts.codec import check_length, decode_put, event_count
from rum_bridge.signing.sigv4 import signed_request
from rum_service.auth.policy import PolicyRequest, decide, parse
from rum_service.errors import RumError
from rum_service.ingest.fields import has_more_fields
from rum_service.ingest.validation import validate
from tests.fuzz.mutation import flipped, mutated
from tests.fuzz.seeds import BODIES, MESSAGES, POLICIES, SIGNED
from tests.support.signing import Request, check_signature, outcome_name
from tests.support.traffic import MONITOR_ID

Parser = Callable[[int], str]
"""Parses the input with this number, and returns the name of the outcome."""

INPUTS = 26_000
"""For each parser. More than 100,000 are rejected together, with those that are sent."""
_MAX_EVENTS = 1000
# Shorter messages are not counted. An empty entry takes two bytes.
_COUNTED_BYTES = 256 << 10
_MANY_FIELDS = b"\x0a\x00" * (150 << 10)
_REQUESTS = [
    PolicyRequest("arn:aws:rum:us-east-1:000000000000:appmonitor/shop"),
    PolicyRequest(
        "arn:aws:rum:us-east-1:000000000000:appmonitor/shop",
        principal="arn:aws:iam::000000000000:user/jobs",
        aliases=("shop",),
        source_ip="10.1.2.3",
        referer="https://a.example/",
        user_agent="x",
    ),
]


def outcomes(parser: Parser, inputs: range) -> Counter[str]:
    """Return how often each outcome occurred.

    Raises:
        AssertionError: the parser raised another exception; the text has the number of the input.
    """
    counts: Counter[str] = Counter()
    for number in inputs:
        try:
            counts[parser(number)] += 1
        except Exception as error:
            raise AssertionError(f"input {number} of {parser.__name__}") from error
    return counts


def body_and_codec(number: int) -> str:
    """The JSON of a put, decoded by the bridge and checked by the service."""
    try:
        document = parse_json(mutated(BODIES, number))
        check_length(event_count(document), _MAX_EVENTS)
        message = decode_put(MONITOR_ID, document, "a-request")
    except HttpError as error:
        return f"{error.status} {error.error_type}"
    return _checked(message)


def wire_format(number: int) -> str:
    """The bytes of a put over gRPC."""
    change = flipped if number % 2 else mutated
    message = change(MESSAGES, number)
    if number % 50 == 0:
        _check_count(change([_MANY_FIELDS], number))
    return _checked(message)


def _check_count(message: bytes) -> None:
    """Check that counting in the bytes finds as many entries as protobuf does, in long messages."""
    is_more = has_more_fields(message, _MAX_EVENTS)
    try:
        entries = len(BatchPutRumEventsRequest.FromString(message).entries)
    except DecodeError:
        return
    if entries > _MAX_EVENTS and len(message) > _COUNTED_BYTES and not is_more:
        raise AssertionError(f"{entries} entries were not counted")


def _checked(message: bytes) -> str:
    try:
        for entry in BatchPutRumEventsRequest.FromString(message).entries:
            validate(PutRumEventsRequest.FromString(entry.request), max_events=_MAX_EVENTS)
    except DecodeError:
        return "DecodeError"
    except RumError as error:
        return type(error).__name__
    return "accepted"


def signature(number: int) -> str:
    """A signed request of which one part is broken. No such request may be accepted."""
    request = SIGNED[number % len(SIGNED)]
    part = ("path", "query", "body", "header")[number // len(SIGNED) % 4]
    if part != "header":
        content = mutated([getattr(request, part)], number)
        changed = replace(request, **{part: content})
    else:
        name, value = request.headers[number % len(request.headers)]
        content = mutated([value], number)
        changed = request.with_header(name, lambda _: content)
    outcome = outcome_name(check_signature(changed))
    # Signed are the canonical request and what the report says about it, not the other headers.
    if outcome == "accepted" and _canonical(changed) != _canonical(request):
        raise AssertionError(f"a changed {part} is accepted")
    return outcome


def _canonical(request: Request) -> bytes:
    digest = hashlib.sha256(request.body).hexdigest()
    signed = signed_request(request.method, request.path, request.query, request.headers, digest)
    return signed.canonical_request if signed else b""


def policy(number: int) -> str:
    """A resource policy, compiled and evaluated."""
    text = mutated(POLICIES, number).decode(errors="replace")
    try:
        compiled = parse(text)
    except RumError as error:
        return type(error).__name__
    for request in _REQUESTS:
        decide(compiled, request)
    return "accepted"


PARSERS: dict[str, Parser] = {
    "JSON of a put": body_and_codec,
    "protobuf of a put": wire_format,
    "signature": signature,
    "resource policy": policy,
}
