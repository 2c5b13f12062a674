"""What a signature adds to the stages of a put: a report in the bridge, a check in the service."""

from __future__ import annotations

__all__ = ["signed_stages"]

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeAlias

from bench.requests import AccessKey, http_requests
from rum.internal.v1.caller_pb2 import HttpCaller
from rum_bridge.headers import first_values
from rum_bridge.upstream.caller import CallerReport
from rum_service.auth.sigv4 import verify

_ADDRESS = "127.0.0.1:8080"
_KEY: AccessKey = ("ORBENCHBENCHBENCHBEN", "a" * 40)
_Request: TypeAlias = tuple[dict[str, Any], bytes]
"""An ASGI scope and a body."""


def signed_stages(
    each_us: Callable[[Callable[[Any], object], Sequence[Any]], float],
    monitor_id: str,
    events: int,
    count: int,
) -> dict[str, float]:
    """Measure the stages of signed puts, and of the report of those that are not signed."""
    report = CallerReport(authorization_required=True)
    signed, unsigned = (
        [_scope(raw) for raw in http_requests(_ADDRESS, monitor_id, events, count, key)]
        for key in (_KEY, None)
    )
    reports = [_report(report, request) for request in signed]
    # As the service has them: parsed.
    received = [HttpCaller.FromString(each.SerializeToString()) for each in reports]
    now = datetime.now(UTC)
    return {
        "bridge: report the caller, not signed": each_us(partial(_report, report), unsigned),
        "bridge: report the caller, signed": each_us(partial(_report, report), signed),
        "service: verify the signature": each_us(
            lambda caller: verify(caller.signed_request, _KEY[1], now=now, region=None), received
        ),
    }


def _report(report: CallerReport, request: _Request) -> HttpCaller:
    scope, body = request
    return report(scope, first_values(scope), body)


def _scope(raw: bytes) -> _Request:
    """Return a serialized request as the server gives it to the application."""
    head, _, body = raw.partition(b"\r\n\r\n")
    line, *lines = head.split(b"\r\n")
    method, path, _ = line.split(b" ")
    fields = [line.partition(b":") for line in lines]
    headers = [(name.lower(), value.strip()) for name, _, value in fields]
    scope = {
        "type": "http",
        "method": method.decode(),
        "raw_path": path,
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 50000),
    }
    return scope, body
