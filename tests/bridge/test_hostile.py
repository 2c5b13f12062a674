"""Hostile clients: memory and time stay limited, and the log stays readable."""

from __future__ import annotations

import gzip
import json
import re
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.conftest import Started
from tests.bridge.wire import ORIGIN, connect, expect_error, read_response, send, send_raw
from tests.support.batches import batch
from tests.support.running import OpenRum

_MIB = 1 << 20
_MAX_BODY = 256 << 10
_TIMEOUT_S = "0.5"


@pytest.fixture(scope="module")
def server(started: Started) -> OpenRum:
    return started(OPENRUM_MAX_BODY_BYTES=str(_MAX_BODY), OPENRUM_BODY_TIMEOUT_S=_TIMEOUT_S)


@pytest.fixture(scope="module")
def path(server: OpenRum) -> str:
    return f"/appmonitors/{server.monitor_id()}"


@pytest.fixture(autouse=True)
def _server_still_works(server: OpenRum, path: str, rum_of: Any) -> Iterator[None]:
    """After each test, a valid batch is stored, no bad one is, and the log has no error."""
    rum = rum_of(server.url)
    yield
    good = batch()
    response = send(server.url, path, good)
    read = rum.get_app_monitor_data(Name="my-app", TimeRange={"After": 0})["Events"]

    assert response.status == 200
    assert {good["BatchId"]} == {json.loads(text)["batch_id"] for text in read[:1]}
    assert "bad" not in {json.loads(text)["event_type"] for text in read}
    assert not [line for line in server.output if "Traceback" in line or '"level": "error"' in line]


def _peak_mib(server: OpenRum) -> float:
    """Return the peak memory of the server."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _head(path: str, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Origin: {ORIGIN}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _bomb() -> bytes:
    """Return a megabyte that decompresses to a gigabyte, in one gzip member."""
    compressor = zlib.compressobj(wbits=31)

    def ten_megabytes() -> bytes:
        # A full flush makes the next block independent of this one, so that it can be repeated.
        return compressor.compress(b" " * (10 * _MIB)) + compressor.flush(zlib.Z_FULL_FLUSH)

    return ten_megabytes() + ten_megabytes() * 99


def test_a_gzip_bomb_is_not_decompressed(started: Started) -> None:
    server = started()
    path = f"/appmonitors/{server.monitor_id()}"
    headers = {"Content-Encoding": "gzip", "Origin": ORIGIN}
    before = _peak_mib(server)
    for _ in range(3):
        response = send(server.url, path, _bomb(), headers=headers)
        expect_error(response, 413, "RequestEntityTooLargeException")

    assert _peak_mib(server) - before < 100


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (gzip.compress(json.dumps(batch()).encode())[:-1], "The gzip body is incomplete."),
        (gzip.compress(json.dumps(batch()).encode())[:20], "The gzip body is incomplete."),
        (b"garbage" * 10, "The body is not gzip, as Content-Encoding says."),
        (json.dumps(batch()).encode(), "The body is not gzip, as Content-Encoding says."),
        (gzip.compress(b"garbage"), "The body is not JSON."),
        (gzip.compress(b"{}") * 2, "The gzip body has data after its first member."),
        (gzip.compress(gzip.compress(json.dumps(batch()).encode())), "The body is not JSON."),
        (b"", "The body is not JSON."),
    ],
    ids=[
        "one-byte-missing",
        "most-missing",
        "garbage",
        "plain",
        "gzip-of-garbage",
        "two-members",
        "gzip-of-gzip",
        "empty",
    ],
)
def test_invalid_gzip_is_rejected(server: OpenRum, path: str, body: bytes, message: str) -> None:
    headers = {"Content-Encoding": "gzip", "Origin": ORIGIN}
    response = send(server.url, path, body, headers=headers)

    expect_error(response, 400, "ValidationException")
    assert response.message == message


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip", "utf-8"])
def test_another_content_encoding_is_rejected(server: OpenRum, path: str, encoding: str) -> None:
    headers = {"Content-Encoding": encoding, "Origin": ORIGIN}
    response = send(server.url, path, batch(), headers=headers)

    expect_error(response, 415, "UnsupportedMediaTypeException")


def test_a_content_length_over_the_limit_is_rejected_before_the_body_is_sent(
    server: OpenRum, path: str
) -> None:
    for length in (_MAX_BODY + 1, 10**12):
        response = send_raw(server.url, _head(path, f"Content-Length: {length}"))
        expect_error(response, 413, "RequestEntityTooLargeException")


def test_a_body_over_the_limit_gets_no_100_continue(server: OpenRum, path: str) -> None:
    head = _head(path, f"Content-Length: {_MAX_BODY + 1}", "Expect: 100-continue")

    expect_error(send_raw(server.url, head), 413, "RequestEntityTooLargeException")


def test_chunks_over_the_limit_are_rejected_as_they_arrive(server: OpenRum, path: str) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    head = _head(path, "Transfer-Encoding: chunked")
    response = send_raw(server.url, head + chunk * (_MAX_BODY // 0x10000 + 1))

    expect_error(response, 413, "RequestEntityTooLargeException")


@pytest.mark.parametrize("sent", [b"", b'{"BatchId":'], ids=["nothing", "a-part"])
@pytest.mark.parametrize("framing", ["Content-Length: 100", "Transfer-Encoding: chunked"])
def test_a_body_that_never_arrives_ends_the_connection(
    server: OpenRum, path: str, framing: str, sent: bytes
) -> None:
    if framing.endswith("chunked"):
        sent = b"%x\r\n%s\r\n" % (len(sent), sent) if sent else b""
    with connect(server.url) as connection:
        connection.sendall(_head(path, framing) + sent)
        response = read_response(connection)
        rest = connection.recv(1)

    expect_error(response, 408, "RequestTimeoutException")
    assert (response.headers["Connection"], rest) == ("close", b"")


def test_a_disconnect_within_a_body_is_not_logged_as_an_error(server: OpenRum, path: str) -> None:
    for _ in range(10):
        with connect(server.url) as connection:
            connection.sendall(_head(path, "Content-Length: 100") + b"{")
            # Reset the connection, as when a page is closed.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    # An error would be in the log before the response to a later request.
    assert send(server.url, path, batch()).status == 200


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: gzip, chunked, identity"],
        ["Content-Length: -5"],
        ["Content-Length: 99999999999999999999999999"],
        ["Content-Length: 5x"],
        [": no name"],
        ["Bad Name: x"],
        ["X: a\x00b"],
        ["X: a\x01b"],
    ],
    ids=str,
)
def test_invalid_http_is_rejected_and_ends_the_connection(
    server: OpenRum, path: str, lines: list[str]
) -> None:
    """No second request can hide in the body of the first."""
    smuggled = b"0\r\n\r\nPOST /appmonitor?Name=smuggled&Domain=localhost HTTP/1.1\r\n\r\n"
    with connect(server.url) as connection:
        connection.sendall(_head(path, *lines) + smuggled)
        response = read_response(connection)

    assert (response.status, response.error_type) == (400, "BadRequestException")
    assert response.headers["Connection"] == "close"
    assert response.message


@pytest.mark.parametrize(
    "lines",
    [
        ["CONTENT-TYPE:APPLICATION/JSON;CHARSET=UTF-8"],
        ["Content-Type:\ttext/plain ; charset=utf-8 "],
        ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQ"],
        ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"],
        ["Expect: 200-maybe"],
        ["X-Forwarded-For: 1.2.3.4, \xe9\xff", "Cookie: " + "a=b; " * 500],
        ["Host: dataplane.127.0.0.1:1"],
        ["Authorization: AWS4-HMAC-SHA256 garbage", "X-Amz-Date: never"],
        [f"X-{number}: x" for number in range(90)],
    ],
    ids=lambda lines: str(lines)[:50],
)
def test_unusual_headers_are_accepted(server: OpenRum, path: str, lines: list[str]) -> None:
    body = json.dumps(batch()).encode()
    response = send_raw(server.url, _head(path, *lines, f"Content-Length: {len(body)}") + body)

    assert (response.status, response.body) == (200, b"")


@pytest.mark.parametrize(
    "endless",
    [b"X: " + b"a" * 65536, b"X: y\r\n" * 20_000],
    ids=["one-header", "many-headers"],
)
def test_endless_headers_are_rejected(server: OpenRum, path: str, endless: bytes) -> None:
    response = send_raw(server.url, _head(path)[:-2] + endless)

    assert (response.status, response.error_type) == (431, "RequestHeaderFieldsTooLargeException")
    assert response.headers["Connection"] == "close"


def test_endless_paths_and_blank_lines_are_rejected(server: OpenRum) -> None:
    for endless in (b"POST /" + b"a" * 70_000, b"\r\n" * 40_000):
        assert send_raw(server.url, endless).status == 431


def test_the_header_limit_ignores_pieces_and_bodies(server: OpenRum, path: str) -> None:
    body = json.dumps(batch(SessionMetadata=" " * (_MAX_BODY - 2000))).encode()
    head = _head(path, f"Content-Length: {len(body)}")
    with connect(server.url) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(3):
            for at in range(0, len(head), 10):
                connection.sendall(head[at : at + 10])
            connection.sendall(body)
            assert read_response(connection).status == 200


def test_responses_to_pipelined_requests_are_in_order(server: OpenRum, path: str) -> None:
    good, bad = json.dumps(batch()).encode(), b"{}"
    with connect(server.url) as connection:
        for body, last in ((good, "keep-alive"), (bad, "keep-alive"), (good, "close")):
            head = _head(path, f"Content-Length: {len(body)}", f"Connection: {last}")
            connection.sendall(head + body)
        responses = connection.makefile("rb").read()

    assert re.findall(rb"HTTP/1.1 (\d+)", responses) == [b"200", b"400", b"200"]


@pytest.mark.parametrize(
    "injected", ["%0A{}%0D%0Afake", "x\\n{}", "%1B[31m", "%E2%80%AEx", "a" * 20_000]
)
def test_the_log_contains_nothing_that_clients_send(
    server: OpenRum, path: str, injected: str
) -> None:
    before = len(server.output)
    send(server.url, f"/appmonitors/{injected}", batch())
    send(server.url, f"/{injected}/appmonitors/{injected}?{injected}", batch())
    body = batch([{"id": injected, "type": injected}], Alias=injected, BatchId=injected)
    send(server.url, path, body, headers={"User-Agent": injected, "Referer": injected})
    send(server.url, f"/appmonitor/{injected}", method="GET")
    assert send(server.url, path, batch()).status == 200
    logged = server.output[before:]

    assert all(isinstance(json.loads(line), dict) for line in logged)
    assert not [line for line in logged if injected[:100] in line or "fake" in line]
    assert max(map(len, logged), default=0) < 500
