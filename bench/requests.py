"""Puts as they go over the wire, serialized before any clock runs."""

from __future__ import annotations

__all__ = ["AccessKey", "endless_http_requests", "grpc_calls", "http_requests"]

from collections.abc import Iterator
from itertools import islice

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bench.corpus import json_batches, message_batches, timed_batches
from rum.internal.v1.bridge_service_pb2 import BatchPutRumEventsRequest

AccessKey = tuple[str, str]
"""ID and secret."""

# Chromium sends these headers with each fetch to another site.
_BROWSERS = b"".join(
    name + b": " + value + b"\r\n"
    for name, value in (
        (b"Connection", b"keep-alive"),
        (b"sec-ch-ua-platform", b'"Windows"'),
        (b"User-Agent", b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, "
                        b"like Gecko) Chrome/141.0.0.0 Safari/537.36"),
        (b"sec-ch-ua", b'"Chromium";v="141", "Google Chrome";v="141", "Not)A;Brand";v="99"'),
        (b"sec-ch-ua-mobile", b"?0"),
        (b"Accept-Language", b"en-GB"),
        (b"Accept", b"*/*"),
        (b"Origin", b"http://localhost:8000"),
        (b"Sec-Fetch-Site", b"cross-site"),
        (b"Sec-Fetch-Mode", b"cors"),
        (b"Sec-Fetch-Dest", b"empty"),
        (b"Referer", b"http://localhost:8000/"),
        (b"Accept-Encoding", b"gzip, deflate, br, zstd"),
    )
)  # fmt: skip


def http_requests(
    address: str, monitor_id: str, events: int, count: int, key: AccessKey | None = None
) -> list[bytes]:
    """Return POST requests of one batch each, signed if there is a key.

    Send signed requests within 5 minutes: the service rejects older signatures.
    """
    return list(islice(endless_http_requests(address, monitor_id, events, key), count))


def endless_http_requests(
    address: str, monitor_id: str, events: int, key: AccessKey | None = None
) -> Iterator[bytes]:
    """Yield the same requests without end."""
    path = f"/appmonitors/{monitor_id}"
    return (
        b"POST %b HTTP/1.1\r\nHost: %b\r\nContent-Length: %d\r\n%b%b\r\n%b"
        % (
            path.encode(),
            address.encode(),
            len(body),
            _BROWSERS,
            _request_headers(address, path, body, key),
            body,
        )
        for body in json_batches(events)
    )


def _request_headers(address: str, path: str, body: bytes, key: AccessKey | None) -> bytes:
    headers = {"Content-Type": "application/json"}
    if key:
        request = AWSRequest("POST", f"http://{address}{path}", headers, body)
        signer = botocore.auth.SigV4Auth(Credentials(*key), "rum", "us-east-1")
        signer.add_auth(request)
        headers = dict(request.headers.items())
    return b"".join(f"{name}: {value}\r\n".encode() for name, value in headers.items())


def grpc_calls(
    monitor_id: str, events: int, entries: int, count: int, start_s: float | None = None
) -> list[bytes]:
    """Return serialized PutRumEventsRequests; with entries, BatchPutRumEventsRequests of them.

    Args:
        start_s: Unix time of the first batch; the others follow at one second each. None: the
            events keep the times at which they were captured.
    """
    if start_s is None:
        batches = message_batches(events, monitor_id)
    else:
        batches = timed_batches(events, monitor_id, start_s)
    if not entries:
        return list(islice(batches, count))
    return [_together(list(islice(batches, entries))) for _ in range(count)]


def _together(batches: list[bytes]) -> bytes:
    request = BatchPutRumEventsRequest()
    for batch in batches:
        request.entries.add(request=batch)
    return request.SerializeToString()
