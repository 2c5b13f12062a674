"""Tell requests from the bridge's own page at /ui from those of other sites."""

from __future__ import annotations

__all__ = ["is_from_own_page"]

from starlette.requests import Request


def is_from_own_page(request: Request) -> bool:
    """Return whether the Origin header names the scheme and host that the request was sent to.

    Check the Host header too: only then is it the name of this server.
    """
    origins = request.headers.getlist("origin")
    hosts = request.headers.getlist("host")
    sites = request.headers.getlist("sec-fetch-site")
    if len(origins) != 1 or len(hosts) != 1 or sites not in ([], ["same-origin"]):
        return False
    # Behind a trusted proxy, the scheme is that of X-Forwarded-Proto (uvicorn checks this).
    return origins[0].lower() == f"{request.scope['scheme']}://{hosts[0]}".lower()
