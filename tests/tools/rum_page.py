"""Serves a demo site that uses aws-rum-web, and acts on it like a visitor.

The site and its endpoint have different ports, so the browser sends preflights. The npm package
of aws-rum-web contains no file that a browser can load, so esbuild bundles it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from tests.tools.chromium import Page
from tests.tools.node import npm_install, run_node
from tests.tools.toolbox import TOOLS, install_once

__all__ = ["VERSION", "RumPage", "bundle", "demo_site", "npm_packages"]

VERSION = "3.2.1"
_ESBUILD = "0.28.2"
# These versions of aws-rum-web import this package without declaring it.
_QUERY_BUILDER = {"@aws-sdk/querystring-builder": "3.36.0"}
_UNDECLARED = dict.fromkeys(("1.0.3", "1.12.0", "1.19.0"), _QUERY_BUILDER)
_ENTRY = 'import { AwsRum } from "aws-rum-web"; globalThis.AwsRum = AwsRum;\n'
_HTML = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Demo shop</title>
<link rel="icon" href="data:,">
<script src="/aws-rum-web.js"></script>
<script>globalThis.rum = new AwsRum(...%s);</script>
%s</head>
<body><h1>Demo shop</h1><button id="buy">Buy</button></body>
</html>
"""
_ELSEWHERE = "<!doctype html><title>Elsewhere</title><link rel=icon href='data:,'>"


class RumPage:
    """Actions of a visitor on the demo site. Each method blocks until the page has finished.

    The page sends events after `dispatchInterval`, on `dispatch` and on `leave`.
    """

    def __init__(self, page: Page, url: str) -> None:
        """Open the site, which records a session start and a page view."""
        self._page = page
        self._url = url
        page.open(url)

    def view(self, page_id: str) -> None:
        """Record a page view, as a single-page application does."""
        self._page.evaluate("id => rum.recordPageView(id)", page_id)

    def throw(self, message: str) -> None:
        """Throw an uncaught JavaScript error."""
        self._page.evaluate(
            """message => new Promise(thrown => {
                addEventListener("error", () => thrown(), {once: true});
                setTimeout(() => { throw new Error(message); });
            })""",
            message,
        )

    def fetch(self, path: str) -> int:
        """Fetch a path of the site, such as "/status/503", and return the status of the response."""
        status = self._page.evaluate("path => fetch(path).then(response => response.status)", path)
        assert isinstance(status, int)
        return status

    def record(self, event_type: str, details: Mapping[str, object]) -> None:
        """Record a custom event."""
        self._page.evaluate(
            "([type, details]) => rum.recordEvent(type, details)", [event_type, dict(details)]
        )

    def click(self) -> None:
        """Click the button."""
        self._page.do(lambda page: page.click("#buy"))

    def dispatch(self) -> None:
        """Send the recorded events now, without waiting for the interval or for the response."""
        self._page.evaluate("() => { rum.dispatch(); }")

    def leave(self) -> None:
        """Go to another page, so that the recorded events are sent as a beacon."""
        self._page.open(f"{self._url}elsewhere")


class _Handler(BaseHTTPRequestHandler):
    html: ClassVar[bytes]
    scripts: ClassVar[Mapping[str, bytes]]

    def do_GET(self) -> None:
        status, kind, body = 200, "text/html; charset=utf-8", self.html
        if self.path in self.scripts:
            kind, body = "text/javascript; charset=utf-8", self.scripts[self.path]
        elif self.path == "/elsewhere":
            body = _ELSEWHERE.encode()
        elif self.path.startswith("/status/"):
            status, kind, body = int(self.path.removeprefix("/status/")), "application/json", b"{}"
        elif self.path != "/":
            status, kind, body = 404, "text/plain", b"no such page"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@contextmanager
def demo_site(
    endpoint: str,
    app_monitor_id: str,
    config: Mapping[str, object] | None = None,
    *,
    version: str = VERSION,
    scripts: Mapping[str, bytes] | None = None,
) -> Iterator[str]:
    """Run a demo site that sends its events to `endpoint`, and yield its address.

    Args:
        endpoint: URL of the data plane, such as "http://127.0.0.1:8080".
        app_monitor_id: A lower-case UUID. With upper case, aws-rum-web records its own requests.
        config: Settings of aws-rum-web. By default, requests are unsigned, successful fetches are
            recorded too, and there is no session replay.
        version: Version of aws-rum-web.
        scripts: Further scripts of the page, by path.

    Raises:
        ToolMissingError: aws-rum-web could not be installed.
    """
    settings = {
        "endpoint": endpoint,
        "signing": False,
        "telemetries": ["errors", "performance", ["http", {"recordAllRequests": True}]],
        **(config or {}),
    }
    arguments = json.dumps([app_monitor_id, "1.0.0", "us-east-1", settings]).replace("<", "\\u003c")
    tags = "".join(f'<script src="{path}"></script>\n' for path in scripts or {})
    content = {
        "html": (_HTML % (arguments, tags)).encode(),
        "scripts": {"/aws-rum-web.js": bundle(version).read_bytes(), **(scripts or {})},
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("DemoHandler", (_Handler,), content))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="demo site")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def bundle(version: str = VERSION) -> Path:
    """Return aws-rum-web as one script that defines `AwsRum`. It is built once, under `.tools`."""

    def build(folder: Path) -> None:
        entry = folder / "entry.js"
        entry.write_text(_ENTRY)
        modules = npm_packages(version)
        (folder / "node_modules").symlink_to(modules)
        options = ["--bundle", "--format=iife", "--minify", "--log-level=warning"]
        esbuild = modules / "esbuild" / "bin" / "esbuild"
        run_node(esbuild, "entry.js", *options, "--outfile=aws-rum-web.js", cwd=folder)

    stamp = json.dumps([_packages(version), _ENTRY])
    return install_once(TOOLS / f"rum-page-{version}", stamp, build) / "aws-rum-web.js"


def npm_packages(version: str = VERSION) -> Path:
    """Return the node_modules folder with aws-rum-web and esbuild."""
    return npm_install(_packages(version), TOOLS / f"aws-rum-web-{version}")


def _packages(version: str) -> dict[str, str]:
    return {"aws-rum-web": version, "esbuild": _ESBUILD, **_UNDECLARED.get(version, {})}
