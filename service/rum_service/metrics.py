"""The metrics of the service. docs/reference/metrics.md shows the same table."""

from __future__ import annotations

__all__ = ["METRICS", "ServiceMetrics"]

from collections.abc import Iterator

from rum_endpoint.metrics_page import Metric, Sample
from rum_service.ingest.group_commit import GroupCommit
from rum_service.rpc.calls import CallCounts

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
    "Time of a transaction that stores batches, with the retries of a failed one.",
)
_COMMIT_BATCHES = Metric(
    "openrum_service_commit_batches", "histogram", "Batches that share a transaction."
)
_FAILED_COMMITS = Metric(
    "openrum_service_failed_commits_total", "counter", "Transactions that failed."
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
    "Time of a call of the control plane or of an operator.",
    ("method",),
)

METRICS = (
    _WAITING_CALLS,
    _WAITING_BYTES,
    _MAX_WAITING_BYTES,
    _OLDEST,
    _COMMIT_SECONDS,
    _COMMIT_BATCHES,
    _FAILED_COMMITS,
    _CALLS,
    _CALL_SECONDS,
)


class ServiceMetrics:
    """Reads the counts of the parts of a service."""

    def __init__(
        self, group_commit: GroupCommit, calls: CallCounts, *, max_waiting_bytes: int
    ) -> None:
        self._group_commit = group_commit
        self._calls = calls
        self._max_waiting_bytes = max_waiting_bytes

    def samples(self) -> Iterator[Sample]:
        """Yield the present values."""
        waiting = self._group_commit
        yield Sample(_WAITING_CALLS, waiting.waiting_calls)
        yield Sample(_WAITING_BYTES, waiting.waiting_bytes)
        yield Sample(_MAX_WAITING_BYTES, self._max_waiting_bytes)
        yield Sample(_OLDEST, waiting.oldest_s)
        yield Sample(_COMMIT_SECONDS, waiting.commit_seconds)
        yield Sample(_COMMIT_BATCHES, waiting.commit_batches)
        yield Sample(_FAILED_COMMITS, waiting.failed_commits)
        for (method, outcome), count in self._calls.outcomes.items():
            yield Sample(_CALLS, count, (method, outcome))
        for method, seconds in self._calls.seconds.items():
            yield Sample(_CALL_SECONDS, seconds, (method,))
