"""The files of the page at `/ui/`: headers, paths, and what is vendored."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import http.client
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from rum_projector.insight.changes import MEASURES
from tests.bridge.conftest import Bridge
from tests.bridge.wire import send
from tests.support.running import OpenRum

_UI = Path(__file__).parents[2] / "bridge" / "rum_bridge" / "ui"
_FILES = sorted(str(path.relative_to(_UI)) for path in _UI.rglob("*") if path.is_file())
_OURS = [name for name in _FILES if not name.startswith("vendor/")]
_IMPORT = re.compile(r"""(?:from|import)\s*["'](\.[^"']+)["']""")
_LATER_IMPORT = re.compile(r"""import\(["'](\.[^"']+)["']\)""")


def _policy(openrum: OpenRum, path: str) -> list[str]:
    headers = send(openrum.url, path, method="GET").headers
    return headers["Content-Security-Policy"].split("; ")


@pytest.mark.parametrize("name", _FILES)
def test_every_file_is_served_unchanged_and_compressed_on_request(
    openrum: OpenRum, name: str
) -> None:
    expected = (_UI / name).read_bytes()
    plain = send(openrum.url, f"/ui/{name}", method="GET")
    compressed = send(openrum.url, f"/ui/{name}", method="GET", headers={"Accept-Encoding": "gzip"})

    assert (200, expected) == (plain.status, plain.body)
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert expected == gzip.decompress(compressed.body)
    assert plain.headers["ETag"] != compressed.headers["ETag"]
    assert plain.headers["X-Content-Type-Options"] == "nosniff"


def test_a_client_that_rejects_gzip_gets_none(openrum: OpenRum) -> None:
    headers = {"Accept-Encoding": "br, gzip;q=0"}
    response = send(openrum.url, "/ui/app.js", method="GET", headers=headers)

    assert "Content-Encoding" not in response.headers
    assert response.body == (_UI / "app.js").read_bytes()


def test_scripts_have_a_type_that_browsers_run(openrum: OpenRum) -> None:
    scripts = [name for name in _FILES if name.endswith((".js", ".mjs"))]
    types = {send(openrum.url, f"/ui/{n}", method="GET").headers["Content-Type"] for n in scripts}

    assert {"text/javascript; charset=utf-8"} == types


def test_the_policy_allows_nothing_of_another_host_and_no_inline_code(openrum: OpenRum) -> None:
    policy = _policy(openrum, "/ui/")

    assert {
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    } <= set(policy)
    assert not [part for part in policy if "unsafe" in part or "http" in part or "*" in part]


def test_the_player_of_replays_may_use_recorded_styles_but_load_nothing(openrum: OpenRum) -> None:
    policy = _policy(openrum, "/ui/replay.html")

    assert {"default-src 'none'", "script-src 'self'", "img-src data: blob:"} <= set(policy)
    assert {"frame-ancestors 'self'", "form-action 'none'"} <= set(policy)
    assert not [part for part in policy if "http" in part or "*" in part or "eval" in part]


def test_an_unchanged_file_is_not_sent_again(openrum: OpenRum) -> None:
    first = send(openrum.url, "/ui/app.js", method="GET")
    again = send(
        openrum.url, "/ui/app.js", method="GET", headers={"If-None-Match": first.headers["ETag"]}
    )

    assert (again.status, again.body) == (304, b"")
    assert first.headers["ETag"] == again.headers["ETag"]
    assert first.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/ui/../app.py",
        "/ui/%2e%2e/app.py",
        "/ui/..%2fapp.py",
        "/ui//etc/passwd",
        "/ui/vendor",
        "/ui/vendor/",
        "/ui/./app.js",
        "/ui/app.js/",
        "/ui/overview",
        "/ui/app.js%00",
    ],
)
def test_a_path_that_is_no_file_is_not_found(openrum: OpenRum, path: str) -> None:
    parts = urlsplit(openrum.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    connection.close()

    assert response.status == 404, body[:100]
    assert response.headers["Content-Type"] == "application/json"


def test_the_folder_without_a_slash_leads_to_the_page(openrum: OpenRum) -> None:
    response = send(openrum.url, "/ui", method="GET")

    assert (response.status, response.headers["Location"]) == (308, "ui/")


async def test_the_page_is_also_under_the_path_prefix(bridge: Bridge) -> None:
    async with bridge(path_prefix="/rum/ingest") as url:
        response = await asyncio.to_thread(send, url, "/rum/ingest/ui/app.js", method="GET")

    assert (response.status, response.body) == (200, (_UI / "app.js").read_bytes())


async def test_the_page_knows_the_public_url(bridge: Bridge) -> None:
    async with bridge(public_url="https://rum.example/ingest") as url:
        response = await asyncio.to_thread(send, url, "/ui/", method="GET")

    assert b'<meta name="endpoint" content="https://rum.example/ingest">' in response.body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_files_can_only_be_read(openrum: OpenRum, method: str) -> None:
    assert send(openrum.url, "/ui/app.js", {}, method=method).status == 404


def test_every_vendored_file_has_the_digest_in_the_list() -> None:
    listed = re.findall(
        r"^\| `([^`]+)` .* `([0-9a-f]{64})`",
        (_UI / "vendor" / "VENDORED.md").read_text(),
        flags=re.MULTILINE,
    )
    present = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (_UI / "vendor").iterdir()
        if path.suffix in {".js", ".mjs", ".css"}
    }

    assert present == dict(listed)


def test_every_license_that_the_list_links_to_is_there() -> None:
    text = (_UI / "vendor" / "VENDORED.md").read_text()
    licenses = set(re.findall(r"\((LICENSE-[^)]+)\)", text))

    assert {path.name for path in (_UI / "vendor").glob("LICENSE-*")} == licenses


def test_our_files_name_no_other_host() -> None:
    named = {
        url
        for name in _OURS
        for url in re.findall(
            r"(?:https?:)?//[a-z0-9-]+(?:\.[a-z0-9-]+)+", (_UI / name).read_text()
        )
    }

    # The name of the format of an image, and in a comment the source of the thresholds.
    assert {"http://www.w3.org", "https://web.dev"} == named


def _modules(name: str, seen: set[str], *, later: bool = False) -> Iterator[str]:
    """Yield the modules that a module imports, and theirs.

    Args:
        later: whether to yield those too that are imported when they are needed.
    """
    text = (_UI / name).read_text()
    for imported in [*_IMPORT.findall(text), *(_LATER_IMPORT.findall(text) if later else ())]:
        path = str((_UI / name).parent.joinpath(imported).resolve().relative_to(_UI))
        if path not in seen:
            seen.add(path)
            yield path
            yield from _modules(path, seen, later=later)


def test_the_document_preloads_all_modules_so_that_none_waits_for_another() -> None:
    preloaded = re.findall(r'rel="modulepreload" href="([^"]+)"', (_UI / "index.html").read_text())

    assert sorted(_modules("app.js", {"app.js"})) == sorted(preloaded)


def test_no_module_is_unused() -> None:
    used = {"app.js", "replay.js"}
    used |= set(_modules("app.js", set(), later=True))
    used |= set(_modules("replay.js", set(), later=True))

    assert [name for name in _FILES if name.endswith((".js", ".mjs"))] == sorted(used)


def test_no_text_is_rendered_as_markup() -> None:
    forbidden = ("dangerouslySetInnerHTML", "innerHTML", "insertAdjacentHTML", "document.write")

    assert [n for n in _OURS if any(word in (_UI / n).read_text() for word in forbidden)] == []


def test_the_page_names_each_measure_that_can_change() -> None:
    script = (_UI / "views" / "changes.js").read_text()
    names = script.partition("const NAMES = {")[2].partition("};")[0]

    named = re.findall(r'^  (\w+): \["', names, re.MULTILINE)

    assert sorted(MEASURES) == sorted(named)
