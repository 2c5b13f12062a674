"""The answer at `/`, for people who open the bridge's address with a browser or with curl."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests.bridge.conftest import Bridge
from tests.bridge.wire import send
from tests.support.running import OpenRum
from tests.tools.chromium import Page

_ROOT = Path(__file__).parents[2]


def _text(openrum: OpenRum, **headers: str) -> str:
    return send(openrum.url, "/", method="GET", headers=headers).body.decode()


def test_the_page_shows_an_example_with_the_address_of_the_request(openrum: OpenRum) -> None:
    response = send(openrum.url, "/", method="GET")

    assert response.status == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "OpenRUM is running" in response.body.decode()
    assert f"endpoint: '{openrum.url}'" in response.body.decode()


def test_head_has_the_headers_of_get_and_no_body(openrum: OpenRum) -> None:
    get, head = (send(openrum.url, "/", method=method) for method in ("GET", "HEAD"))
    kept = ("Content-Type", "Content-Length", "Content-Security-Policy", "Cache-Control")

    assert (head.status, head.body) == (200, b"")
    assert [head.headers[name] for name in kept] == [get.headers[name] for name in kept]


def test_the_page_loads_nothing_and_cannot_be_framed_or_cached(openrum: OpenRum) -> None:
    response = send(openrum.url, "/", method="GET")
    policy = response.headers["Content-Security-Policy"].split("; ")

    assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(policy)
    assert not [part for part in policy if "unsafe" in part or "http" in part or "*" in part]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    assert re.findall(r'(?:src|href)="([^"]+)"', response.body.decode()) == [
        "data:,",
        "/readyz",
        "ui/",
    ]


def test_a_browser_is_led_to_the_page(openrum: OpenRum, page: Page) -> None:
    page.open(f"{openrum.url}/")

    assert f"{openrum.url}/ui/" == str(page.evaluate("() => location.href")).partition("#")[0]


@pytest.mark.parametrize("host", ["<script>", "a'b", 'a"b', "a b", "", "x" * 300 + "/", "[::1"])
def test_a_host_that_is_not_a_host_name_is_not_repeated(openrum: OpenRum, host: str) -> None:
    assert "endpoint: 'http://THIS-HOST'" in _text(openrum, Host=host)


@pytest.mark.parametrize("host", ["rum.example", "rum.example:8443", "[::1]:8080", "127.0.0.1"])
def test_a_host_name_is_repeated(openrum: OpenRum, host: str) -> None:
    assert f"endpoint: 'http://{host}'" in _text(openrum, Host=host)


async def test_the_public_url_is_shown_instead_if_it_is_set(bridge: Bridge) -> None:
    async with bridge(public_url="https://rum.example/ingest") as url:
        response = await asyncio.to_thread(send, url, "/", method="GET")

    assert "endpoint: 'https://rum.example/ingest'" in response.body.decode()


def test_every_file_that_the_page_names_exists(openrum: OpenRum) -> None:
    named = re.findall(r"<code>(docs/[^<]+)</code>", _text(openrum))

    assert len(named) == 3
    assert [name for name in named if not (_ROOT / name).is_file()] == []


@pytest.mark.parametrize("path", ["/index.html", "/favicon.ico", "//", "/x"])
def test_other_unknown_paths_keep_their_json_errors(openrum: OpenRum, path: str) -> None:
    response = send(openrum.url, path, method="GET")

    assert (response.status, response.error_type) == (404, "UnknownOperationException")
    assert response.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_other_methods_keep_their_json_error(openrum: OpenRum, method: str) -> None:
    response = send(openrum.url, "/", {}, method=method)

    assert (response.status, response.error_type) == (404, "UnknownOperationException")
