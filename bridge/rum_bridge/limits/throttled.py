"""The response to a put that would wait too long, without Starlette."""

from __future__ import annotations

__all__ = ["Throttled", "too_many_waiting"]

from collections.abc import Sequence

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from rum_bridge.cors import CorsHeaders
from rum_bridge.errors import HttpError, error_response

_RETRY_AFTER_S = 2
_CLOSE = (b"connection", b"close")
_ID = "00000000-0000-0000-0000-000000000000"


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
        self._parts = _parts(self.error)

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
        before_id, after_id, body = _parts(error) if error else self._parts
        closes = not keep_alive and _CLOSE not in default_headers
        return b"".join(
            (
                STATUS_LINE[429],
                _lines(default_headers),
                before_id,
                request_id.encode(),
                after_id,
                _lines(self._cors.for_origin(origin)),
                b"connection: close\r\n\r\n" if closes else b"\r\n",
                body,
            )
        )


def _parts(error: HttpError) -> tuple[bytes, bytes, bytes]:
    """Return the headers of an error before and after its request ID, and the body."""
    response = error_response(error, _ID)
    before_id, _, after_id = _lines(response.raw_headers).partition(_ID.encode())
    return before_id, after_id, bytes(response.body)


def _lines(headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    return b"".join([name + b": " + value + b"\r\n" for name, value in headers])
