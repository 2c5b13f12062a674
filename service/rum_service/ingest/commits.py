"""Commits groups of batches, each in one transaction, and one by one if that fails."""

from __future__ import annotations

__all__ = ["Append", "Commits", "Outcome"]

from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog

from rum_endpoint.histogram import BATCH_COUNTS, SECONDS, Histogram
from rum_service.storage.damage import advice_for
from rum_service.storage.records import Appended, Batch

logger = structlog.get_logger()

Append = Callable[[Sequence[Batch]], Sequence[Appended]]
Outcome = Appended | Exception

# A failed group's batches are retried one by one until so many fail in a row, or for so long.
# The store fails then, not a batch, and the callers should learn it soon.
_FAILURES_IN_A_ROW = 3
_RETRY_S = 1.0
# How long a failure counts if nothing has been stored since.
_RECENT_S = 5.0


class Commits:
    """The transactions of one writer. Use it on one thread; `is_failing` may be read on any.

    Args:
        append: as `LogStore.append`.
        clock: monotonic, in seconds.
    """

    def __init__(self, append: Append, *, clock: Callable[[], float]) -> None:
        self._append = append
        self._clock = clock
        self._failed_at: float | None = None
        self.seconds = Histogram(SECONDS)
        """How long transactions take, with the retries of a failed one."""
        self.batches = Histogram(BATCH_COUNTS)
        """How many batches a transaction has."""
        self.failures = 0
        """The number of transactions that failed."""

    @property
    def is_failing(self) -> bool:
        """Whether the last group was not stored, a short time ago."""
        failed_at = self._failed_at
        return failed_at is not None and self._clock() - failed_at < _RECENT_S

    def commit(self, batches: Sequence[Batch]) -> Sequence[Outcome]:
        """Return one outcome per batch, in order. Raises no Exception of the store."""
        began = self._clock()
        outcomes = self._try(batches)
        if isinstance(outcomes, Exception):
            outcomes = self._one_by_one(batches, outcomes, began + _RETRY_S)
            if all(isinstance(outcome, Exception) for outcome in outcomes):
                self._failed_at = self._clock()
                return outcomes
        self._failed_at = None
        return outcomes

    def _one_by_one(
        self, batches: Sequence[Batch], error: Exception, deadline: float
    ) -> Sequence[Outcome]:
        if len(batches) == 1:
            return [error]
        outcomes: list[Outcome] = []
        in_a_row = 0
        for batch in batches:
            if in_a_row == _FAILURES_IN_A_ROW or self._clock() > deadline:
                outcomes.append(error)
                continue
            tried = self._try([batch])
            if isinstance(tried, Exception):
                error = tried
                in_a_row += 1
                outcomes.append(error)
            else:
                in_a_row = 0
                outcomes += tried
        return outcomes

    def _try(self, batches: Sequence[Batch]) -> Sequence[Outcome] | Exception:
        try:
            outcomes = self._append(batches)
            if len(outcomes) != len(batches):
                raise ValueError(f"{len(outcomes)} outcomes for {len(batches)} batches")
        except Exception as error:
            self.failures += 1
            with suppress(Exception):  # a failure to log must not become one of the writer
                logger.exception("commit failed", batches=len(batches), **advice_for(error))
            return error
        return outcomes
