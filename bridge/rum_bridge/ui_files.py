"""Serve the page at `/ui/`: files of the package, read and compressed once, when the bridge starts.

One document serves all views, because the view is in the part of the URL after `#`. The page needs
no build: browsers load its modules as they are.
"""

from __future__ import annotations

__all__ = ["ui_routes"]

import hashlib
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from importlib import resources
from importlib.resources.abc import Traversable

from isal import igzip
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from rum_bridge.headers import accepts_gzip

_INDEX = "index.html"
_ENDPOINT = b'name="endpoint" content=""'
_REPLAY = "replay.html"
# 3 ms for all files, and a tenth longer than the 50 ms of zlib's best level (2026-11).
_GZIP_LEVEL = 3
_MEDIA_TYPES = {".mjs": "text/javascript", ".js": "text/javascript", ".md": "text/plain"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; frame-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
# The recorded page keeps its styles and the images inside it. It loads nothing, not even from this
# server, and its scripts do not run: rrweb puts it into a sandbox inside this document.
_REPLAY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data: blob:; "
    "font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_HEADERS = {
    # Ask again each time, so that an upgrade shows at once. Without a change, the response is 304.
    "Cache-Control": "no-cache",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class _File:
    """A file with the responses to requests for it."""

    headers: dict[str, str]
    content: bytes
    compressed: bytes
    tag: str

    def response(self, request: Request) -> Response:
        """Return the file, or 304 if the browser has it."""
        compress = accepts_gzip(request)
        tag = f'"{self.tag}-gzip"' if compress else f'"{self.tag}"'
        headers = {**self.headers, "ETag": tag}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if not compress:
            return Response(self.content, headers=headers)
        return Response(self.compressed, headers={**headers, "Content-Encoding": "gzip"})


def ui_routes(path_prefix: str, public_url: str) -> list[Route]:
    """Return the routes of the page.

    Args:
        path_prefix: The page is served under this path as well.
        public_url: The URL in snippets for clients. If it is empty, the address that the browser
            used.
    """
    root = resources.files("rum_bridge") / "ui"
    contents = {path: found.read_bytes() for path, found in _walk(root)}
    endpoint = f'name="endpoint" content="{escape(public_url)}"'
    contents[_INDEX] = contents[_INDEX].replace(_ENDPOINT, endpoint.encode())
    files = {path: _file(path, content) for path, content in contents.items()}
    files[""] = files[_INDEX]

    async def file(request: Request) -> Response:
        found = files.get(request.path_params["path"])
        if found is None:
            raise HTTPException(404)
        return found.response(request)

    async def folder(_: Request) -> Response:
        # Relative: a proxy may serve the bridge under another path.
        return RedirectResponse("ui/", 308)

    return [
        Route(prefix + path, endpoint)
        for prefix in dict.fromkeys(("", path_prefix))
        for path, endpoint in (("/ui", folder), ("/ui/{path:path}", file))
    ]


def _walk(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    """Yield a folder's files with their paths."""
    for child in folder.iterdir():
        path = prefix + child.name
        if child.is_dir():
            yield from _walk(child, path + "/")
        else:
            yield path, child


def _file(path: str, content: bytes) -> _File:
    suffix = path[path.rfind(".") :]
    media_type = _MEDIA_TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "text/plain"
    charset = "" if media_type.startswith("image/") else "; charset=utf-8"
    policy = _REPLAY_POLICY if path == _REPLAY else _POLICY
    return _File(
        {**_HEADERS, "Content-Type": media_type + charset, "Content-Security-Policy": policy},
        content,
        igzip.compress(content, _GZIP_LEVEL, mtime=0),
        hashlib.sha256(content).hexdigest()[:32],
    )
