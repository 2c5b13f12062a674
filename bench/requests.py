"""Requests as they are on the wire, prepared before the measurement."""

from __future__ import annotations

__all__ = ["AccessKey", "grpc_calls", "http_requests"]

from itertools import islice

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bench.corpus import json_batches, message_batches
from rum.internal.v1.bridge_service_pb2 import BatchPutRumEventsRequest

AccessKey = tuple[str, str]
"""ID and secret."""

# The headers of a cross-site fetch by Chromium.
_BROWSER_HEADERS = b"".join(
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
    """Return POSTs of one batch each, signed if there is a key.

    A signature is valid for five minutes.
    """
    path = f"/appmonitors/{monitor_id}"
    return [
        b"POST %b HTTP/1.1\r\nHost: %b\r\nContent-Length: %d\r\n%b%b\r\n%b"
        % (path.encode(), address.encode(), len(body), _BROWSER_HEADERS,
           _request_headers(address, path, body, key), body)
        for body in islice(json_batches(events), count)
    ]  # fmt: skip


def _request_headers(address: str, path: str, body: bytes, key: AccessKey | None) -> bytes:
    headers = {"Content-Type": "application/json"}
    if key:
        request = AWSRequest("POST", f"http://{address}{path}", headers, body)
        signer = botocore.auth.SigV4Auth(Credentials(*key), "rum", "us-east-1")
        signer.add_auth(request)
        headers = dict(request.headers.items())
    return b"".join(f"{name}: {value}\r\n".encode() for name, value in headers.items())


def grpc_calls(monitor_id: str, events: int, entries: int, count: int) -> list[bytes]:
    """Return serialized PutRumEventsRequests, or BatchPutRumEventsRequests of so many entries."""
    batches = message_batches(events, monitor_id)
    if not entries:
        return list(islice(batches, count))
    return [_batch_put(list(islice(batches, entries))) for _ in range(count)]


def _batch_put(batches: list[bytes]) -> bytes:
    request = BatchPutRumEventsRequest()
    for batch in batches:
        request.entries.add().request.ParseFromString(batch)
    return request.SerializeToString()
