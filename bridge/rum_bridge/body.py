"""Read a request body, limited in size before and after decompression."""

from __future__ import annotations

__all__ = ["read_body"]

import asyncio

from isal import isal_zlib
from starlette.requests import ClientDisconnect, Request

from rum_bridge.errors import HttpError, validation_error

_GZIP_WINDOW = 31  # the largest window, with gzip's header and checksum


async def read_body(
    request: Request, *, max_bytes: int, max_decoded_bytes: int, timeout_s: float
) -> tuple[bytes, bytes]:
    """Return a body as received, and after decompression.

    Raises:
        HttpError: the body is too large (413), too slow (408), incomplete or not gzip (400), or in
            an unsupported encoding (415).
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip", ""):
        raise HttpError(
            415, "UnsupportedMediaTypeException", "Content-Encoding must be gzip or identity."
        )
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise _too_large(max_bytes)
    raw = await _receive(request, max_bytes, timeout_s)
    return raw, _gunzip(raw, max_decoded_bytes) if raw and "gzip" in encoding else raw


async def _receive(request: Request, max_bytes: int, timeout_s: float) -> bytes:
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(timeout_s):
            async for chunk in request.stream():
                size += len(chunk)
                if size > max_bytes:
                    raise _too_large(max_bytes)
                chunks.append(chunk)
    except TimeoutError:
        raise HttpError(
            408,
            "RequestTimeoutException",
            f"The body did not arrive within {timeout_s:g} seconds.",
            headers={"Connection": "close"},  # the client may never send the rest
        ) from None
    except ClientDisconnect:
        # The client does not see this error. It keeps a traceback out of the log.
        raise validation_error("The body is incomplete.") from None
    return b"".join(chunks)


def _gunzip(raw: bytes, max_bytes: int) -> bytes:
    """Decompress one gzip member. Data beyond the limit is not decompressed."""
    member = isal_zlib.decompressobj(_GZIP_WINDOW)
    try:
        decoded: bytes = member.decompress(raw, max_bytes + 1)
    except isal_zlib.error:  # type: ignore[misc] # its stub does not derive from Exception
        raise validation_error("The body is not gzip, as Content-Encoding says.") from None
    if len(decoded) > max_bytes:
        raise _too_large(max_bytes)
    if not member.eof:
        raise validation_error("The gzip body is incomplete.")
    if member.unused_data:
        raise validation_error("The gzip body has data after its first member.")
    return decoded


def _too_large(max_bytes: int) -> HttpError:
    return HttpError(
        413, "RequestEntityTooLargeException", f"The body must have at most {max_bytes} bytes."
    )
