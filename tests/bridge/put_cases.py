"""A table of requests for PutRumEvents, accepted and rejected ones."""

from __future__ import annotations

import gzip
import json
import struct
import zlib
from dataclasses import dataclass
from typing import Any

from rum_service.errors import RumError

# The settings of the bridges. Small limits keep the requests small.
SETTINGS: dict[str, dict[str, Any]] = {
    "open": {"max_body_bytes": 4096, "max_decoded_bytes": 8192, "max_events": 3},
    "strict": {
        "auth": "required",
        "allowed_origins": ["https://shop.example", "http://localhost:3000"],
    },
    "prefixed": {"path_prefix": "/rum"},
    "proxied": {"trusted_proxies": ["127.0.0.1"]},
    "hasty": {"body_timeout_s": 0.3, "put_timeout_s": 0.3},
}

_ID = "7f6bd4b0-5c3e-4a53-9c7e-3a1d2b0c9e11"
_ORIGIN = "Origin: https://shop.example"


@dataclass(frozen=True)
class Case:
    """A request."""

    name: str
    data: bytes
    settings: str = "open"
    """Which bridge it is sent to."""
    cut: bool = False
    """Whether the client closes its side after the request."""


def _event(**members: Any) -> dict[str, Any]:
    return {
        "id": "7d1c0f9e-0b1a-4c8e-9b1e-1f0e6d1c2b3a",
        "timestamp": 1735787045.5,
        "type": "com.amazon.rum.page_view_event",
        "metadata": '{"pageId": "/"}',
        "details": '{"interaction": true}',
        **members,
    }


def _document(*events: Any, **members: Any) -> dict[str, Any]:
    return {
        "BatchId": "9a5c7c4e-3b39-4f0c-8d3e-5d5bb1d9f001",
        "AppMonitorDetails": {"name": "shop", "version": "1.0.0"},
        "UserDetails": {
            "userId": "2b6a2f7e-6b59-4a0d-8d4c-0d1a7c1e5f10",
            "sessionId": "5f0c9f5e-54a4-4f31-9f0a-7d0b6f1c2d11",
        },
        "RumEvents": list(events) or [_event()],
        **members,
    }


def _json(*events: Any, **members: Any) -> bytes:
    return json.dumps(_document(*events, **members)).encode()


def _request(
    body: bytes | None = None,
    *lines: str,
    method: str = "POST",
    path: str = f"/appmonitors/{_ID}",
    content_type: str | None = "application/json",
) -> bytes:
    """Return a request. Without a body, `lines` have to describe it."""
    head = [f"{method} {path} HTTP/1.1", "Host: rum.example"]
    if content_type is not None:
        head.append(f"Content-Type: {content_type}")
    if body is not None:
        head.append(f"Content-Length: {len(body)}")
    return ("\r\n".join([*head, *lines]) + "\r\n\r\n").encode("latin-1") + (body or b"")


def _chunked(*chunks: bytes, end: bool = True) -> bytes:
    data = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return _request(None, "Transfer-Encoding: chunked", _ORIGIN) + data + b"0\r\n\r\n" * end


_SIGNED = (
    "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/rum/aws4_request, "
    "SignedHeaders=content-type;host;x-amz-date, Signature=" + "0" * 64
)
_DATE = "X-Amz-Date: 20260102T030405Z"
_PRESIGNED = (
    "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20260102%2Fus-east-1%2Frum"
    "%2Faws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host"
    f"&X-Amz-Signature={'0' * 64}&tab=a%20b"
)


def _stored_gzip(data: bytes) -> bytes:
    """Return one gzip member without compression, the same bytes on every Python and zlib."""
    size = struct.pack("<HH", len(data), ~len(data) & 0xFFFF)
    end = struct.pack("<II", zlib.crc32(data), len(data))
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + b"\x01" + size + data + end


_GZIP = _stored_gzip(_json())


def _variants(name: str, values: dict[str, bytes], settings: str = "open") -> list[Case]:
    return [Case(f"{name}: {value}", data, settings) for value, data in values.items()]


def _accepted() -> list[Case]:
    bodies = {
        "one event": _json(),
        "no event": _json(RumEvents=[]),
        "three events": _json(_event(), _event(timestamp=1), _event(timestamp=-0.5)),
        "all members": _json(Alias="a", SessionMetadata='{"a": 1}'),
        "null members": _json(Alias=None, AppMonitorDetails=None, UserDetails={"userId": None}),
        "null event members": _json(_event(metadata=None, timestamp=None)),
        "missing members": b'{"RumEvents":[{}]}',
        "empty objects": _json(AppMonitorDetails={}, UserDetails={}),
        "unknown members": _json(
            _event(Id="x", extra=[1]),
            Unknown={"a": [True]},
            AppMonitorDetails={"name": "n", "x": 1},
        ),
        "unknown members of the user": _json(UserDetails={"user_id": "x", "userId": "y"}),
        "names of fields": _json(_event(rum_events=1), batch_id="x", rum_events=[], id="x"),
        "surrogate": _json(Alias="a").replace(b'"a"', b'"\\ud800"'),
        **{f"{where} nested deeply": body for where, body in _nested(100).items()},
        "characters": _json(_event(details="日本 \U0001f600 \\ \n"), Alias="ü"),
    }
    return _variants("accepted", {name: _request(body) for name, body in bodies.items()})


def _nested(levels: int) -> dict[str, bytes]:
    """Return bodies that are nested this deep, each at another place."""

    def nested(used: int) -> Any:
        value: Any = []
        for _ in range(levels - used - 1):
            value = [value]
        return value

    return {
        "unknown member": _json(x=nested(1)),
        "member of an event": _json(_event(), _event(x=nested(3))),
        "member of the user": _json(UserDetails={"userId": None, "x": nested(2)}),
        "member of the app monitor": _json(AppMonitorDetails={"x": nested(2)}),
    }


def _malformed() -> list[Case]:
    bodies = {
        "empty": b"",
        "not JSON": b"{",
        "array": b"[]",
        "null": b"null",
        "two documents": _json() * 2,
        "NaN": _json().replace(b"1735787045.5", b"NaN"),
        "1e400": _json().replace(b"1735787045.5", b"1e400"),
        "deep": b"[" * 2000,
        **{f"{where} nested too deeply": body for where, body in _nested(101).items()},
        "no RumEvents": b"{}",
        "RumEvents null": _json(RumEvents=None),
        "RumEvents object": _json(RumEvents={}),
        "RumEvents string": _json(RumEvents=""),
        "four events": _json(*[_event()] * 4),
        "event null": _json(_event(), None),
        "event string": _json(_event(), "x"),
        "event array": _json(_event(), []),
        **{f"event {name} {wrong!r}": _json(_event(), _event(**{name: wrong}))
           for name in ("id", "timestamp", "type", "metadata", "details")
           for wrong in (True, False, [], {}, "1" if name == "timestamp" else 1)},
        "event wrong and unknown member": _json(_event(x=1, timestamp=True)),
        **{f"{name} nested too deeply": _json(**{name: json.loads(b"[" * 100 + b"]" * 100)})
           for name in ("BatchId", "UserDetails", "AppMonitorDetails", "RumEvents")},
        "event nested too deeply": _json(_event(id=json.loads(b"[" * 98 + b"]" * 98))),
        "BatchId number": _json(BatchId=1),
        "BatchId true": _json(BatchId=True),
        "Alias array": _json(Alias=[]),
        "SessionMetadata object": _json(SessionMetadata={}),
        "AppMonitorDetails array": _json(AppMonitorDetails=[]),
        "AppMonitorDetails false": _json(AppMonitorDetails=False),
        "AppMonitorDetails.name number": _json(AppMonitorDetails={"name": 1, "x": 2}),
        "AppMonitorDetails.id true": _json(AppMonitorDetails={"id": True}),
        "UserDetails string": _json(UserDetails="x"),
        "UserDetails.userId number": _json(UserDetails={"userId": 1}),
        "UserDetails.sessionId object": _json(UserDetails={"sessionId": {}}),
    }  # fmt: skip
    return _variants("malformed", {name: _request(body) for name, body in bodies.items()})


def _media_types() -> list[Case]:
    types = ["application/json", "APPLICATION/JSON; charset=utf-8", " text/plain ;x", "", ";", None,
             "text/plain;charset=UTF-8", "text/html", "application/jsonx", "application/json,a",
             "multipart/form-data; boundary=x", "\xe9"]  # fmt: skip
    twice = _request(_json(), "Content-Type: text/html", content_type="text/plain")
    return [
        *_variants("type", {repr(t): _request(_json(), content_type=t) for t in types}),
        Case("type: two, the first one counts", twice),
    ]


def _encodings() -> list[Case]:
    def encoded(encoding: str, body: bytes, *lines: str) -> bytes:
        return _request(body, f"Content-Encoding: {encoding}", *lines, _ORIGIN)

    both = "Content-Encoding: gzip"
    return _variants("encoding", {
        "gzip": encoded("gzip", _GZIP),
        "x-gzip": encoded(" X-GZIP ", _GZIP),
        "identity": encoded("Identity", _json()),
        "empty": encoded("", _json()),
        "br": encoded("br", _GZIP),
        "gzip, gzip": encoded("gzip, gzip", _GZIP),
        "identity then gzip": encoded("identity", _json(), both),
        "not gzip": encoded("gzip", _json()),
        "gzip cut": encoded("gzip", _GZIP[:-3]),
        "gzip twice": encoded("gzip", _GZIP * 2),
        "gzip of nothing": encoded("gzip", b""),
        "gzip of gzip": encoded("gzip", gzip.compress(_GZIP, mtime=0)),
        "gzip bomb": encoded("gzip", gzip.compress(b" " * 8193, mtime=0)),
        "gzip of an exact length": encoded("gzip", gzip.compress(b" " * 8192, mtime=0)),
    })  # fmt: skip


def _sizes() -> list[Case]:
    longest = _json().ljust(4096)
    early = _request(None, "Content-Length: 4097", "Expect: 100-continue", _ORIGIN)
    invited = _request(None, "Content-Length: 100", "Expect: 100-continue", _ORIGIN)
    return [
        Case("size: exact", _request(longest)),
        Case("size: one byte more", _request(longest + b" ")),
        Case("size: with an origin", _request(longest + b" ", _ORIGIN)),
        Case("size: declared", _request(None, "Content-Length: 4097")),
        Case("size: declared and expected", early),
        Case("size: chunks", _chunked(_json()[:50], _json()[50:])),
        Case("size: many chunks", _chunked(*[b" " * 700] * 6)),
        Case("size: exact chunks", _chunked(longest[:4000], longest[4000:])),
        Case("slow: nothing", _request(None, "Content-Length: 100", _ORIGIN), "hasty"),
        Case("slow: a part", _request(None, "Content-Length: 100") + b"{", "hasty"),
        Case("slow: chunks", _chunked(b"{", end=False), "hasty"),
        Case("slow: after 100 Continue", invited, "hasty"),
        Case("cut: nothing", _request(None, "Content-Length: 100"), cut=True),
        Case("cut: a part", _request(None, "Content-Length: 100") + b"{", cut=True),
        Case("cut: chunks", _chunked(b"{", end=False), cut=True),
    ]


def _cors() -> list[Case]:
    origins = ["https://shop.example", "http://localhost:3000", "https://evil.example", "null", "",
               "HTTPS://SHOP.EXAMPLE", "https://shop.example, x", "\xe9", "o" * 3000]  # fmt: skip
    bodies = {"accepted": _json(), "rejected": b"{}"}
    cases = [
        Case(f"cors: {settings} {name} {origin[:30]!r}", _request(body, f"Origin: {origin}"),
             settings)
        for settings in ("open", "strict")
        for name, body in bodies.items()
        for origin in origins
    ]  # fmt: skip
    cases += [Case(f"cors: {s} {name}", _request(body), s)
              for s in ("open", "strict") for name, body in bodies.items()]  # fmt: skip
    two = _request(_json(), _ORIGIN, "Origin: https://evil.example")
    return [*cases, *(Case(f"cors: {s} two origins", two, s) for s in ("open", "strict"))]


def _methods() -> list[Case]:
    wants = ("Access-Control-Request-Method: ", "Access-Control-Request-Headers: content-type,x-a",
             "Access-Control-Request-Private-Network: true")  # fmt: skip
    evil = "Origin: https://evil.example"

    def preflight(method: str, *lines: str) -> bytes:
        return _request(None, *lines, wants[0] + method, method="OPTIONS", content_type=None)

    paths = {"put": f"/appmonitors/{_ID}", "prefixed": f"/x/appmonitors/{_ID}/"}
    methods = ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
    bare = {
        f"{method} {name}": _request(None, _ORIGIN, method=method, path=path, content_type=None)
        for method in methods
        for name, path in paths.items()
    }
    preflights = {
        "post": preflight("POST", _ORIGIN),
        "headers": preflight("POST", _ORIGIN, wants[1]),
        "private network": preflight("POST", _ORIGIN, wants[2]),
        "put": preflight("PUT", _ORIGIN),
        "other origin": preflight("POST", evil),
        "no origin": preflight("POST"),
    }
    post_asks = _request(_json(), _ORIGIN, wants[0] + "POST")
    return [
        *_variants("method", bare),
        *_variants("method", {"post": _request(_json(), method="post")}),
        *_variants("method", {"POST without a body": _request(None, _ORIGIN)}),
        *_variants("preflight", {**preflights, "sent as POST": post_asks}),
        *_variants("preflight, strict", preflights, "strict"),
    ]


def _paths() -> list[Case]:
    plain = [
        "/appmonitors/x", "/appmonitors/x/", "/appmonitors/x//", "/appmonitors//x",
        "/appmonitors/", "/appmonitors", "/appmonitors/x/y", "/appmonitors/x%2Fy",
        "/appmonitors/%2Fx", "/appmonitors/x%2F", "/appmonitors/%E6%97%A5", "/appmonitors/%E6",
        "/appmonitors/a%00b", "/appmonitors/a%0Ab", "/appmonitors/x%0A", "/appmonitors/x/%0A",
        "/appmonitors/%25", "/appmonitors/%", "/appmonitors/a+b", "/appmonitors/a%20b",
        "/appmonitors/..", "/appmonitors/x?", "/appmonitors/x?a=b", "/appmonitors/x;y",
        "/APPMONITORS/x", "/appmonitors.php", "//appmonitors/x", "///appmonitors/x/",
        "/p/appmonitors/x", "/p/appmonitors/x/", "/p/q/appmonitors/x", "/p%2Fq/appmonitors/x",
        "/p%0A/appmonitors/x", "/%0A/appmonitors/x/", "/p/appmonitors", "/p/appmonitors/",
        "/appmonitors/appmonitors/x", "/appmonitors/appmonitors", "/appmonitor/appmonitors/x",
        "/appmonitor/x/appmonitors/y", "/appmonitor/x/data", "/tags/appmonitors/x",
        "/tags/a/appmonitors/x/", "/rummetrics/x/appmonitors/y", "/healthz/appmonitors/x",
        "/rum/appmonitors/x", "/rum/appmonitors", "/rum/tags/appmonitors/x",
        "/x/tags/appmonitors/y", "/%61ppmonitors/x", "/appmonitors%2Fx", "/p/appmonitors%2Fx",
        "http://rum.example/appmonitors/x", "/a/../appmonitors/x", "/tags/appmonitors%2Fx",
        "/tagsx/appmonitors/x", "/tags%0A/appmonitors/x", "/tags/%0A/appmonitors/x",
    ]  # fmt: skip
    return [
        Case(f"path: {settings} {path}", _request(b"{}", _ORIGIN, path=path), settings)
        for settings in ("open", "prefixed")
        for path in plain
    ] + [
        Case(f"path: accepted {path}", _request(_json(), _ORIGIN, path=path))
        for path in (f"/appmonitors/{_ID}/", f"/p/appmonitors/{_ID}", "/appmonitors/a%20%C3%BC%2B")
    ]


def _callers() -> list[Case]:
    bearer = "Authorization: Bearer "
    long = "x" * 3000
    caller = ("Referer: https://shop.example/a?b", "User-Agent: Mozilla/5.0 (\xe9)", _ORIGIN)
    shapes = {
        "browser": _request(_json(), *caller),
        "long headers": _request(_json(), f"Referer: {long}", f"User-Agent: {long}"),
        "empty headers": _request(_json(), "Referer:", "User-Agent:", "Authorization:"),
        "two of each": _request(_json(), *caller, "Referer: b", "User-Agent: b"),
        "token": _request(_json(), bearer + "openrum_abc"),
        "token in lower case": _request(_json(), "authorization: bearer openrum_abc"),
        "long token": _request(_json(), bearer + "openrum_" + long),
        "other token": _request(_json(), bearer + "abc"),
        "two tokens": _request(_json(), bearer + "abc", bearer + "openrum_abc"),
        "basic": _request(_json(), "Authorization: Basic openrum_abc"),
        "signed": _request(_json(), _SIGNED, _DATE),
        "signed, other case": _request(_json(), _SIGNED.replace("AWS4", " aws4"), _DATE),
        "signed, gzip": _request(_GZIP, _SIGNED, _DATE, "Content-Encoding: gzip"),
        "signed, more headers": _request(_json(), _SIGNED, _DATE, "X-Amz-Security-Token: t"),
        "signed, no date": _request(_json(), _SIGNED),
        "signed, garbage": _request(_json(), "Authorization: AWS4-HMAC-SHA256 garbage", _DATE),
        "signed after a token": _request(_json(), bearer + "openrum_a", _SIGNED, _DATE),
        "signed twice": _request(_json(), _SIGNED, _SIGNED, _DATE),
        "presigned": _request(_json(), path=f"/p/appmonitors/{_ID}{_PRESIGNED}"),
        "presigned and signed": _request(
            _json(), _SIGNED, _DATE, path=f"/appmonitors/{_ID}{_PRESIGNED}"
        ),
        "presigned in part": _request(_json(), path=f"/appmonitors/{_ID}?X-Amz-Signature=0"),
        "presigned, lower case": _request(_json(), path=f"/appmonitors/{_ID}?x-amz-signature=0"),
        "forwarded": _request(_json(), "X-Forwarded-For: 192.0.2.7, 127.0.0.1"),
    }  # fmt: skip
    return [
        *_variants("caller", shapes),
        *_variants("caller, strict", {"browser": shapes["browser"]}, "strict"),
        *_variants("caller, proxied", {"forwarded": shapes["forwarded"]}, "proxied"),
    ]


def _service_errors() -> list[Case]:
    names = sorted(kind.__name__ for kind in RumError.__subclasses__())
    return [
        *(Case(f"service: {name}", _request(_json(), _ORIGIN, path=f"/appmonitors/{name}"))
          for name in (*names, "bare-status", "all-ThrottlingException", "no-statuses")),
        Case("service: rejected, strict",
             _request(_json(), _ORIGIN, path=f"/appmonitors/{names[0]}"), "strict"),
        Case("service: hangs", _request(_json(), _ORIGIN, path="/appmonitors/hang"), "hasty"),
    ]  # fmt: skip


CASES = [
    *_accepted(),
    *_malformed(),
    *_media_types(),
    *_encodings(),
    *_sizes(),
    *_cors(),
    *_methods(),
    *_paths(),
    *_callers(),
    *_service_errors(),
]
