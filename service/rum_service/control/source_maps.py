"""Source maps: upload, list, get and delete."""

from __future__ import annotations

__all__ = ["SourceMaps"]

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor

import structlog

from rum.v1 import source_map_service_pb2 as pb
from rum_service.auth.operations import app_monitor_name
from rum_service.control.app_monitors import AppMonitors
from rum_service.control.paging import decode_position, decode_token, encode_token
from rum_service.control.script_names import best_match, segments_of
from rum_service.control.source_map_purge import purge_source_maps
from rum_service.errors import (
    ResourceNotFoundException,
    ServiceQuotaExceededException,
    ThrottlingException,
    ValidationException,
)
from rum_service.storage.base import QuotaReachedError, SourceMapStore
from rum_service.storage.payload import UnreadableError
from rum_service.storage.records import AppMonitorRecord, SourceMapRecord
from rum_service.storage.threads import on_thread

logger = structlog.get_logger()

_MAX_RELEASE = 200
_MAX_FILE = 400
_MAX_URL = 2000
_MAX_CHUNK_BYTES = 128 << 10
_PART_BYTES = 1 << 20
_MAX_BYTES = 64 << 20
_MAX_RESULTS = 200
_DEFAULT_RESULTS = 50
_MAX_CANDIDATES = 1000
_MAX_INTEGER = 2**31 - 1

_Request = (
    pb.UploadSourceMapRequest
    | pb.ListSourceMapsRequest
    | pb.GetSourceMapRequest
    | pb.DeleteSourceMapsRequest
)


class SourceMaps:
    """The use cases. For use on one event loop; the store works on the executor's threads.

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
        *,
        clock: Callable[[], float],
        quota: int,
        max_uploads: int = 4,
        timeout_s: float = 120.0,
    ) -> None:
        self._monitors = monitors
        self._store = store
        self._executor = executor
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
        _check_text("release", first.release, 1, _MAX_RELEASE)
        _check_text("file", first.file, 1, _MAX_FILE)
        if first.file.endswith("/"):
            raise ValidationException("file must end with the name of a script.")
        monitor = await self._monitor(first)
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
        return pb.UploadSourceMapResponse(source_map=_to_message(record))

    async def list(self, request: pb.ListSourceMapsRequest) -> pb.ListSourceMapsResponse:
        """Return a page of source maps, newest first."""
        _check_text("release", request.release, 0, _MAX_RELEASE)
        if not 0 <= request.max_results <= _MAX_RESULTS:
            raise ValidationException(f"maxResults must be at most {_MAX_RESULTS}.")
        below = decode_position("nextToken", request.next_token) if request.next_token else None
        limit = request.max_results or _DEFAULT_RESULTS
        monitor = await self._monitor(request)
        found = await on_thread(
            self._executor,
            self._store.list,
            monitor.key,
            release=request.release or None,
            below=below,
            limit=limit + 1,
        )
        stored = await on_thread(self._executor, self._store.stored_bytes, monitor.key)
        page = found[:limit]
        return pb.ListSourceMapsResponse(
            source_maps=[_to_message(record) for record in page],
            next_token=encode_token(page[-1].key) if len(found) > limit else "",
            stored_bytes=stored,
            quota=self._quota,
        )

    async def get(self, request: pb.GetSourceMapRequest) -> pb.GetSourceMapResponse:
        """Return the source map's next part. Raises ResourceNotFoundException."""
        _check_text("release", request.release, 0, _MAX_RELEASE)
        _check_text("url", request.url, 1, _MAX_URL)
        monitor = await self._monitor(request)
        number, offset = 0, 0
        if request.next_token:
            record, number, offset = await self._continued(monitor, request.next_token)
        else:
            record = await self._found(monitor, request)
        text = await self._text(record, number) if record else None
        if record is None or text is None:
            raise ResourceNotFoundException(
                "There is no source map for this script and release.", resource_type="SourceMap"
            )
        offset += len(text.encode())
        more = offset < record.size
        return pb.GetSourceMapResponse(
            source_map=_to_message(record),
            text=text,
            next_token=encode_token(record.key, number + 1, offset) if more else "",
        )

    async def delete(self, request: pb.DeleteSourceMapsRequest) -> pb.DeleteSourceMapsResponse:
        """Delete a release's source maps, or only the one for a script in it."""
        _check_text("release", request.release, 1, _MAX_RELEASE)
        _check_text("file", request.file, 0, _MAX_FILE)
        monitor = await self._monitor(request)
        deleted = await on_thread(
            self._executor, self._store.delete, monitor.key, request.release, request.file or None
        )
        await self._purge()
        return pb.DeleteSourceMapsResponse(deleted=deleted)

    async def _monitor(self, request: _Request) -> AppMonitorRecord:
        name = app_monitor_name(request)
        if name is None:
            raise ValidationException("appMonitor must be the name of an app monitor.")
        return await self._monitors.by_name(name)

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
            raise _deleted(monitor)
        try:
            size = await self._store_parts(key, first, rest)
            record = await on_thread(
                self._executor, self._store.finish, key, size=size, quota=self._quota
            )
            if record is None:
                raise _deleted(monitor)
        except BaseException as error:
            await asyncio.shield(on_thread(self._executor, self._store.cancel, key))
            if isinstance(error, QuotaReachedError):
                raise ServiceQuotaExceededException(
                    f"The source maps of an app monitor may use {self._quota} bytes. Delete those"
                    " of old releases."
                ) from None
            raise
        finally:
            await asyncio.shield(self._purge())
        return record

    async def _store_parts(
        self,
        key: int,
        first: pb.UploadSourceMapRequest,
        rest: AsyncIterator[pb.UploadSourceMapRequest],
    ) -> int:
        """Store the content in parts of whole characters. Return its length."""
        size, number = 0, 0
        waiting = bytearray()

        async def store(length: int) -> None:
            nonlocal number
            part = _valid(bytes(waiting[:length]), is_first=number == 0)
            del waiting[:length]
            await on_thread(self._executor, self._store.add_part, key, number, part)
            number += 1

        request: pb.UploadSourceMapRequest | None = first
        while request is not None:
            if len(request.content) > _MAX_CHUNK_BYTES:
                raise ValidationException(f"content must have at most {_MAX_CHUNK_BYTES} bytes.")
            size += len(request.content)
            if size > _MAX_BYTES:
                raise ValidationException(f"A source map must have at most {_MAX_BYTES} bytes.")
            waiting += request.content
            if len(waiting) > _PART_BYTES:
                await store(_boundary(waiting, _PART_BYTES))
            request = await anext(rest, None)
        await store(len(waiting))
        return size

    async def _found(
        self, monitor: AppMonitorRecord, request: pb.GetSourceMapRequest
    ) -> SourceMapRecord | None:
        path = segments_of(request.url)
        if not path:
            raise ValidationException("url must be the URL of a script.")
        candidates = await on_thread(
            self._executor,
            self._store.by_base_name,
            monitor.key,
            path[-1],
            release=request.release or None,
            limit=_MAX_CANDIDATES,
        )
        return best_match(path, candidates)

    async def _text(self, record: SourceMapRecord, number: int) -> str | None:
        """Return one part of a source map, or None if it does not exist."""
        try:
            content = await on_thread(self._executor, self._store.part, record.key, number)
            return None if content is None else content.decode()
        except (UnreadableError, UnicodeDecodeError):
            logger.error("damaged source map", release=record.release, file=record.file)
            # Not a failure of the service: trying again does not help.
            raise ResourceNotFoundException(
                "The source map for this script and release is damaged. Upload it again.",
                resource_type="SourceMap",
            ) from None

    async def _continued(
        self, monitor: AppMonitorRecord, token: str
    ) -> tuple[SourceMapRecord | None, int, int]:
        key, number, offset = (
            min(max(int(part), 0), _MAX_INTEGER)
            for part in decode_token("nextToken", token, int, int, int)
        )
        record = await on_thread(self._executor, self._store.by_key, monitor.key, key)
        return record, number, offset

    async def _purge(self) -> None:
        await purge_source_maps(self._store, self._executor, self._clock)


def _check_text(member: str, text: str, low: int, high: int) -> None:
    if not low <= len(text) <= high:
        raise ValidationException(f"{member} must have {low} to {high} characters.")
    # A database rejects lone surrogates and NUL.
    if not text.isprintable():
        raise ValidationException(f"{member} must have printable characters only.")


def _boundary(content: bytearray, at_most: int) -> int:
    """Return where a character of UTF-8 begins: `at_most` or a few bytes earlier."""
    return next(
        (at for at in range(at_most, at_most - 4, -1) if content[at] & 0xC0 != 0x80), at_most
    )


def _valid(part: bytes, *, is_first: bool) -> bytes:
    try:
        text = part.decode()
    except UnicodeDecodeError:
        raise ValidationException("content must be UTF-8.") from None
    if is_first and not text.lstrip().startswith("{"):
        raise ValidationException("content must be a JSON object.")
    return part


def _deleted(monitor: AppMonitorRecord) -> ResourceNotFoundException:
    return ResourceNotFoundException(
        "There is no app monitor with this name.", monitor.name, "AppMonitor"
    )


def _to_message(record: SourceMapRecord) -> pb.SourceMap:
    return pb.SourceMap(
        release=record.release,
        file=record.file,
        size=record.size,
        stored_bytes=record.stored_bytes,
        uploaded_ms=record.began_ms,
    )
