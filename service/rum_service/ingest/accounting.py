"""Account for batches: each one that arrives is stored, duplicate or rejected, and counted once.

Events that were dropped from a stored batch are counted by themselves.
"""

from __future__ import annotations

__all__ = ["CANCELLED", "MAX_NAMES", "OTHERS", "QUOTA", "Accounting"]

import asyncio
from collections.abc import Sequence

from rum_endpoint.ledger import DROPPED, DUPLICATE, REJECTED, STORED, Amount, Ledger
from rum_service.auth.policy import Policy
from rum_service.errors import (
    InternalServerException,
    RumError,
    ThrottlingException,
    ValidationException,
)
from rum_service.ingest.quotas import QUOTA_CODE
from rum_service.monitors import Monitor, MonitorCache
from rum_service.storage.records import Appended, Batch

CANCELLED = "Cancelled"
"""The reason of batches whose caller went away before they were stored."""
QUOTA = "StoredBytesQuota"
"""The reason of batches whose app monitor has reached its quota. The caller gets a
ThrottlingException."""
OTHERS = "(others)"
"""Stands for app monitors beyond the first `MAX_NAMES`."""
MAX_NAMES = 10_000


class Accounting:
    """The counts of one service. Use it from one event loop only."""

    def __init__(self, monitors: MonitorCache[Policy]) -> None:
        self.ledger = Ledger()
        self._monitors = monitors
        self._names: dict[int, str] = {}
        # Found once for each app monitor: the key of the ledger costs more than the addition.
        self._stored: dict[int, Amount] = {}
        self._others = Amount()

    def know(self, monitor: Monitor[Policy]) -> None:
        """Remember the app monitor's name for a batch that may be queued."""
        if monitor.key in self._stored:
            return
        ended = self.ledger.ended
        if len(self._stored) < MAX_NAMES:
            self._names[monitor.key] = monitor.name
            end = monitor.name, STORED, ""
            self._stored[monitor.key] = ended.setdefault(end, Amount())
        else:
            ended.setdefault((OTHERS, STORED, ""), self._others)

    def receive(self, batch: Batch) -> None:
        """Count a valid batch that is queued or throttled next."""
        received = self.ledger.received
        received.batches += 1
        received.events += batch.event_count
        received.bytes += len(batch.content)
        if batch.dropped:
            received.events += batch.dropped_events
            received.bytes += _size(batch) - len(batch.content)

    def end(self, batches: Sequence[Batch], outcomes: Sequence[Appended | BaseException]) -> None:
        """Count the outcome of each batch that was received."""
        for batch, outcome in zip(batches, outcomes, strict=True):
            if outcome is Appended.STORED:
                stored = self._stored.get(batch.app_monitor, self._others)
                stored.batches += 1
                stored.events += batch.event_count
                stored.bytes += len(batch.content)
                for reason, events, size in batch.dropped:
                    self.ledger.end((self._name(batch), DROPPED, reason), events, size, batches=0)
            else:
                end = self._name(batch), *_end(outcome)
                self.ledger.end(end, _events(batch), _size(batch))

    def reject(
        self, content: bytes, error: BaseException, app_monitor_id: str = "", events: int = 0
    ) -> None:
        """Count a batch that was rejected before it was received.

        Args:
            content: the serialized request.
            app_monitor_id: the ID in it, if it is known.
            events: how many there are in it, if that is known.
        """
        monitor = self._monitors.cached(app_monitor_id) if app_monitor_id else None
        self.ledger.receive(events, len(content))
        name = monitor.name if monitor else ""
        self.ledger.end((name, REJECTED, _reason(error)), events, len(content))

    def _name(self, batch: Batch) -> str:
        return self._names.get(batch.app_monitor, OTHERS)


def _events(batch: Batch) -> int:
    return batch.event_count + batch.dropped_events


def _size(batch: Batch) -> int:
    """Return a batch's size as it arrived."""
    return len(batch.content if batch.received is None else batch.received)


def _end(outcome: Appended | BaseException) -> tuple[str, str]:
    """Return the outcome and the reason for a batch that was not stored."""
    if outcome is Appended.DUPLICATE:
        return DUPLICATE, ""
    if outcome in (Appended.CONFLICT, Appended.DAMAGED):
        return REJECTED, ValidationException.__name__
    return REJECTED, _reason(outcome)


def _reason(error: object) -> str:
    """Return the name of the exception that the caller gets, or what says more."""
    if isinstance(error, asyncio.CancelledError):
        return CANCELLED
    if isinstance(error, ThrottlingException) and error.quota_code == QUOTA_CODE:
        return QUOTA
    return type(error if isinstance(error, RumError) else InternalServerException()).__name__
