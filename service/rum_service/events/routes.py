"""Route patterns: pages and URLs with `:id` in the place of their variable parts. Pure.

    /product/4711?color=red              /product/:id
    https://api.example.com/u/ann@x.org  api.example.com/u/:id
    /app#/orders/9f1c2ab0                /app#/orders/:id

Queries, credentials and fragments are dropped, except for routes in the fragment (`#/orders`).
"""

from __future__ import annotations

__all__ = ["MAX_PATTERN", "method_and_url", "page_pattern", "url_pattern"]

import re
from functools import lru_cache
from urllib.parse import unquote

from rum_service.events.text import clean

MAX_PATTERN = 256
_ID = ":id"
# A cache keeps its keys: together they bound its memory.
_MAX_INPUT = 512
_CACHED = 8192
_MAX_SEGMENTS = 12

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30}):")
_HOST_SCHEMES = ("http", "https", "ws", "wss")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,:_-]*")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
# Percent-encoded characters belong to no token: `%C3%A4` is a letter.
_TOKEN = re.compile(r"(?:%[0-9A-Fa-f]{2})+|[0-9A-Za-z]+")
_DIGIT = re.compile(r"[0-9]")
_HEX = re.compile(r"[0-9a-f]{8,}|[0-9A-F]{8,}")
_CHANGE = re.compile(r"[a-z](?=[0-9A-Z])|[A-Z](?=[0-9])|[0-9](?=[A-Za-z])")


def page_pattern(page: str) -> str:
    """Return a page's route pattern, without the host, for its page ID or URL."""
    return _page_pattern(page if len(page) <= _MAX_INPUT else page[:_MAX_INPUT])


def url_pattern(url: str, page_host: str = "") -> str:
    """Return the route pattern for a URL that a page requested.

    It contains the host if that differs from the page's host. Ports are not compared, because an
    event's metadata has the page's host without its port.
    """
    if len(url) > _MAX_INPUT:
        url = url[:_MAX_INPUT]
    if "#" not in url:  # more URLs are in the cache without their queries
        url = url.partition("?")[0]
    return _url_pattern(url, page_host[:_MAX_INPUT])


def method_and_url(method: str, url: str, page_host: str = "") -> str:
    """Return a request's method and route pattern, such as `GET /api/products/:id`."""
    return f"{clean(method, 16).upper() or 'GET'} {url_pattern(url, page_host)}"


@lru_cache(_CACHED)
def _page_pattern(page: str) -> str:
    if page.startswith("#"):  # a page ID of aws-rum-web with pageIdFormat HASH
        return _bounded("#" + _path_pattern(page[1:].partition("?")[0]))
    _, path = _host_and_path(page)
    return _bounded(path)


@lru_cache(_CACHED)
def _url_pattern(url: str, page_host: str) -> str:
    host, path = _host_and_path(url)
    if not host or _hostname(host) == page_host.lower():
        return _bounded(path)
    return _bounded(host + path)


def _host_and_path(url: str) -> tuple[str, str]:
    """Return the host, if there is one, and the pattern of path and fragment."""
    url = url.strip()
    host = ""
    scheme = _SCHEME.match(url)
    if scheme and scheme[1].lower() in _HOST_SCHEMES:
        url = url[scheme.end() :]
    elif scheme and _is_opaque(url, scheme.end()):
        return "", scheme[0].lower()
    if url.startswith("//"):
        authority = re.split(r"[/?#\\]", url[2:], maxsplit=1)[0]
        url = url[2 + len(authority) :] or "/"
        host = authority.rpartition("@")[2].lower()
    rest, _, fragment = url.partition("#")
    pattern = _path_pattern(rest.partition("?")[0])
    if fragment.startswith(("/", "!/")):
        pattern += "#" + _path_pattern(fragment.partition("?")[0])
    return host, pattern


def _is_opaque(url: str, end: int) -> bool:
    """Return whether a URL such as `data:…` or `blob:…` has no path. A page ID may have a colon."""
    return url[end : end + 2] == "//" or url[: end - 1].lower() in {
        "about",
        "blob",
        "data",
        "javascript",
        "mailto",
        "tel",
    }


def _hostname(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name if port.isdigit() else host


def _path_pattern(path: str) -> str:
    segments = path.split("/", _MAX_SEGMENTS + 1)
    rest = segments[_MAX_SEGMENTS + 1 :]
    patterns = [_segment_pattern(segment) for segment in segments[: _MAX_SEGMENTS + 1]]
    return "/".join([*patterns, "…"] if rest else patterns)


def _segment_pattern(segment: str) -> str:
    segment = segment.partition(";")[0]  # without matrix parameters and ;jsessionid
    if len(segment) < 32 and segment.isalpha():
        return segment
    plain = unquote(segment)
    if _NUMBER.fullmatch(plain) or _EMAIL.fullmatch(plain):
        return _ID
    return _without_ids(_UUID.sub(_ID, segment))


def _without_ids(segment: str) -> str:
    """Replace the IDs between the separators in a segment, or the segment if most of it is one."""
    random = sum(len(token) for token in _TOKEN.findall(segment) if _is_random(token))
    may_be_file = "." in segment and len(segment) < 64
    if random and 2 * random >= len(segment) and not may_be_file:
        return _ID
    return _TOKEN.sub(lambda token: _ID if _is_id(token[0]) else token[0], segment)


def _is_id(token: str) -> bool:
    return (token.isdecimal() and len(token) >= 3) or _is_random(token)


def _is_random(token: str) -> bool:
    """Return whether a token looks generated: hexadecimal, or letters and digits that alternate."""
    if len(token) < 8 or token[0] == "%" or token.isdecimal():
        return False
    if not _DIGIT.search(token):
        return len(token) >= 40
    if _HEX.fullmatch(token):
        return True
    return len(_CHANGE.findall(token)) * 4 >= len(token) or len(token) >= 40


def _bounded(pattern: str) -> str:
    return clean(pattern, MAX_PATTERN)
