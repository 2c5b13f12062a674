"""The inputs that the fuzzing starts from: captured requests of real clients, and policies."""

from __future__ import annotations

__all__ = ["BODIES", "MESSAGES", "POLICIES", "SIGNED"]

import json

from rum_bridge.json_text import parse_json
from rum_bridge.puts.codec import decode_put
from rum_bridge.signing.sigv4 import carries_signature
from tests.support.signing import Request, captured
from tests.support.traffic import MONITOR_ID, NAMES, load

_REQUESTS = [request for name in NAMES for request in load(name)]
_PUTS = [
    json.dumps(request.document).encode()
    for request in _REQUESTS
    if request.method == "POST" and "/appmonitors/" in request.url and request.document
]
_LONGEST = 16 << 10

BODIES = [body for body in dict.fromkeys(_PUTS) if len(body) <= _LONGEST][:200]
"""The JSON of batches."""

SIGNED: list[Request] = [
    captured(request)
    for request in _REQUESTS
    if carries_signature(request.raw_query, request.asgi_headers)
]
"""Requests with a signature."""

MESSAGES = [decode_put(MONITOR_ID, parse_json(body), "a-request") for body in BODIES]
"""Batches as the bridge sends them to the service: serialized BatchPutRumEventsRequest."""

_ARN = "arn:aws:rum:us-east-1:000000000000:appmonitor/shop"
_CONDITIONS = [
    {},
    {"StringEquals": {"rum:alias": ["shop", "jobs"]}},
    {"ForAnyValue:StringLike": {"rum:alias": "sh?p*"}},
    {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]}},
    {"StringNotLikeIfExists": {"aws:Referer": "https://*.example/*"}},
    {"Null": {"aws:UserAgent": "true"}, "StringEquals": {"aws:UserAgent": "${rum:alias}"}},
]
POLICIES = [
    json.dumps({"Version": version, "Statement": [statement, statement]}).encode()
    for version in ("2012-10-17", "2008-10-17")
    for condition in _CONDITIONS
    for principal in ("*", {"AWS": "arn:aws:iam::000000000000:user/jobs"})
    for statement in [
        {
            "Sid": "1",
            "Effect": "Allow",
            "Principal": principal,
            "Action": ["rum:PutRumEvents", "rum:*"],
            "Resource": _ARN,
            "Condition": condition,
        }
    ]
]
"""Resource policies."""
