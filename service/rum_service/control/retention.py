"""ListRetention and SetRetention: how long the batches of app monitors are kept."""

from __future__ import annotations

__all__ = ["MAX_DAYS", "Retentions"]

from collections.abc import Callable
from concurrent.futures import Executor

from rum.operator.v1 import operator_service_pb2 as pb
from rum_service.control.app_monitors import AppMonitors, no_app_monitor
from rum_service.control.retention_sweep import RetentionSweep, cutoff_ms
from rum_service.errors import ValidationException
from rum_service.storage.base import RetentionStore
from rum_service.storage.records import Retention
from rum_service.storage.threads import on_thread

MAX_DAYS = 36_500


class Retentions:
    """The use cases. For use on one event loop; the store works on the executor's threads.

    Args:
        sweep: removes the batches, and knows the default.
        clock: Unix seconds.
    """

    def __init__(
        self,
        monitors: AppMonitors,
        store: RetentionStore,
        executor: Executor,
        sweep: RetentionSweep,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._monitors = monitors
        self._store = store
        self._executor = executor
        self._sweep = sweep
        self._clock = clock

    async def list(self) -> pb.ListRetentionResponse:
        """Return the retention of each app monitor, by name."""
        found = await on_thread(self._executor, self._store.read)
        return pb.ListRetentionResponse(
            retention=[self._message(each) for each in sorted(found.values(), key=_name)]
        )

    async def set_days(self, request: pb.SetRetentionRequest) -> pb.SetRetentionResponse:
        """Set how long an app monitor's batches are kept, or return what this would remove.

        Raises:
            ValidationException: the number of days is out of range.
            ResourceNotFoundException: the app monitor does not exist.
        """
        own = request.days if request.HasField("days") else None
        if own is not None and not 0 <= own <= MAX_DAYS:
            raise ValidationException(f"days must be from 0 to {MAX_DAYS}.")
        record = await self._monitors.by_name(request.app_monitor_name)
        days = self._sweep.days_of(own)
        before_ms = cutoff_ms(days, self._clock())
        batches = 0
        if before_ms is not None:
            batches = await on_thread(
                self._executor, self._store.count_before, record.key, before_ms
            )
        if not request.validate_only and not await on_thread(
            self._executor, self._store.set_days, record.key, own
        ):
            raise no_app_monitor(request.app_monitor_name)  # it has been deleted in the meantime
        self._sweep.look()
        return pb.SetRetentionResponse(days=days, batches=batches)

    def _message(self, found: Retention) -> pb.Retention:
        message = pb.Retention(
            app_monitor_name=found.name,
            days=self._sweep.days_of(found.days),
            is_default=found.days is None,
        )
        if found.oldest_ms is not None:
            message.oldest_time.FromMilliseconds(found.oldest_ms)
        return message


def _name(retention: Retention) -> str:
    return retention.name
