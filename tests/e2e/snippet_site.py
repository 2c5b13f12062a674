"""Sites whose pages have the code that OpenRUM gives out for aws-rum-web."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.tools.node import run_node
from tests.tools.rum_page import npm_packages
from tests.tools.toolbox import tools_needed


def npm_page(folder: Path, code: str) -> None:
    """Write a page that runs `code`, which imports aws-rum-web, as a bundle."""
    (folder / "entry.js").write_text(code)
    _esbuild(folder, "entry.js", "--bundle", "--outfile=app.js")
    _write(folder, '<script src="/app.js"></script>')


def script_tag_page(folder: Path, command: str, html: str) -> None:
    """Write a page that contains `html`, beside the script that `command` builds."""
    assert command.startswith("npx esbuild ")
    _esbuild(folder, *command.split()[2:])
    _write(folder, html)


def _esbuild(folder: Path, *arguments: str) -> None:
    with tools_needed():
        modules = npm_packages()
    (folder / "node_modules").symlink_to(modules)
    run_node(modules / "esbuild" / "bin" / "esbuild", *arguments, cwd=folder)


def _write(folder: Path, html: str) -> None:
    (folder / "index.html").write_text(f"<!doctype html><title>Shop</title>{html}")


@contextmanager
def site(folder: Path) -> Iterator[str]:
    """Serve a folder over HTTP and yield the address."""
    handler = functools.partial(_QuietHandler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="site")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Print nothing."""
