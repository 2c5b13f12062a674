"""An error response that is rendered once. Only the request ID is different each time."""

from __future__ import annotations

__all__ = ["CLOSE", "RenderedError", "header_lines"]

from collections.abc import Sequence

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from rum_bridge.errors import HttpError, error_response

CLOSE = b"connection: close\r\n"
"""A header line for `render`: the server closes the connection."""

_ID = "00000000-0000-0000-0000-000000000000"


class RenderedError:
    """A response's bytes, in HTTP/1.1."""

    def __init__(self, error: HttpError) -> None:
        response = error_response(error, _ID)
        self._status_line = STATUS_LINE[error.status]
        lines = header_lines(response.raw_headers)
        self._before_id, _, self._after_id = lines.partition(_ID.encode())
        self._end = b"\r\n" + bytes(response.body)

    def render(self, request_id: str, *, first: bytes = b"", last: bytes = b"") -> bytes:
        """Return the response as sent.

        Args:
            first: headers before those of the error, as lines.
            last: headers after them.
        """
        return b"".join(
            (
                self._status_line,
                first,
                self._before_id,
                request_id.encode(),
                self._after_id,
                last,
                self._end,
            )
        )


def header_lines(headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return headers as sent."""
    return b"".join([name + b": " + value + b"\r\n" for name, value in headers])
