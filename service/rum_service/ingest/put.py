"""PutRumEvents: authenticate → app monitor → authorize → validate → group commit → committed.

Source: PutRumEvents API page. docs/reference/wire.md states the promises.
"""

from __future__ import annotations

__all__ = ["Ingest", "Put"]

import asyncio
import hashlib
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog
import zstandard

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.auth.authentication import Authentication
from rum_service.auth.authorization import Authorization, AuthorizedMonitor
from rum_service.auth.callers import Call
from rum_service.auth.operations import PUT_RUM_EVENTS
from rum_service.auth.policy import Policy
from rum_service.errors import InternalServerException, RumError, ValidationException
from rum_service.events.custom import without_custom_events
from rum_service.ingest.group_commit import GroupCommit
from rum_service.ingest.validation import check_id, validate
from rum_service.monitors import Monitors
from rum_service.storage.records import Appended, Batch

logger = structlog.get_logger()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Put:
    """One batch to store."""

    request: PutRumEventsRequest
    request_id: str
    """The ID under which failures are logged."""
    call: Call
    """What the call says about its caller."""


class Ingest:
    """The use case. For use on one event loop.

    Args:
        max_events: the most events in a batch.
        clock: Unix seconds.
    """

    def __init__(
        self,
        monitors: Monitors[Policy],
        authentication: Authentication,
        authorization: Authorization,
        group_commit: GroupCommit,
        *,
        max_events: int,
        clock: Callable[[], float],
    ) -> None:
        self._monitors = monitors
        self._authentication = authentication
        self._authorization = authorization
        self._group_commit = group_commit
        self._max_events = max_events
        self._clock = clock
        # Level 1: 72 µs for 50 events and a sixth of the bytes; level 3 costs a fifth more for 4 %.
        self._compress = zstandard.ZstdCompressor(level=1).compress

    async def put(self, put: Put) -> None:
        """Return when the batch is on disk. Raises RumError if it is not stored."""
        await self._committed(await self._submit(put), put)

    async def put_many(self, puts: Sequence[Put]) -> list[Appended | RumError]:
        """Store batches that arrived together, each by itself.

        Args:
            puts: 1…N batches; the order is kept.

        Returns:
            For each batch STORED or DUPLICATE, once it is on disk, or why it is not stored.
        """
        # All are queued before the first is waited for, so that one transaction stores them.
        queued = [await _outcome(self._submit(put), put) for put in puts]
        return [
            future
            if isinstance(future, RumError)
            else await _outcome(self._committed(future, put), put)
            for future, put in zip(queued, puts, strict=True)
        ]

    async def _submit(self, put: Put) -> asyncio.Future[Appended]:
        """Check a batch and queue it. Raises RumError."""
        request = put.request
        check_id(request)
        path = f"/appmonitors/{request.id}"
        caller = await self._authentication.caller(put.call, PUT_RUM_EVENTS, path)
        monitor = await self._monitors.by_id(request.id)
        alias = request.alias if request.HasField("alias") else None
        self._authorization.authorize(caller, PUT_RUM_EVENTS, monitor, alias=alias)
        validate(request, max_events=self._max_events)
        batch = self._to_batch(request, monitor)
        if batch.dropped_events:
            logger.info(
                "custom events dropped: the app monitor does not enable them",
                request_id=put.request_id,
                app_monitor=monitor.name,
                dropped=batch.dropped_events,
            )
        return self._group_commit.submit(batch)

    async def _committed(self, future: asyncio.Future[Appended], put: Put) -> Appended:
        """Return when a queued batch is on disk. Raises RumError if it is not stored.

        Undocumented: AWS does not say what happens to a second, different batch with the same
        BatchId. The first stays. A success for the second would claim that its events are stored,
        so it gets an error that clients do not retry.
        """
        try:
            appended = await future
        except Exception as error:
            # The writer has logged the traceback once for the whole group.
            reason = type(error).__name__
            logger.error("batch not stored", request_id=put.request_id, reason=reason)
            raise InternalServerException(retry_after_seconds=1) from None
        if appended is Appended.CONFLICT:
            raise ValidationException("BatchId is the id of another batch that is stored already.")
        return appended

    def _to_batch(self, request: PutRumEventsRequest, monitor: AuthorizedMonitor) -> Batch:
        content = request.SerializeToString(deterministic=True)
        # Over the request as received, so that a retry matches whatever is dropped in between.
        digest = hashlib.blake2b(content, digest_size=16).digest()
        dropped = 0
        if not monitor.keeps_custom_events:
            request, dropped = without_custom_events(request)
            if dropped:
                content = request.SerializeToString(deterministic=True)
        received_ms = round(self._clock() * 1000)
        times = [event.timestamp for event in request.rum_events]
        return Batch(
            app_monitor=monitor.key,
            batch_id=uuid.UUID(request.batch_id).bytes,
            digest=digest,
            received_ms=received_ms,
            first_ms=round(min(times) * 1000) if times else received_ms,
            last_ms=round(max(times) * 1000) if times else received_ms,
            event_count=len(times),
            payload=self._compress(content),
            dropped_events=dropped,
        )


async def _outcome(step: Awaitable[T], put: Put) -> T | RumError:
    """Await a step of one put and return its result, or the error to report for it."""
    try:
        return await step
    except RumError as error:
        return error
    except Exception:
        logger.exception("put failed", request_id=put.request_id)
        return InternalServerException(retry_after_seconds=1)
