"""App monitors: create, get, list, update and delete.

Source: CreateAppMonitor, GetAppMonitor, ListAppMonitors, UpdateAppMonitor and DeleteAppMonitor API
pages.
"""

from __future__ import annotations

__all__ = ["AppMonitors", "no_app_monitor"]

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from datetime import UTC, datetime
from typing import Any

from google.protobuf.json_format import MessageToJson, Parse

from rum.v1 import control_plane_service_pb2 as pb
from rum.v1.app_monitor_pb2 import AppMonitor
from rum_service.control.app_monitor_deletion import AppMonitorDeletion
from rum_service.control.app_monitor_messages import (
    app_monitor_message,
    apply_request,
    check_configuration,
    check_domains,
    new_app_monitor,
    summary,
)
from rum_service.control.attempts import until_done
from rum_service.control.constraints import validate_control
from rum_service.errors import (
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
)
from rum_service.monitors import MonitorCache
from rum_service.page_tokens import decode_token, encode_token
from rum_service.storage.base import NameTakenError, QuotaReachedError, Store
from rum_service.storage.records import AppMonitorRecord
from rum_service.storage.threads import on_thread


class AppMonitors:
    """The use cases. For use on one event loop; the store works on the executor's threads.

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
        monitors: MonitorCache[Any],
        deletion: AppMonitorDeletion,
        *,
        clock: Callable[[], float],
        new_id: Callable[[], str],
        max_app_monitors: int | None = None,
    ) -> None:
        self._store = store
        self._executor = executor
        self._monitors = monitors
        self._deletion = deletion
        self._clock = clock
        self._new_id = new_id
        self._max_app_monitors = max_app_monitors

    async def by_name(self, name: str) -> AppMonitorRecord:
        """Return an app monitor's record. Raises ResourceNotFoundException."""
        record = await on_thread(self._executor, self._store.monitors.by_name, name)
        if record is None:
            raise no_app_monitor(name)
        return record

    async def create(self, request: pb.CreateAppMonitorRequest) -> str:
        """Create an app monitor and return its id.

        Raises:
            ConflictException: the name or the id is in use.
            ServiceQuotaExceededException: the limit of app monitors is reached.
        """
        validate_control(request)
        # Lower case: otherwise aws-rum-web records its own requests as telemetry.
        monitor_id = (request.id or self._new_id()).lower()
        monitor = new_app_monitor(request, monitor_id, self._now())
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
        return app_monitor_message(record, await self._dropped([record]))

    async def list(self, request: pb.ListAppMonitorsRequest) -> pb.ListAppMonitorsResponse:
        """Return a page of app monitors, sorted by name."""
        validate_control(request)
        after = ""
        if request.next_token:
            (after,) = decode_token("nextToken", request.next_token, str)
        size = request.max_results or 50
        records = await on_thread(
            self._executor, self._store.monitors.list, after=after, limit=size + 1
        )
        dropped = await self._dropped(records[:size])
        response = pb.ListAppMonitorsResponse(
            app_monitor_summaries=[
                summary(app_monitor_message(record, dropped)) for record in records[:size]
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
        check_domains(request, required=False)
        check_configuration(request)

        def replace_members(monitor: AppMonitor) -> None:
            apply_request(request, monitor)
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
        await self._deletion.delete(record.key)

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

    async def _dropped(self, records: Sequence[AppMonitorRecord]) -> dict[int, int]:
        keys = [record.key for record in records]
        return await on_thread(self._executor, self._store.log.dropped_events, keys)

    def _now(self) -> str:
        now = datetime.fromtimestamp(self._clock(), UTC)
        return now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def no_app_monitor(name: str) -> ResourceNotFoundException:
    """Return the exception for an app monitor that does not exist."""
    return ResourceNotFoundException("There is no app monitor with this name.", name, "AppMonitor")
