"""Parses the heads of requests as uvicorn does, and as RFC 9110 says where uvicorn differs."""

from __future__ import annotations

__all__ = ["head_without_upgrade", "new_parser", "with_path"]

from collections.abc import Sequence

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_UPGRADE_HEADERS = (b"connection", b"upgrade", b"http2-settings")


def new_parser(protocol: HttpToolsProtocol) -> httptools.HttpRequestParser:
    """Return a parser that is set up as uvicorn sets up its own."""
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


def with_path(url: bytes) -> bytes:
    """Return a target that is not a path. If it is a URL without a path, add one."""
    parsed = httptools.parse_url(url)
    if parsed.path is not None:
        return url
    return b"/?" + parsed.query if parsed.query else b"/"


def head_without_upgrade(
    method: bytes, url: bytes, headers: Sequence[tuple[bytes, bytes]]
) -> bytes:
    """Return a request's head without its offer to upgrade, for a new parser."""
    lines = [method + b" " + url + b" HTTP/1.1"]
    lines += [name + b": " + value for name, value in headers if name not in _UPGRADE_HEADERS]
    if any(name == b"connection" and b"close" in value.lower() for name, value in headers):
        lines.append(b"connection: close")
    return b"\r\n".join(lines) + b"\r\n\r\n"
