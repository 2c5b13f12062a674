"""PutRumEvents: wait for a turn → prepare the batch → reserve room → group commit.

Source: PutRumEvents API page. docs/reference/wire.md states the promises.
"""

from __future__ import annotations

__all__ = ["Ingest"]

import time
from collections.abc import Sequence

import structlog

from rum_service.auth.policy import Policy
from rum_service.errors import InternalServerException, RumError, ValidationException
from rum_service.ingest.accounting import Accounting
from rum_service.ingest.commits import Outcome
from rum_service.ingest.group_commit import GroupCommit
from rum_service.ingest.preparation import Preparation, Put, leading_id
from rum_service.ingest.put_queue import UNKNOWN, PutQueue
from rum_service.monitors import MonitorCache
from rum_service.storage.records import Appended, Batch

logger = structlog.get_logger()


class Ingest:
    """The use case. For use on one event loop."""

    def __init__(
        self,
        preparation: Preparation,
        monitors: MonitorCache[Policy],
        group_commit: GroupCommit,
        accounting: Accounting,
    ) -> None:
        self._preparation = preparation
        self._monitors = monitors
        self._group_commit = group_commit
        self._accounting = accounting
        self.queue = PutQueue(lambda: group_commit.oldest_s, clock=time.monotonic)
        """Puts that wait, except those of bridges, which have a queue of their own."""

    async def put(self, put: Put) -> Appended:
        """Return when the batch is on disk. Raises RumError if it is not stored."""
        app_monitor = None if self.queue.begin_at_once() else await self._wait(put)
        try:
            batch = await self._preparation.prepare(put)
            self._reserve(batch)
            (outcome,) = await self._group_commit.submit([batch])
            return _appended(outcome)
        finally:
            self.queue.end(app_monitor)

    async def put_many(self, puts: Sequence[Put]) -> list[Appended | RumError]:
        """Store batches that arrived together, each by itself, in one transaction.

        Args:
            puts: 1…N batches; the order is kept.

        Returns:
            For each batch STORED or DUPLICATE, once it is on disk, or why it is not stored.
        """
        prepared = await self._prepare_all(puts)
        # No await from here to submit: a cancelled call would leave room reserved forever.
        prepared = [self._try_to_reserve(found) for found in prepared]
        batches = [batch for batch in prepared if isinstance(batch, Batch)]
        outcomes = await self._group_commit.submit(batches) if batches else []
        if outcomes.count(Appended.STORED) == len(prepared):  # as nearly always
            return [Appended.STORED] * len(prepared)
        each = iter(outcomes)
        return [_result(next(each)) if isinstance(found, Batch) else found for found in prepared]

    async def _wait(self, put: Put) -> int:
        """Wait for the put's turn, and return the app monitor that it is for.

        Count a put that is rejected. Raises RumError.
        """
        key = self._monitors.known_key(leading_id(put.content))
        app_monitor = UNKNOWN if key is None else key
        try:
            await self.queue.begin(app_monitor)
        except BaseException as error:
            self._accounting.reject(put.content, error)
            raise
        return app_monitor

    def event_count(self, content: bytes) -> int:
        """Return the number of events in a serialized request that is not parsed."""
        return self._preparation.event_count(content)

    def reject(self, content: bytes, error: BaseException) -> None:
        """Count a call that is rejected before its batches are parsed, as one batch."""
        self._accounting.reject(content, error)

    async def _prepare_all(self, puts: Sequence[Put]) -> list[Batch | RumError]:
        """Prepare each batch by itself. Count all of them if the call is cancelled."""
        failed = await self._look_up_together(puts)
        prepared: list[Batch | RumError] = []
        try:
            for put in puts:
                if failed and not self._monitors.cached(leading_id(put.content)):
                    self._preparation.reject_unread(put, failed)
                    prepared.append(failed)
                else:
                    try:
                        prepared.append(await self._preparation.prepare(put))
                    except Exception as error:
                        prepared.append(_failure(put, error))
        except BaseException as error:
            # `prepare` has counted the errors and the put that was cancelled.
            for found in prepared:
                if isinstance(found, Batch):
                    self._accounting.receive(found)
                    self._accounting.end([found], [error])
            for put in puts[len(prepared) + 1 :]:
                self._accounting.reject(put.content, error)
            raise
        return prepared

    async def _look_up_together(self, puts: Sequence[Put]) -> RumError | None:
        """Read the app monitors that are not cached, in one query.

        Returns:
            If that failed, the error of their batches. Each would wait for the same failure again.
        """
        try:
            await self._monitors.load({leading_id(put.content) for put in puts})
        except Exception:
            logger.exception("app monitors not read", requests=len(puts))
            return InternalServerException(retry_after_seconds=1)
        except BaseException as error:
            for put in puts:
                self._accounting.reject(put.content, error)
            raise
        return None

    def _try_to_reserve(self, found: Batch | RumError) -> Batch | RumError:
        """Reserve room for a prepared batch, or return why there is none."""
        if isinstance(found, Batch):
            try:
                self._reserve(found)
            except RumError as error:
                return error
        return found

    def _reserve(self, batch: Batch) -> None:
        """Count a batch and reserve room for it. Raises RumError."""
        self._accounting.receive(batch)
        try:
            self._group_commit.reserve(batch)
        except RumError as error:
            self._accounting.end([batch], [error])
            raise


def _failure(put: Put, error: Exception) -> RumError:
    """Return why a batch cannot be prepared. Call it in the handler of the error."""
    if isinstance(error, RumError):
        return error
    logger.exception("put failed", request_id=put.request_id())
    return InternalServerException(retry_after_seconds=1)


def _appended(outcome: Outcome) -> Appended:
    """Return a commit's outcome. Raises RumError if the batch is not stored.

    Undocumented: AWS does not say what happens to a second, different batch with the same BatchId.
    The first stays. A success for the second would claim that its events are stored, so it gets an
    error that clients do not retry.
    """
    if outcome is Appended.CONFLICT:
        raise ValidationException("BatchId is the id of another batch that is stored already.")
    if outcome is Appended.DAMAGED:
        # Nobody can tell whether it is a retry. A success would claim that it is stored, and an
        # error that clients retry would not end.
        raise ValidationException(
            "BatchId is the id of a stored batch that is damaged. An operator can repair the"
            " database: openrum db check."
        )
    if isinstance(outcome, Exception):
        # The writer has logged it, once for all batches of the transaction.
        raise InternalServerException(retry_after_seconds=1)
    return outcome


def _result(outcome: Outcome) -> Appended | RumError:
    try:
        return _appended(outcome)
    except RumError as error:
        return error
