"""Read a request body, limited in time, and in size before and after decompression."""

from __future__ import annotations

__all__ = ["BeforeLong", "BodyReader"]

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from isal import isal_zlib
from starlette.types import Receive

from rum_bridge.errors import HttpError, validation_error
from rum_bridge.headers import Headers
from rum_bridge.limits.budget import ByteBudget
from rum_bridge.limits.deadlines import Deadlines
from rum_bridge.settings import BridgeSettings

BeforeLong: TypeAlias = Callable[[], Awaitable[None]]
_LONG_BYTES = 64 << 10
_GZIP_WINDOW = 31  # the largest window, with gzip's header and checksum


class BodyReader:
    """Reads bodies. Use it from one event loop only."""

    def __init__(
        self, budget: ByteBudget, *, max_bytes: int, max_decoded_bytes: int, timeout_s: float
    ) -> None:
        self.budget = budget
        self._max_bytes = max_bytes
        self._max_decoded_bytes = max_decoded_bytes
        self._max_plain_bytes = min(max_bytes, max_decoded_bytes)
        self._timeout_s = timeout_s
        self._deadlines = Deadlines(timeout_s, self._interrupt)
        self._interrupted: set[asyncio.Task[object]] = set()

    @classmethod
    def with_limits_of(cls, settings: BridgeSettings, budget: ByteBudget) -> BodyReader:
        """Return a reader with the limits in the settings."""
        return cls(
            budget,
            max_bytes=settings.max_body_bytes,
            max_decoded_bytes=settings.max_decoded_bytes,
            timeout_s=settings.body_timeout_s,
        )

    async def read(
        self, receive: Receive, headers: Headers, before_long: BeforeLong | None = None
    ) -> tuple[bytes, bytes]:
        """Return a body as received, and after decompression.

        Args:
            before_long: called once before more than 64 KiB of the body are read or decoded. It
                raises HttpError to reject the request.

        Raises:
            HttpError: the body is too large (413), too slow (408), incomplete or not gzip (400),
                in an unsupported encoding (415), or over the budget (429).
        """
        encoding = headers.get(b"content-encoding", b"").decode("latin-1").strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip"):
            raise HttpError(
                415, "UnsupportedMediaTypeException", "Content-Encoding must be gzip or identity."
            )
        is_gzip = "gzip" in encoding
        max_bytes = self._max_bytes if is_gzip else self._max_plain_bytes
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > max_bytes:
            raise _too_large(max_bytes)
        raw = await self._receive_in_time(receive, max_bytes, before_long)
        return raw, _gunzip(raw, self._max_decoded_bytes) if raw and is_gzip else raw

    async def _receive_in_time(
        self, receive: Receive, max_bytes: int, before_long: BeforeLong | None
    ) -> bytes:
        task: asyncio.Task[object] | None = asyncio.current_task()
        if task is None:
            raise RuntimeError("bodies are read in a task")
        self._deadlines.add(task)
        try:
            return await self._receive(receive, max_bytes, before_long)
        except asyncio.CancelledError:
            if task not in self._interrupted:
                raise
            self._interrupted.remove(task)
            if task.uncancel():  # also cancelled by somebody else, such as a stopping server
                raise
            raise self._too_slow() from None
        finally:
            self._deadlines.remove(task)

    def _interrupt(self, task: asyncio.Task[object]) -> None:
        self._interrupted.add(task)
        task.cancel()

    async def _receive(
        self, receive: Receive, max_bytes: int, before_long: BeforeLong | None
    ) -> bytes:
        chunk, more = await self._next(receive)
        if not more and len(chunk) <= min(_LONG_BYTES, max_bytes):
            return chunk  # as nearly always: the body needs no budget before it is an entry
        chunks: list[bytes] = []
        size = 0
        try:
            while True:
                if size + len(chunk) > max_bytes:
                    raise _too_large(max_bytes)
                is_long = size + len(chunk) > _LONG_BYTES
                self.budget.reserve(len(chunk), held=size, is_long=is_long)
                size += len(chunk)
                chunks.append(chunk)
                if is_long and before_long:
                    await before_long()
                    before_long = None
                if not more:
                    return b"".join(chunks)
                chunk, more = await self._next(receive)
        finally:
            self.budget.release(size)

    async def _next(self, receive: Receive) -> tuple[bytes, bool]:
        """Return a part of the body, and whether more follows."""
        message = await receive()
        if message["type"] == "http.disconnect":
            # The client does not see this error. It keeps a traceback out of the log.
            raise validation_error("The body is incomplete.")
        return message.get("body", b""), message.get("more_body", False)

    def _too_slow(self) -> HttpError:
        return HttpError(
            408,
            "RequestTimeoutException",
            f"The body did not arrive within {self._timeout_s:g} seconds.",
            headers={"Connection": "close"},  # the client may never send the rest
        )


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
