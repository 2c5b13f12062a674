"""App monitors: create, show, list, change, remove, and find by id for a put.

Source: CreateAppMonitor, GetAppMonitor, ListAppMonitors, UpdateAppMonitor and DeleteAppMonitor API
pages.
"""

from __future__ import annotations

__all__ = ["Monitors"]

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from datetime import datetime

import structlog
from google.protobuf.json_format import MessageToJson, Parse

from rum.v1 import control_plane_service_pb2 as pb
from rum.v1.app_monitor_pb2 import AppMonitor, AppMonitorSummary
from rum_service.control.constraints import validate_control
from rum_service.control.paging import decode_token, encode_token
from rum_service.errors import (
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
    ValidationException,
)
from rum_service.events.custom import custom_events_enabled
from rum_service.storage.base import NameTakenError, QuotaReachedError, Store
from rum_service.storage.records import AppMonitorRecord
from rum_service.storage.threads import on_thread

logger = structlog.get_logger()

# How long a put may use what it knows of an app monitor: the time that a deletion or change made
# by another process on the same database needs to be seen here. Changes made here are seen at once.
_KNOWN_FOR_S = 5.0
_PURGE_AT_ONCE = 1000


class Monitors:
    """The use cases. To be used on one event loop; the store works on the executor's threads."""

    def __init__(
        self,
        store: Store,
        executor: Executor,
        *,
        clock: Callable[[], datetime],
        max_app_monitors: int | None = None,
    ) -> None:
        self._store = store
        self._executor = executor
        self._clock = clock
        self._max_app_monitors = max_app_monitors
        self._known: dict[str, tuple[float, AppMonitorRecord]] = {}
        self._removals: set[asyncio.Task[None]] = set()

    async def resolve(self, monitor_id: str) -> AppMonitorRecord:
        """Finds the app monitor that a put names. Upper-case ids are found too.

        Raises:
            ResourceNotFoundException: there is none.
        """
        now = asyncio.get_running_loop().time()
        monitor_id = monitor_id.lower()
        known = self._known.get(monitor_id)
        if known and known[0] > now:
            return known[1]
        cache = self._known
        record = await on_thread(self._executor, self._store.monitors.by_id, monitor_id)
        if record is None:
            cache.pop(monitor_id, None)
            raise ResourceNotFoundException(
                "There is no app monitor with this id.", monitor_id, "AppMonitor"
            )
        record = _with_flags(record)
        cache[monitor_id] = (now + _KNOWN_FOR_S, record)
        return record

    def forget_known(self) -> None:
        """Lets the next put ask the store: to be called after every change of an app monitor."""
        # A new cache: a find under way may hold what was before, and puts that into the old one.
        self._known = {}

    async def find(self, name: str) -> AppMonitorRecord:
        """Finds an app monitor by name. Raises ResourceNotFoundException."""
        record = await on_thread(self._executor, self._store.monitors.by_name, name)
        if record is None:
            raise ResourceNotFoundException(
                "There is no app monitor with this name.", name, "AppMonitor"
            )
        return _with_flags(record)

    async def create(self, request: pb.CreateAppMonitorRequest) -> str:
        """Makes an app monitor and returns its id.

        Raises:
            ConflictException: the name or the id is taken.
            ServiceQuotaExceededException: there are as many as there may be.
        """
        validate_control(request)
        platform = request.platform or "Web"
        _check_domains(request, required=platform == "Web")
        # Lower case: aws-rum-web leaves its own requests out of the telemetry only then.
        monitor_id = (request.id or str(uuid.uuid4())).lower()
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
        # Documented defaults of an omitted AppMonitorConfiguration and CustomEvents.
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
        return monitor_id

    async def get(self, request: pb.GetAppMonitorRequest) -> AppMonitor:
        """Shows an app monitor. Raises ResourceNotFoundException."""
        validate_control(request)
        record = await self.find(request.name)
        return _shown(record, await self._dropped([record]))

    async def list(self, request: pb.ListAppMonitorsRequest) -> pb.ListAppMonitorsResponse:
        """Lists app monitors by name, a page at a time."""
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
            app_monitor_summaries=[_summary(_shown(record, dropped)) for record in records[:size]]
        )
        if len(records) > size:
            response.next_token = encode_token(records[size - 1].name)
        return response

    async def update(self, request: pb.UpdateAppMonitorRequest) -> None:
        """Replaces the members that the request has. Raises ResourceNotFoundException."""
        validate_control(request)
        _check_domains(request, required=False)

        def replace_members(monitor: AppMonitor) -> None:
            _apply(request, monitor)
            monitor.last_modified = self._now()

        await self.change(request.name, replace_members)

    async def change(self, name: str, apply: Callable[[AppMonitor], None]) -> None:
        """Changes an app monitor by what `apply` does to it. Raises ResourceNotFoundException.

        Where another change comes in between, `apply` is called again, with its result.
        """
        changed = False
        while not changed:
            record = await self.find(name)
            monitor = Parse(record.document, AppMonitor())
            apply(monitor)
            changed = await on_thread(
                self._executor,
                self._store.monitors.update,
                record.key,
                expected=record.document,
                document=MessageToJson(monitor),
            )
        self.forget_known()

    async def delete(self, request: pb.DeleteAppMonitorRequest) -> None:
        """Removes an app monitor and its events. Raises ResourceNotFoundException."""
        validate_control(request)
        record = await self.find(request.name)
        removal = asyncio.create_task(self._remove(record.key))
        self._removals.add(removal)
        removal.add_done_callback(self._removals.discard)
        # What is begun is done, also where it takes longer than the caller waits.
        await asyncio.shield(removal)

    async def stop(self) -> None:
        """Cuts removals short; `purge_deleted` takes them up after the next start."""
        removals = list(self._removals)
        for removal in removals:
            removal.cancel()
        await asyncio.gather(*removals, return_exceptions=True)

    async def names(self) -> dict[int, str]:
        """Returns the names of all app monitors by the keys of their records."""
        return {record.key: record.name for record in await self._all()}

    async def any_policy(self) -> bool:
        """Says whether an app monitor has a resource policy."""
        return any(record.policy is not None for record in await self._all())

    async def _all(self) -> Sequence[AppMonitorRecord]:
        every = 2**31
        return await on_thread(self._executor, self._store.monitors.list, after="", limit=every)

    async def purge_deleted(self) -> None:
        """Removes the events of app monitors whose removal was cut short."""
        for key in await on_thread(self._executor, self._store.log.deleted_app_monitors):
            await self._purge(key)

    async def _remove(self, key: int) -> None:
        await on_thread(self._executor, self._store.monitors.delete, key)
        self.forget_known()
        await self._purge(key)

    async def _purge(self, key: int) -> None:
        # In small transactions, so that puts to other app monitors get their turn in between.
        while await on_thread(self._executor, self._store.log.purge, key, limit=_PURGE_AT_ONCE):
            logger.info("events of a deleted app monitor removed", app_monitor=key)

    async def _dropped(self, records: Sequence[AppMonitorRecord]) -> dict[int, int]:
        keys = [record.key for record in records]
        return await on_thread(self._executor, self._store.log.dropped_events, keys)

    def _now(self) -> str:
        return self._clock().strftime("%Y-%m-%dT%H:%M:%S.%fZ")


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
    """Replaces the members of the app monitor that the request has."""
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


def _with_flags(record: AppMonitorRecord) -> AppMonitorRecord:
    # Here, once for all puts that find the record in the cache.
    return replace(record, custom_events=custom_events_enabled(record.document))


def _shown(record: AppMonitorRecord, dropped: Mapping[int, int]) -> AppMonitor:
    monitor = Parse(record.document, AppMonitor(), ignore_unknown_fields=True)
    monitor.state = "ACTIVE" if record.has_events else "CREATED"
    monitor.dropped_events = dropped.get(record.key, 0)
    return monitor


def _summary(monitor: AppMonitor) -> AppMonitorSummary:
    names = [field.name for field in AppMonitorSummary.DESCRIPTOR.fields]
    return AppMonitorSummary(**{name: getattr(monitor, name) for name in names})
