"""ListUsage and SetStoredBytesQuota: how much of the database app monitors use, and may use."""

from __future__ import annotations

__all__ = ["StorageUsage"]

from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor

from rum.operator.v1 import operator_service_pb2 as pb
from rum_service.control.app_monitors import AppMonitors, no_app_monitor
from rum_service.errors import ValidationException
from rum_service.storage.base import UsageStore
from rum_service.storage.records import Usage
from rum_service.storage.threads import on_thread


class StorageUsage:
    """The use cases. For use on one event loop; the store works on the executor's threads.

    Args:
        usage: returns the present usage by the keys of app monitors, with the quotas that apply.
        refresh: reads the usage again. Called after each quota change.
    """

    def __init__(
        self,
        monitors: AppMonitors,
        store: UsageStore,
        executor: Executor,
        *,
        usage: Callable[[], Mapping[int, Usage]],
        refresh: Callable[[], Awaitable[object]],
    ) -> None:
        self._monitors = monitors
        self._store = store
        self._executor = executor
        self._usage = usage
        self._refresh = refresh

    def list(self) -> pb.ListUsageResponse:
        """Return the usage of each app monitor, by name."""
        found = sorted(self._usage().values())
        return pb.ListUsageResponse(
            usage=[
                pb.Usage(app_monitor_name=name, stored_bytes=stored_bytes, quota=quota)
                for name, stored_bytes, quota in found
            ]
        )

    async def set_quota(self, request: pb.SetStoredBytesQuotaRequest) -> None:
        """Set an app monitor's quota. It applies at once.

        Raises:
            ValidationException: the quota is negative.
            ResourceNotFoundException: the app monitor does not exist.
        """
        quota = request.quota if request.HasField("quota") else None
        if quota is not None and quota < 0:
            raise ValidationException("quota must be at least 0.")
        record = await self._monitors.by_name(request.app_monitor_name)
        if not await on_thread(self._executor, self._store.set_quota, record.key, quota):
            raise no_app_monitor(request.app_monitor_name)  # it has been deleted in the meantime
        await self._refresh()
