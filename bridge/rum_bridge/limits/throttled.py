"""The response to a put that would wait too long, without Starlette."""

from __future__ import annotations

__all__ = ["Throttled", "too_many_waiting"]

from collections.abc import Sequence

from rum_bridge.cors import CorsHeaders
from rum_bridge.errors import HttpError
from rum_bridge.rendered_error import RenderedError, header_lines

_RETRY_AFTER_S = 2
_CLOSE = (b"connection", b"close")


def too_many_waiting(retry_after_s: int = 1) -> HttpError:
    """Return the error for a put that would wait too long."""
    return HttpError(
        429,
        "ThrottlingException",
        "Too many requests are waiting for the service.",
        {"serviceCode": "rum", "quotaCode": "waiting-requests"},
        retry_after_s,
    )


class Throttled:
    """Renders the response. All but the request ID and the CORS headers is the same each time."""

    def __init__(self, cors: CorsHeaders) -> None:
        self._cors = cors
        self.error = too_many_waiting(_RETRY_AFTER_S)
        self._rendered = RenderedError(self.error)

    def render(
        self,
        request_id: str,
        origin: bytes | None,
        default_headers: Sequence[tuple[bytes, bytes]],
        *,
        keep_alive: bool,
        error: HttpError | None = None,
    ) -> bytes:
        """Return the response as sent.

        Args:
            default_headers: the server's, for every response.
            error: another reason, with status 429.
        """
        rendered = RenderedError(error) if error else self._rendered
        closes = not keep_alive and _CLOSE not in default_headers
        return rendered.render(
            request_id,
            first=header_lines(default_headers),
            last=header_lines([*self._cors.for_origin(origin), *([_CLOSE] if closes else [])]),
        )
