"""Requests from pages of other sites: allowed for the data plane, never for the control plane."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bridge.conftest import Started
from tests.bridge.wire import ORIGIN, Response, preflight, send, send_raw
from tests.support.batches import batch, new_id
from tests.support.running import OpenRum

# As browsers request them: lower case, sorted, joined with commas.
_REQUESTED = {
    "aws-rum-web": "content-type",
    "aws-rum-web, compressed": "content-encoding,content-type",
    "aws-rum-web, signed": "authorization,content-encoding,content-type,x-amz-content-sha256,"
    "x-amz-date,x-amz-security-token",
    "aws-rum-web, custom headers": "content-type,x-api-key,x-tenant",
    "SDK for JavaScript": "amz-sdk-invocation-id,amz-sdk-request,authorization,content-type,"
    "x-amz-content-sha256,x-amz-date,x-amz-user-agent",
}
_OTHER = "https://evil.example"


@pytest.fixture(scope="module")
def path(openrum: OpenRum) -> str:
    return f"/appmonitors/{openrum.monitor_id()}"


@pytest.fixture(scope="module")
def strict(started: Started) -> OpenRum:
    """A server that allows two origins."""
    return started(OPENRUM_ALLOWED_ORIGINS=f"{ORIGIN}, http://localhost:3000")


def _expect_readable(response: Response, origin: str = "*") -> None:
    assert response.headers["Access-Control-Allow-Origin"] == origin
    exposed = response.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"x-amzn-RequestId", "x-amzn-ErrorType", "x-amzn-ErrorMessage", "Retry-After"} == set(
        exposed
    )


@pytest.mark.parametrize("suffix", ["", "/"])
@pytest.mark.parametrize("requested", _REQUESTED.values(), ids=_REQUESTED)
def test_a_preflight_allows_all_requested_headers(
    openrum: OpenRum, path: str, requested: str, suffix: str
) -> None:
    response = preflight(openrum.url, path + suffix, Access_Control_Request_Headers=requested)

    assert response.status == 200
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Access-Control-Allow-Methods"] == "POST"
    assert response.headers["Access-Control-Allow-Headers"] == requested
    assert response.headers["Access-Control-Max-Age"] == "7200"
    assert {"Origin", "Access-Control-Request-Headers"} <= response.vary


def test_a_preflight_succeeds_without_headers_and_app_monitor(openrum: OpenRum) -> None:
    for path in (f"/appmonitors/{new_id()}", "/any/prefix/appmonitors/x"):
        assert preflight(openrum.url, path).status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "GET"])
def test_a_preflight_for_another_method_is_rejected(
    openrum: OpenRum, path: str, method: str
) -> None:
    response = preflight(openrum.url, path, ask=method)

    assert response.status == 400
    assert response.headers["Access-Control-Allow-Methods"] == "POST"


def test_every_page_can_read_the_response_of_a_put(openrum: OpenRum, path: str) -> None:
    response = send(openrum.url, path, batch(), headers={"Origin": ORIGIN})

    assert response.status == 200
    _expect_readable(response)


def test_a_beacon_is_stored(openrum: OpenRum, path: str) -> None:
    headers = {
        "Origin": ORIGIN,
        "Content-Type": "text/plain;charset=UTF-8",
        "Cookie": "cwr_s=x",
        "Sec-Fetch-Mode": "no-cors",
    }
    assert send(openrum.url, path, batch(), headers=headers).status == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("POST", "/appmonitors/x", batch(), {}, 400),
        ("POST", f"/appmonitors/{new_id()}", batch(), {}, 404),
        ("POST", "/no/such/path", batch(), {}, 404),
        ("GET", f"/appmonitors/{new_id()}", None, {}, 405),
        ("POST", f"/appmonitors/{new_id()}", b" " * (5 << 20), {}, 413),
        ("POST", f"/appmonitors/{new_id()}", batch(), {"Content-Type": "text/html"}, 415),
    ],
    ids=lambda value: str(value)[:12],
)
def test_every_page_can_read_an_error(
    openrum: OpenRum, method: str, path: str, body: Any, headers: dict[str, str], status: int
) -> None:
    response = send(openrum.url, path, body, method=method, headers={"Origin": ORIGIN, **headers})

    assert response.status == status
    _expect_readable(response)


@pytest.mark.parametrize("origin", [ORIGIN, "http://localhost:3000"])
def test_an_allowed_origin_is_returned(strict: OpenRum, origin: str) -> None:
    preflighted = preflight(strict.url, f"/appmonitors/{new_id()}", Origin=origin)
    response = send(strict.url, "/appmonitors/x", batch(), headers={"Origin": origin})

    assert (preflighted.status, preflighted.headers["Access-Control-Allow-Origin"]) == (200, origin)
    _expect_readable(response, origin)
    assert "Origin" in preflighted.vary & response.vary


@pytest.mark.parametrize(
    "origin",
    [_OTHER, "null", "", ORIGIN + ":444", ORIGIN + ".evil.example", "http://shop.example",
     ORIGIN.upper(), f"{ORIGIN}, {_OTHER}"],
)  # fmt: skip
def test_another_origin_can_neither_send_nor_read(strict: OpenRum, origin: str) -> None:
    preflighted = preflight(strict.url, f"/appmonitors/{new_id()}", Origin=origin)
    response = send(strict.url, "/appmonitors/x", batch(), headers={"Origin": origin})

    assert preflighted.status == 400
    assert preflighted.headers["Access-Control-Allow-Origin"] is None
    assert response.headers["Access-Control-Allow-Origin"] is None
    assert "Origin" in response.vary


_CONTROL = [
    ("POST", "/appmonitor"),
    ("POST", "/appmonitor/"),
    ("POST", "/appmonitors"),
    ("GET", "/appmonitor/my-app"),
    ("PATCH", "/appmonitor/my-app"),
    ("DELETE", "/appmonitor/my-app"),
    ("POST", "/appmonitor/my-app/data"),
    ("DELETE", "/rum/appmonitor/my-app"),
]


def _expect_no_cors(response: Response) -> None:
    assert not [name for name in response.headers if name.lower().startswith("access-control")]


@pytest.fixture(scope="module")
def prefixed(started: Started) -> OpenRum:
    return started(OPENRUM_PATH_PREFIX="/rum")


@pytest.mark.parametrize(("method", "path"), _CONTROL)
def test_no_page_can_use_or_read_the_control_plane(
    prefixed: OpenRum, method: str, path: str
) -> None:
    preflighted = preflight(
        prefixed.url, path, ask=method, Access_Control_Request_Headers="content-type"
    )
    # Also with POST, which the CORS rules of the data plane allow.
    as_post = preflight(prefixed.url, path)

    assert (preflighted.status, as_post.status) == (405, 405)
    _expect_no_cors(preflighted)
    _expect_no_cors(as_post)
    path = path.replace("my-app", "unknown")
    _expect_no_cors(send(prefixed.url, path, method=method, headers={"Origin": ORIGIN}))


_SIMPLE = ["text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded",
           "multipart/form-data; boundary=x", "", "text/plain; application/json"]  # fmt: skip


@pytest.mark.parametrize("content_type", _SIMPLE)
@pytest.mark.parametrize("path", ["/appmonitor", "/appmonitor/my-app/data", "/rum/appmonitor"])
def test_a_body_that_needs_no_preflight_is_rejected(
    prefixed: OpenRum, path: str, content_type: str
) -> None:
    body = b'{"Name": "created-by-another-site", "Domain": "localhost"}'
    headers = {"Content-Type": content_type}
    response = send(prefixed.url, path, body, headers=headers)
    from_page = send(prefixed.url, path, body, headers={"Origin": _OTHER, **headers})

    assert (response.status, response.error_type) == (415, "UnsupportedMediaTypeException")
    assert (from_page.status, from_page.error_type) == (403, "AccessDeniedException")
    _expect_no_cors(from_page)


def test_dns_rebinding_does_not_give_access_to_the_control_plane(prefixed: OpenRum) -> None:
    """For the browser, the page and the server have the same origin."""
    headers = {"Host": "rebound.example", "Origin": "http://rebound.example"}
    response = send(prefixed.url, "/appmonitors", {}, headers=headers)

    assert (response.status, response.error_type) == (403, "AccessDeniedException")


@pytest.mark.parametrize("path", ["/appmonitors", "/rum/appmonitors"])
@pytest.mark.parametrize("site", [{}, {"Sec-Fetch-Site": "same-origin"}], ids=str)
@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080"])
def test_the_own_page_can_use_the_control_plane(
    prefixed: OpenRum, path: str, site: dict[str, str], host: str
) -> None:
    headers = {"Host": host, "Origin": f"http://{host.lower()}", **site}
    response = send(prefixed.url, path, {}, headers=headers)

    assert response.status == 200
    _expect_no_cors(response)


@pytest.mark.parametrize(
    "changed",
    [
        {"Origin": "http://127.0.0.1:8081"},
        {"Origin": "https://127.0.0.1:8080"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://127.0.0.1:8080.evil.example"},
        {"Origin": "http://127.0.0.1:8080, http://127.0.0.1:8080"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": ""},
        {"Host": "127.0.0.1:8081"},
        {"Host": "localhost:8080"},
    ],
    ids=str,
)
def test_another_page_cannot_pretend_to_be_the_own_page(
    prefixed: OpenRum, changed: dict[str, str]
) -> None:
    own = {"Host": "127.0.0.1:8080", "Origin": "http://127.0.0.1:8080"}
    response = send(prefixed.url, "/appmonitors", {}, headers={**own, **changed})

    assert (response.status, response.error_type) == (403, "AccessDeniedException")


@pytest.mark.parametrize("repeated", ["Origin: http://h:1", "Sec-Fetch-Site: same-origin"])
def test_a_repeated_header_does_not_make_a_page_the_own_page(
    prefixed: OpenRum, repeated: str
) -> None:
    head = "GET /appmonitor/my-app HTTP/1.1\r\nHost: 127.0.0.1:1\r\nOrigin: http://127.0.0.1:1"
    second = f"\r\n{repeated}\r\n{repeated}\r\n\r\n"
    response = send_raw(prefixed.url, (head + second).encode(), method="GET")

    assert response.status == 403


@pytest.mark.parametrize("body", [None, b"{}"], ids=["no-body", "empty-object"])
def test_a_query_creates_no_app_monitor(prefixed: OpenRum, rum_of: Any, body: bytes | None) -> None:
    """Every page can send such a request without a preflight."""
    query = "/appmonitor?Name=created-by-another-site&Domain=localhost"
    from_page = send(prefixed.url, query, body, headers={"Origin": _OTHER})
    response = send(prefixed.url, query, body)
    names = [m["Name"] for m in rum_of(prefixed.url).list_app_monitors()["AppMonitorSummaries"]]

    assert from_page.status == 403
    assert (response.status, response.message) == (400, "Name is required.")
    assert names == ["my-app"]
