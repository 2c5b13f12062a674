"""HTTP requests that are sent as given: nothing is normalized, retried or decoded."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

ORIGIN = "https://shop.example"
_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Response:
    """An HTTP response of the data plane."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def error_type(self) -> str | None:
        return self.headers["x-amzn-ErrorType"]

    @property
    def message(self) -> str:
        document = json.loads(self.body)
        assert isinstance(document["message"], str)
        return document["message"]

    @property
    def vary(self) -> set[str]:
        return {name.strip() for name in (self.headers["Vary"] or "").split(",")}


def send(
    url: str,
    path: str,
    body: Any = None,
    *,
    method: str = "POST",
    headers: dict[str, str] | None = None,
) -> Response:
    """Send one request on a new connection. A body other than bytes or text is sent as JSON."""
    sent = {"Content-Type": "application/json"} if body is not None else {}
    if body is not None and not isinstance(body, bytes | str):
        body = json.dumps(body).encode()
    return exchange(url, method, path, body, {**sent, **(headers or {})})


def exchange(
    url: str, method: str, path: str, body: bytes | str | None, headers: dict[str, str]
) -> Response:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=_TIMEOUT_S)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return Response(response.status, response.headers, response.read())
    finally:
        connection.close()


def preflight(url: str, path: str, *, ask: str = "POST", **headers: str) -> Response:
    """Send a preflight for the method `ask`, as a browser does. `headers` have _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {"Origin": ORIGIN, "Access-Control-Request-Method": ask, **named}
    return send(url, path, method="OPTIONS", headers=sent)


def connect(url: str) -> socket.socket:
    """Open a TCP connection."""
    parts = urlsplit(url)
    assert parts.hostname and parts.port
    return socket.create_connection((parts.hostname, parts.port), timeout=_TIMEOUT_S)


def send_raw(url: str, data: bytes, *, method: str = "POST") -> Response:
    """Send bytes unchanged and read one response. The connection stays open until then."""
    with connect(url) as connection:
        connection.sendall(data)
        return read_response(connection, method=method)


def read_response(connection: socket.socket, *, method: str = "POST") -> Response:
    response = http.client.HTTPResponse(connection, method=method)
    response.begin()
    return Response(response.status, response.headers, response.read())


def expect_error(response: Response, status: int, error_type: str) -> None:
    """Check an error response of the data plane: its form is always the same."""
    assert (response.status, response.error_type) == (status, error_type)
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Access-Control-Allow-Origin"] in ("*", ORIGIN)
    assert "x-amzn-ErrorType" in response.headers["Access-Control-Expose-Headers"]
    assert len(response.headers["x-amzn-RequestId"]) == 36
    assert response.message
