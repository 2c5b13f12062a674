"""Source maps: list, get and delete."""

from __future__ import annotations

__all__ = ["SourceMaps"]

from concurrent.futures import Executor

import structlog

from rum.v1 import source_map_service_pb2 as pb
from rum_service.control.app_monitors import AppMonitors
from rum_service.control.script_names import best_match, segments_of
from rum_service.control.source_map_messages import (
    MAX_FILE,
    MAX_RELEASE,
    check_text,
    monitor_name,
    source_map_message,
)
from rum_service.control.source_map_purge import SourceMapPurge
from rum_service.errors import ResourceNotFoundException, ValidationException
from rum_service.page_tokens import decode_token, encode_token
from rum_service.storage.base import SourceMapStore
from rum_service.storage.payload import UnreadableError
from rum_service.storage.records import AppMonitorRecord, SourceMapRecord
from rum_service.storage.threads import on_thread

logger = structlog.get_logger()

_MAX_URL = 2000
_MAX_RESULTS = 200
_DEFAULT_RESULTS = 50
_MAX_CANDIDATES = 1000
# What fits in the column for numbers of parts.
_MAX_NUMBER = 2**31 - 1


class SourceMaps:
    """The use cases. For use on one event loop; the store works on the executor's threads.

    Raises:
        ValidationException: a member is missing or not valid.
        ResourceNotFoundException: there is no app monitor with this name.

    Args:
        quota: maximum number of bytes for the source maps of each app monitor. 0: no limit.
    """

    def __init__(
        self,
        monitors: AppMonitors,
        store: SourceMapStore,
        executor: Executor,
        purge: SourceMapPurge,
        *,
        quota: int,
    ) -> None:
        self._monitors = monitors
        self._store = store
        self._executor = executor
        self._purge = purge
        self._quota = quota

    async def list(self, request: pb.ListSourceMapsRequest) -> pb.ListSourceMapsResponse:
        """Return a page of source maps, newest first."""
        check_text("release", request.release, 0, MAX_RELEASE)
        if not 0 <= request.max_results <= _MAX_RESULTS:
            raise ValidationException(f"maxResults must be at most {_MAX_RESULTS}.")
        token = request.next_token
        below = decode_token("nextToken", token, int)[0] if token else None
        limit = request.max_results or _DEFAULT_RESULTS
        monitor = await self._monitors.by_name(monitor_name(request))
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
            source_maps=[source_map_message(record) for record in page],
            next_token=encode_token(page[-1].key) if len(found) > limit else "",
            stored_bytes=stored,
            quota=self._quota,
        )

    async def get(self, request: pb.GetSourceMapRequest) -> pb.GetSourceMapResponse:
        """Return the source map's next part. Raises ResourceNotFoundException."""
        check_text("release", request.release, 0, MAX_RELEASE)
        check_text("url", request.url, 1, _MAX_URL)
        monitor = await self._monitors.by_name(monitor_name(request))
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
            source_map=source_map_message(record),
            text=text,
            next_token=encode_token(record.key, number + 1, offset) if more else "",
        )

    async def delete(self, request: pb.DeleteSourceMapsRequest) -> pb.DeleteSourceMapsResponse:
        """Delete a release's source maps, or only the one for a script in it."""
        check_text("release", request.release, 1, MAX_RELEASE)
        check_text("file", request.file, 0, MAX_FILE)
        monitor = await self._monitors.by_name(monitor_name(request))
        deleted = await on_thread(
            self._executor, self._store.delete, monitor.key, request.release, request.file or None
        )
        await self._purge.run()
        return pb.DeleteSourceMapsResponse(deleted=deleted)

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
        """Return one part, or None if it does not exist."""
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
        key, number, offset = decode_token("nextToken", token, int, int, int)
        record = await on_thread(self._executor, self._store.by_key, monitor.key, key)
        return record, min(number, _MAX_NUMBER), offset
