"""Puts that are found in bytes: the parser must agree about where they end and what they are."""

from __future__ import annotations

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rum_bridge.puts.put_paths import PutPaths
from rum_bridge.puts.raw_request import RawPut, raw_put

_paths = PutPaths([])
_LINE = b"POST /appmonitors/shop HTTP/1.1\r\n"
_PUT = _LINE + b"Host: x\r\nContent-Length: 3\r\n\r\nabc"


def _raw_put(data: bytes) -> RawPut | None:
    return raw_put(data, _paths.app_monitor_id, max_head_bytes=1000, max_fields=10)


def _with(*headers: bytes) -> bytes:
    return _LINE + b"".join(header + b"\r\n" for header in headers) + b"\r\n"


def test_a_put_is_found_with_what_its_response_needs() -> None:
    data = _with(b"HOST: x", b"content-LENGTH:  12 ", b"Origin: https://Shop.example", b"A: b")

    assert _raw_put(data) == RawPut("shop", len(data) + 12, True, b"https://Shop.example")


@pytest.mark.parametrize(
    ("target", "app_monitor_id"),
    [
        (b"/appmonitors/shop/", "shop"),
        (b"/appmonitors/shop?X-Amz-Date=1", "shop"),
        (b"/first/party/appmonitors/Shop", "Shop"),
        (b"/appmonitors/sh%6Fp", None),
        (b"/appmonitors/shop#part", None),
        (b"http://x/appmonitors/shop", None),
        (b"/appmonitors/sh\xc3\xb6p", None),
        (b"/appmonitors", None),
    ],
)
def test_the_app_monitor_is_read_from_the_path(target: bytes, app_monitor_id: str | None) -> None:
    put = _raw_put(b"POST " + target + b" HTTP/1.1\r\nContent-Length: 0\r\n\r\n")

    assert (put and put.app_monitor_id) == app_monitor_id


@pytest.mark.parametrize(
    ("header", "keep_alive"),
    [(b"A: b", True), (b"Connection: Keep-Alive", True), (b"Connection: Close", False)],
)
def test_a_client_may_ask_to_close_the_connection(header: bytes, keep_alive: bool) -> None:
    put = _raw_put(_with(header, b"Content-Length: 1"))

    assert put is not None
    assert put.keep_alive == keep_alive


@pytest.mark.parametrize(
    "data",
    [
        b"",
        _PUT.replace(b"POST", b"GET "),
        _PUT.replace(b"HTTP/1.1", b"HTTP/1.0"),
        _LINE + b"Content-Length: 3\r\n",
        _with(b"Host: x"),
        _with(b"Transfer-Encoding: chunked"),
        _with(b"Content-Length: 3", b"Transfer-Encoding: chunked"),
        _with(b"Content-Length: 3", b"Content-Length: 3"),
        _with(b"Content-Length: 3", b"Content-Length : 4"),
        _with(b"Content-Length: +3"),
        _with(b"Content-Length: 3, 3"),
        _with(b"Content-Length:"),
        _with(b"Content-Length: " + b"9" * 20),
        _with(b"Content-Length: 3", b"Expect: 100-continue"),
        _with(b"Content-Length: 3", b"Upgrade: h2c"),
        _with(b"Content-Length: 3", b"A: b", b" folded"),
        _with(b"Content-Length: 3", b"A: b\nTransfer-Encoding: chunked"),
        _with(b"Content-Length: 3", b"A: b\rC: d"),
        _with(b"Content-Length: 3", b"A: " + b"b" * 1000),
        _with(b"Content-Length: 3", *[b"A: b"] * 10),
    ],
)
def test_everything_unusual_is_left_to_the_parser(data: bytes) -> None:
    assert _raw_put(data) is None


class _Parsed:
    """Where the parser finds the end of the first message."""

    def __init__(self, data: bytes) -> None:
        self.body = b""
        self.messages = 0
        self.keep_alive = False
        self._parser = httptools.HttpRequestParser(self)
        self._parser.feed_data(data)

    def on_headers_complete(self) -> None:
        self.keep_alive = self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.messages += 1


_NAMES = st.sampled_from(
    [b"Content-Length", b"content-length", b"Connection", b"Transfer-Encoding", b"Host", b"X"]
)
_VALUES = st.sampled_from(
    [b"0", b"5", b" 5", b"5\t", b"05", b"-5", b"close", b"keep-alive", b"chunked", b"x, close", b""]
)
_ENDS = st.sampled_from([b"\r\n"] * 6 + [b"\n", b"\r", b"\r\n ", b"\r\n\t", b"\x00\r\n"])


@settings(max_examples=500)
@given(st.lists(st.tuples(_NAMES, _VALUES, _ENDS), max_size=4))
def test_the_parser_finds_the_same_end(fields: list[tuple[bytes, bytes, bytes]]) -> None:
    head = _LINE + b"".join(name + b":" + value + end for name, value, end in fields) + b"\r\n"
    put = _raw_put(head)
    if put is None:
        return
    length = put.size - len(head)
    try:
        parsed = _Parsed(head + b"x" * length)
    except httptools.HttpParserError:
        return  # the client gets 400 if its turn comes, and 429 otherwise

    assert (parsed.messages, len(parsed.body)) == (1, length)
    assert parsed.keep_alive == put.keep_alive
