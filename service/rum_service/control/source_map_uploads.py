"""Uploads of source maps: streams of chunks, stored in parts.

begin → a transaction for each part → finish, which makes the source map visible
"""

from __future__ import annotations

__all__ = ["SourceMapUploads"]

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import aclosing

from rum.v1 import source_map_service_pb2 as pb
from rum_service.control.app_monitors import AppMonitors, no_app_monitor
from rum_service.control.source_map_messages import (
    MAX_FILE,
    MAX_RELEASE,
    check_text,
    monitor_name,
    source_map_message,
)
from rum_service.control.source_map_purge import SourceMapPurge
from rum_service.errors import (
    ServiceQuotaExceededException,
    ThrottlingException,
    ValidationException,
)
from rum_service.storage.base import QuotaReachedError, SourceMapStore
from rum_service.storage.records import AppMonitorRecord, SourceMapRecord
from rum_service.storage.threads import on_thread

_MAX_CHUNK_BYTES = 128 << 10
_PART_BYTES = 1 << 20
_MAX_BYTES = 64 << 20


class SourceMapUploads:
    """The use case. For use on one event loop; the store works on the executor's threads.

    Raises:
        ValidationException: a member is missing or not valid.
        ResourceNotFoundException: there is no app monitor with this name.

    Args:
        clock: Unix seconds.
        quota: maximum number of bytes for the source maps of each app monitor. 0: no limit.
        max_uploads: how many uploads may be in progress. Each takes up to 3 MB of memory.
        timeout_s: how long an upload may take.
    """

    def __init__(
        self,
        monitors: AppMonitors,
        store: SourceMapStore,
        executor: Executor,
        purge: SourceMapPurge,
        *,
        clock: Callable[[], float],
        quota: int,
        max_uploads: int = 4,
        timeout_s: float = 120.0,
    ) -> None:
        self._monitors = monitors
        self._store = store
        self._executor = executor
        self._purge = purge
        self._clock = clock
        self._quota = quota
        self._max_uploads = max_uploads
        self._timeout_s = timeout_s
        self._uploads = 0

    async def upload(
        self, requests: AsyncIterator[pb.UploadSourceMapRequest]
    ) -> pb.UploadSourceMapResponse:
        """Store a source map from its first request and the content of all of them.

        Raises:
            ThrottlingException: too many uploads are in progress.
            ServiceQuotaExceededException: the quota of the app monitor is reached.
        """
        first = await anext(requests)
        check_text("release", first.release, 1, MAX_RELEASE)
        check_text("file", first.file, 1, MAX_FILE)
        if first.file.endswith("/"):
            raise ValidationException("file must end with the name of a script.")
        monitor = await self._monitors.by_name(monitor_name(first))
        if self._uploads >= self._max_uploads:
            raise ThrottlingException(
                f"At most {self._max_uploads} uploads are in progress at the same time.",
                retry_after_seconds=1,
            )
        self._uploads += 1
        try:
            async with asyncio.timeout(self._timeout_s):
                record = await self._upload(monitor, first, requests)
        except TimeoutError:
            raise ValidationException(
                f"An upload must end within {self._timeout_s:g} seconds."
            ) from None
        finally:
            self._uploads -= 1
        return pb.UploadSourceMapResponse(source_map=source_map_message(record))

    async def _upload(
        self,
        monitor: AppMonitorRecord,
        first: pb.UploadSourceMapRequest,
        rest: AsyncIterator[pb.UploadSourceMapRequest],
    ) -> SourceMapRecord:
        now_ms = round(self._clock() * 1000)
        key = await on_thread(
            self._executor, self._store.begin, monitor.key, first.release, first.file, now_ms=now_ms
        )
        if key is None:
            raise no_app_monitor(monitor.name)
        try:
            size = await self._store_parts(key, first, rest)
            record = await on_thread(
                self._executor, self._store.finish, key, size=size, quota=self._quota
            )
            if record is None:
                raise no_app_monitor(monitor.name)
        except BaseException as error:
            await asyncio.shield(on_thread(self._executor, self._store.cancel, key))
            if isinstance(error, QuotaReachedError):
                raise ServiceQuotaExceededException(
                    f"The source maps of an app monitor may use {self._quota} bytes. Delete those"
                    " of old releases."
                ) from None
            raise
        finally:
            await asyncio.shield(self._purge.run())
        return record

    async def _store_parts(
        self,
        key: int,
        first: pb.UploadSourceMapRequest,
        rest: AsyncIterator[pb.UploadSourceMapRequest],
    ) -> int:
        """Store the content. Return its length in bytes."""
        size, number = 0, 0
        async with aclosing(_parts(first, rest)) as parts:
            async for part in parts:
                _check_part(part, is_first=number == 0)
                await on_thread(self._executor, self._store.add_part, key, number, part)
                size, number = size + len(part), number + 1
        return size


async def _parts(
    first: pb.UploadSourceMapRequest, rest: AsyncIterator[pb.UploadSourceMapRequest]
) -> AsyncGenerator[bytes, None]:
    """Yield the content in parts of whole characters. Raises ValidationException."""
    size = 0
    waiting = bytearray()
    request: pb.UploadSourceMapRequest | None = first
    while request is not None:
        if len(request.content) > _MAX_CHUNK_BYTES:
            raise ValidationException(f"content must have at most {_MAX_CHUNK_BYTES} bytes.")
        size += len(request.content)
        if size > _MAX_BYTES:
            raise ValidationException(f"A source map must have at most {_MAX_BYTES} bytes.")
        waiting += request.content
        if len(waiting) > _PART_BYTES:
            end = _boundary(waiting, _PART_BYTES)
            part = bytes(waiting[:end])
            del waiting[:end]
            yield part
        request = await anext(rest, None)
    yield bytes(waiting)


def _boundary(content: bytearray, at_most: int) -> int:
    """Return where a character of UTF-8 begins: `at_most` or a few bytes earlier."""
    return next(
        (at for at in range(at_most, at_most - 4, -1) if content[at] & 0xC0 != 0x80), at_most
    )


def _check_part(part: bytes, *, is_first: bool) -> None:
    try:
        text = part.decode()
    except UnicodeDecodeError:
        raise ValidationException("content must be UTF-8.") from None
    if is_first and not text.lstrip().startswith("{"):
        raise ValidationException("content must be a JSON object.")
