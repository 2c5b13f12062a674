"""App monitors: create, get, list, update and delete.

Source: CreateAppMonitor, GetAppMonitor, ListAppMonitors, UpdateAppMonitor and DeleteAppMonitor API
pages.
"""

from __future__ import annotations

__all__ = ["AppMonitors"]

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Executor
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import structlog
from google.protobuf.json_format import MessageToJson, Parse

from rum.v1 import control_plane_service_pb2 as pb
from rum.v1.app_monitor_pb2 import AppMonitor, AppMonitorSummary
from rum_service.control.attempts import until_done
from rum_service.control.constraints import validate_control
from rum_service.control.paging import decode_token, encode_token
from rum_service.control.source_map_purge import purge_source_maps
from rum_service.errors import (
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
    ValidationException,
)
from rum_service.monitors import Monitors
from rum_service.storage.base import NameTakenError, QuotaReachedError, Store
from rum_service.storage.records import AppMonitorRecord
from rum_service.storage.threads import on_thread

logger = structlog.get_logger()

_PURGE_AT_ONCE = 1000


class AppMonitors:
    """The use cases. For use on one event loop; the store works on the executor's threads.

    As a context manager it resumes deletions that a stop interrupted, and interrupts its own.

    Args:
        monitors: the cache of compiled app monitors, to clear after changes.
        clock: Unix seconds.
        new_id: returns a new UUID.
        max_app_monitors: None means no limit.
    """

    def __init__(
        self,
        store: Store,
        executor: Executor,
        monitors: Monitors[Any],
        *,
        clock: Callable[[], float],
        new_id: Callable[[], str],
        max_app_monitors: int | None = None,
    ) -> None:
        self._store = store
        self._executor = executor
        self._monitors = monitors
        self._clock = clock
        self._new_id = new_id
        self._max_app_monitors = max_app_monitors
        self._purges: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._in_background(self._purge_deleted())
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        purges = list(self._purges)
        for purge in purges:
            purge.cancel()
        await asyncio.gather(*purges, return_exceptions=True)

    async def by_name(self, name: str) -> AppMonitorRecord:
        """Return an app monitor's record. Raises ResourceNotFoundException."""
        record = await on_thread(self._executor, self._store.monitors.by_name, name)
        if record is None:
            raise ResourceNotFoundException(
                "There is no app monitor with this name.", name, "AppMonitor"
            )
        return record

    async def create(self, request: pb.CreateAppMonitorRequest) -> str:
        """Create an app monitor and return its id.

        Raises:
            ConflictException: the name or the id is in use.
            ServiceQuotaExceededException: the limit of app monitors is reached.
        """
        validate_control(request)
        platform = request.platform or "Web"
        _check_domains(request, required=platform == "Web")
        # Lower case: otherwise aws-rum-web records its own requests as telemetry.
        monitor_id = (request.id or self._new_id()).lower()
        now = self._now()
        monitor = AppMonitor(
            name=request.name,
            id=monitor_id,
            created=now,
            last_modified=now,
            tags=request.tags,
            platform=platform,
        )
        monitor.data_storage.cw_log.cw_log_enabled = False
        # Documented defaults for an omitted AppMonitorConfiguration and CustomEvents.
        monitor.app_monitor_configuration.session_sample_rate = 0.1
        monitor.custom_events.status = "DISABLED"
        _apply(request, monitor)
        try:
            await on_thread(
                self._executor,
                self._store.monitors.create,
                monitor_id,
                request.name,
                MessageToJson(monitor),
                limit=self._max_app_monitors,
            )
        except NameTakenError:
            raise ConflictException(
                "An app monitor with this name or id exists.", request.name, "AppMonitor"
            ) from None
        except QuotaReachedError:
            raise ServiceQuotaExceededException(
                f"There may be at most {self._max_app_monitors} app monitors."
            ) from None
        self._monitors.forget()
        return monitor_id

    async def get(self, request: pb.GetAppMonitorRequest) -> AppMonitor:
        """Return an app monitor. Raises ResourceNotFoundException."""
        validate_control(request)
        record = await self.by_name(request.name)
        return _to_message(record, await self._dropped([record]))

    async def list(self, request: pb.ListAppMonitorsRequest) -> pb.ListAppMonitorsResponse:
        """Return a page of app monitors, sorted by name."""
        validate_control(request)
        after = ""
        if request.next_token:
            after = str(decode_token("nextToken", request.next_token, str)[0])
        size = request.max_results or 50
        records = await on_thread(
            self._executor, self._store.monitors.list, after=after, limit=size + 1
        )
        dropped = await self._dropped(records[:size])
        response = pb.ListAppMonitorsResponse(
            app_monitor_summaries=[
                _summary(_to_message(record, dropped)) for record in records[:size]
            ]
        )
        if len(records) > size:
            response.next_token = encode_token(records[size - 1].name)
        return response

    async def update(self, request: pb.UpdateAppMonitorRequest) -> None:
        """Replace the members that the request has.

        Raises ResourceNotFoundException or ConflictException.
        """
        validate_control(request)
        _check_domains(request, required=False)

        def replace_members(monitor: AppMonitor) -> None:
            _apply(request, monitor)
            monitor.last_modified = self._now()

        await self.change(request.name, replace_members)

    async def change(self, name: str, apply: Callable[[AppMonitor], None]) -> None:
        """Change an app monitor with `apply`.

        If another change comes first, `apply` is called again on its result.

        Raises:
            ResourceNotFoundException: the app monitor does not exist.
            ConflictException: other changes always came first.
        """

        async def attempt() -> bool | None:
            record = await self.by_name(name)
            monitor = Parse(record.document, AppMonitor())
            apply(monitor)
            changed = await on_thread(
                self._executor,
                self._store.monitors.update,
                record.key,
                expected=record.document,
                document=MessageToJson(monitor),
            )
            return changed or None

        await until_done(attempt, name)
        self._monitors.forget()

    async def delete(self, request: pb.DeleteAppMonitorRequest) -> None:
        """Delete an app monitor and its events. Raises ResourceNotFoundException."""
        validate_control(request)
        record = await self.by_name(request.name)
        # A deletion that has begun goes on when its caller has gone.
        await asyncio.shield(self._in_background(self._delete(record.key)))

    def forget(self) -> None:
        """Let the next put see a change. Call this after each change to a record."""
        self._monitors.forget()

    async def names(self) -> dict[int, str]:
        """Return the names of all app monitors by the keys of their records."""
        return {record.key: record.name for record in await self._all()}

    async def any_policy(self) -> bool:
        """Return whether an app monitor has a resource policy."""
        return any(record.policy is not None for record in await self._all())

    async def _all(self) -> Sequence[AppMonitorRecord]:
        every = 2**31
        return await on_thread(self._executor, self._store.monitors.list, after="", limit=every)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._purges.add(task)
        task.add_done_callback(self._purges.discard)
        return task

    async def _delete(self, key: int) -> None:
        await on_thread(self._executor, self._store.monitors.delete, key)
        self._monitors.forget()
        await self._purge(key)
        await self._purge_source_maps()

    async def _purge_deleted(self) -> None:
        try:
            for key in await on_thread(self._executor, self._store.log.deleted_app_monitors):
                await self._purge(key)
            await self._purge_source_maps()
        except Exception:
            logger.exception("deletion not resumed; the next start tries again")

    async def _purge(self, key: int) -> None:
        # Small transactions let puts to other app monitors commit in between.
        while await on_thread(self._executor, self._store.log.purge, key, limit=_PURGE_AT_ONCE):
            logger.info("events of a deleted app monitor removed", app_monitor=key)

    async def _purge_source_maps(self) -> None:
        await purge_source_maps(self._store.source_maps, self._executor, self._clock)

    async def _dropped(self, records: Sequence[AppMonitorRecord]) -> dict[int, int]:
        keys = [record.key for record in records]
        return await on_thread(self._executor, self._store.log.dropped_events, keys)

    def _now(self) -> str:
        now = datetime.fromtimestamp(self._clock(), UTC)
        return now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _check_domains(
    request: pb.CreateAppMonitorRequest | pb.UpdateAppMonitorRequest, *, required: bool
) -> None:
    if request.HasField("domain") and request.domain_list:
        raise ValidationException("Domain and DomainList exclude each other.")
    if required and not request.HasField("domain") and not request.domain_list:
        raise ValidationException("Domain or DomainList is required.")


def _apply(
    request: pb.CreateAppMonitorRequest | pb.UpdateAppMonitorRequest, monitor: AppMonitor
) -> None:
    """Replace the members of the app monitor that the request has."""
    if request.HasField("domain") or request.domain_list:
        monitor.ClearField("domain")
        monitor.ClearField("domain_list")
        if request.HasField("domain"):
            monitor.domain = request.domain
        monitor.domain_list.extend(request.domain_list)
    if request.HasField("app_monitor_configuration"):
        monitor.app_monitor_configuration.CopyFrom(request.app_monitor_configuration)
    if request.HasField("custom_events"):
        monitor.custom_events.CopyFrom(request.custom_events)
    if request.HasField("deobfuscation_configuration"):
        monitor.deobfuscation_configuration.CopyFrom(request.deobfuscation_configuration)
    if request.HasField("cw_log_enabled"):
        log_copy = monitor.data_storage.cw_log
        log_copy.cw_log_enabled = request.cw_log_enabled
        log_copy.ClearField("cw_log_group")
        if request.cw_log_enabled:
            log_copy.cw_log_group = f"RUMService_{monitor.name}{monitor.id[:8]}"


def _to_message(record: AppMonitorRecord, dropped: Mapping[int, int]) -> AppMonitor:
    monitor = Parse(record.document, AppMonitor(), ignore_unknown_fields=True)
    monitor.state = "ACTIVE" if record.has_events else "CREATED"
    monitor.dropped_events = dropped.get(record.key, 0)
    return monitor


def _summary(monitor: AppMonitor) -> AppMonitorSummary:
    names = [field.name for field in AppMonitorSummary.DESCRIPTOR.fields]
    return AppMonitorSummary(**{name: getattr(monitor, name) for name in names})
