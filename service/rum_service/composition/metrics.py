"""The metrics of the service. docs/reference/metrics.md shows the same table."""

from __future__ import annotations

__all__ = ["METRICS", "ServiceMetrics"]

from collections.abc import Callable, Iterator

from rum_endpoint.ledger import Ledger
from rum_endpoint.metrics_page import Metric, Sample
from rum_service.control.erasure_runner import ErasureRunner
from rum_service.control.retention_sweep import RemovedAmount, RetentionSweep
from rum_service.ingest.group_commit import GroupCommit
from rum_service.ingest.put_queue import PutQueue
from rum_service.ingest.quotas import StorageQuotas
from rum_service.rpc.calls import CallCounts
from rum_service.storage.damage import DamagedBatches

_RECEIVED_BATCHES = Metric(
    "openrum_service_received_batches_total", "counter", "Batches that arrived."
)
_RECEIVED_EVENTS = Metric(
    "openrum_service_received_events_total", "counter", "Events in the batches that arrived."
)
_RECEIVED_BYTES = Metric(
    "openrum_service_received_bytes_total",
    "counter",
    "Size of the batches that arrived, as serialized messages.",
)
_BATCHES = Metric(
    "openrum_service_batches_total",
    "counter",
    "Batches by their end: stored, duplicate, or rejected with the exception as the reason.",
    ("app_monitor", "outcome", "reason"),
)
_EVENTS = Metric(
    "openrum_service_events_total",
    "counter",
    "Events by their end: that of their batch, or dropped for another reason.",
    ("app_monitor", "outcome", "reason"),
)
_BYTES = Metric(
    "openrum_service_bytes_total",
    "counter",
    "Size of the batches by their end.",
    ("app_monitor", "outcome", "reason"),
)
_IN_PROGRESS = Metric(
    "openrum_service_events_in_progress", "gauge", "Events that were received and have no end yet."
)
_QUEUED_PUTS = Metric(
    "openrum_service_queued_puts",
    "gauge",
    "Calls of PutRumEvents over gRPC that wait before they are decoded.",
)
_WAIT_SECONDS = Metric(
    "openrum_service_wait_duration_seconds",
    "histogram",
    "Time that calls take from the queue to the end of their transaction.",
)
_WAITING_CALLS = Metric(
    "openrum_service_waiting_calls", "gauge", "Calls whose batches wait to be committed."
)
_WAITING_BYTES = Metric(
    "openrum_service_waiting_bytes", "gauge", "Size of the batches that wait to be committed."
)
_MAX_WAITING_BYTES = Metric(
    "openrum_service_max_waiting_bytes",
    "gauge",
    "Size of waiting batches at which further ones are throttled.",
)
_OLDEST = Metric(
    "openrum_service_oldest_waiting_seconds", "gauge", "Age of the call that waits longest."
)
_COMMIT_SECONDS = Metric(
    "openrum_service_commit_duration_seconds",
    "histogram",
    "Time that transactions take to store batches, with retries after failures.",
)
_COMMIT_BATCHES = Metric(
    "openrum_service_commit_batches", "histogram", "Batches that share a transaction."
)
_FAILED_COMMITS = Metric(
    "openrum_service_failed_commits_total", "counter", "Transactions that failed."
)
_DAMAGED_BATCHES = Metric(
    "openrum_service_damaged_batches_total",
    "counter",
    "Damaged batches that reads and retries met, counted each time. They are skipped.",
)
_CALLS = Metric(
    "openrum_service_calls_total",
    "counter",
    "Calls of the control plane and of operators. outcome is OK or the exception.",
    ("method", "outcome"),
)
_CALL_SECONDS = Metric(
    "openrum_service_call_duration_seconds",
    "histogram",
    "Time that calls to the control plane and calls by operators take.",
    ("method",),
)

_STORED_BYTES = Metric(
    "openrum_service_stored_bytes",
    "gauge",
    "Size of each app monitor's compressed batches in the database.",
    ("app_monitor",),
)
_QUOTA = Metric(
    "openrum_service_stored_bytes_quota",
    "gauge",
    "Size at which an app monitor's further batches are throttled. Absent without a limit.",
    ("app_monitor",),
)
_REMOVED_BATCHES = Metric(
    "openrum_service_removed_batches_total",
    "counter",
    "Batches that this service has removed because they were kept for long enough.",
    ("app_monitor",),
)
_REMOVED_EVENTS = Metric(
    "openrum_service_removed_events_total",
    "counter",
    "Events in the batches that this service has removed.",
    ("app_monitor",),
)
_RETENTION = Metric(
    "openrum_service_retention_seconds",
    "gauge",
    "Age at which an app monitor's batches are removed. Absent if they are kept forever.",
    ("app_monitor",),
)
_OLDEST_BATCH = Metric(
    "openrum_service_oldest_batch_seconds",
    "gauge",
    "Age of an app monitor's oldest batch. Absent without batches.",
    ("app_monitor",),
)
_REMOVAL_DELAY = Metric(
    "openrum_service_removal_delay_seconds",
    "gauge",
    "Time that old batches have waited for their removal, at most. 0: none waits.",
)
_UNFINISHED_ERASURES = Metric(
    "openrum_service_unfinished_erasures",
    "gauge",
    "Erasures in the database that have not finished, seen by each of its services.",
)
_OLDEST_ERASURE = Metric(
    "openrum_service_oldest_erasure_seconds",
    "gauge",
    "Age of the oldest erasure that has not finished. 0: all have finished.",
)
_ERASED_EVENTS = Metric(
    "openrum_service_erased_events_total",
    "counter",
    "Events that this service has erased from the log, for users and sessions.",
    ("app_monitor",),
)

_DAY_S = 86_400

METRICS = (
    _RECEIVED_BATCHES,
    _RECEIVED_EVENTS,
    _RECEIVED_BYTES,
    _BATCHES,
    _EVENTS,
    _BYTES,
    _IN_PROGRESS,
    _QUEUED_PUTS,
    _WAIT_SECONDS,
    _WAITING_CALLS,
    _WAITING_BYTES,
    _MAX_WAITING_BYTES,
    _OLDEST,
    _COMMIT_SECONDS,
    _COMMIT_BATCHES,
    _FAILED_COMMITS,
    _DAMAGED_BATCHES,
    _CALLS,
    _CALL_SECONDS,
    _STORED_BYTES,
    _QUOTA,
    _REMOVED_BATCHES,
    _REMOVED_EVENTS,
    _RETENTION,
    _OLDEST_BATCH,
    _REMOVAL_DELAY,
    _UNFINISHED_ERASURES,
    _OLDEST_ERASURE,
    _ERASED_EVENTS,
)


class ServiceMetrics:
    """Reads the counts that the parts of the service keep."""

    def __init__(
        self,
        ledger: Ledger,
        queue: PutQueue,
        group_commit: GroupCommit,
        calls: CallCounts,
        quotas: StorageQuotas,
        *,
        retention: RetentionSweep,
        erasures: ErasureRunner,
        damaged: DamagedBatches,
        clock: Callable[[], float],
        max_waiting_bytes: int,
    ) -> None:
        self._ledger = ledger
        self._queue = queue
        self._group_commit = group_commit
        self._calls = calls
        self._quotas = quotas
        self._retention = retention
        self._erasures = erasures
        self._damaged = damaged
        self._clock = clock
        self._max_waiting_bytes = max_waiting_bytes

    def samples(self) -> Iterator[Sample]:
        """Yield the present values."""
        ledger, waiting = self._ledger, self._group_commit
        yield Sample(_RECEIVED_BATCHES, ledger.received.batches)
        yield Sample(_RECEIVED_EVENTS, ledger.received.events)
        yield Sample(_RECEIVED_BYTES, ledger.received.bytes)
        for end, amount in ledger.ended.items():
            yield Sample(_BATCHES, amount.batches, end)
            yield Sample(_EVENTS, amount.events, end)
            yield Sample(_BYTES, amount.bytes, end)
        yield Sample(_IN_PROGRESS, ledger.in_progress().events)
        yield Sample(_QUEUED_PUTS, len(self._queue))
        yield Sample(_WAIT_SECONDS, waiting.wait_seconds)
        yield Sample(_WAITING_CALLS, waiting.waiting_calls)
        yield Sample(_WAITING_BYTES, waiting.waiting_bytes)
        yield Sample(_MAX_WAITING_BYTES, self._max_waiting_bytes)
        yield Sample(_OLDEST, waiting.oldest_s)
        yield Sample(_COMMIT_SECONDS, waiting.commits.seconds)
        yield Sample(_COMMIT_BATCHES, waiting.commits.batches)
        yield Sample(_FAILED_COMMITS, waiting.commits.failures)
        yield Sample(_DAMAGED_BATCHES, self._damaged.met)
        for (method, outcome), count in self._calls.outcomes.items():
            yield Sample(_CALLS, count, (method, outcome))
        for method, seconds in self._calls.seconds.items():
            yield Sample(_CALL_SECONDS, seconds, (method,))
        for usage in self._quotas.usage.values():
            yield Sample(_STORED_BYTES, usage.stored_bytes, (usage.name,))
            if usage.quota is not None:
                yield Sample(_QUOTA, usage.quota, (usage.name,))
        of_retention = self._retention.retention.values()
        names = [found.name for found in of_retention]
        none = dict.fromkeys(names, RemovedAmount())
        for name, removed in {**none, **self._retention.removed}.items():
            yield Sample(_REMOVED_BATCHES, removed.batches, (name,))
            yield Sample(_REMOVED_EVENTS, removed.events, (name,))
        for found in of_retention:
            days = self._retention.days_of(found.days)
            if days:
                yield Sample(_RETENTION, days * _DAY_S, (found.name,))
            if found.oldest_ms is not None:
                age_s = self._clock() - found.oldest_ms / 1000
                yield Sample(_OLDEST_BATCH, max(0.0, age_s), (found.name,))
        yield Sample(_REMOVAL_DELAY, self._retention.delay_s)
        unfinished = self._erasures.unfinished
        yield Sample(_UNFINISHED_ERASURES, len(unfinished))
        ages_s = [self._clock() - record.began_ms / 1000 for record in unfinished]
        yield Sample(_OLDEST_ERASURE, max([0.0, *ages_s]))
        for name, events in {**dict.fromkeys(names, 0), **self._erasures.erased_events}.items():
            yield Sample(_ERASED_EVENTS, events, (name,))
