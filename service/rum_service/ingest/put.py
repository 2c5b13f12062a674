"""PutRumEvents: validate → app monitor → authorize → group commit → answer.

Source: PutRumEvents API page; the promises are in docs/wire.md.
"""

from __future__ import annotations

__all__ = ["Ingest", "Put"]

import asyncio
import hashlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
import zstandard

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.auth.authorization import Authorization
from rum_service.auth.callers import Call
from rum_service.errors import InternalServerException, RumError, ValidationException
from rum_service.events.custom import without_custom_events
from rum_service.ingest.group_commit import GroupCommit
from rum_service.ingest.validation import validate
from rum_service.monitors import Monitors
from rum_service.storage.records import AppMonitorRecord, Batch

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Put:
    """One batch on its way in."""

    request: PutRumEventsRequest
    request_id: str
    """The id to log failures under."""
    call: Call
    """Says who sends it."""


class Ingest:
    """The use case. To be used on one event loop."""

    def __init__(
        self,
        monitors: Monitors,
        gate: Authorization,
        group_commit: GroupCommit,
        *,
        max_events: int,
        clock: Callable[[], float],
    ) -> None:
        self._monitors = monitors
        self._gate = gate
        self._group_commit = group_commit
        self._max_events = max_events
        self._clock = clock
        # Level 1: 72 µs for 50 events and a sixth of the bytes; level 3 costs a fifth more for 4 %.
        self._compress = zstandard.ZstdCompressor(level=1).compress

    async def put(self, put: Put) -> None:
        """Returns when the batch is on disk; raises RumError when it is not."""
        error = (await self.put_many([put]))[0]
        if error is not None:
            raise error

    async def put_many(self, puts: Sequence[Put]) -> list[RumError | None]:
        """Puts batches that arrived together, each on its own.

        Args:
            puts: 1…N batches; the order is kept.

        Returns:
            For each batch None, once it is on disk, or why it is not.
        """
        waiting = [await self._begin(put) for put in puts]
        return [await self._finish(begun, put) for begun, put in zip(waiting, puts, strict=True)]

    async def _begin(self, put: Put) -> asyncio.Future[bool] | RumError:
        try:
            validate(put.request, max_events=self._max_events)
            monitor = await self._monitors.resolve(put.request.id)
            await self._gate.admit_put(put.call, put.request, monitor)
            batch = self._to_batch(put.request, monitor)
            if batch.dropped_events:
                logger.info(
                    "custom events dropped: the app monitor has not enabled them",
                    request_id=put.request_id,
                    app_monitor=monitor.name,
                    dropped=batch.dropped_events,
                )
            return self._group_commit.submit(batch)
        except RumError as error:
            return error
        except Exception:
            logger.exception("put failed", request_id=put.request_id)
            return InternalServerException(retry_after_seconds=1)

    async def _finish(self, begun: asyncio.Future[bool] | RumError, put: Put) -> RumError | None:
        if isinstance(begun, RumError):
            return begun
        try:
            stored = await begun
        except Exception as error:
            logger.error("batch not stored", request_id=put.request_id, reason=type(error).__name__)
            return InternalServerException(retry_after_seconds=1)
        if stored:
            return None
        # Undocumented: two different batches with one id. The first stays; a success for the second
        # would say that its events are stored, so it is told, with an answer that is not retried.
        return ValidationException("BatchId is the id of another batch that is stored already.")

    def _to_batch(self, request: PutRumEventsRequest, monitor: AppMonitorRecord) -> Batch:
        content = request.SerializeToString(deterministic=True)
        # Of the request as received: a retry is known by it, whatever is dropped meanwhile.
        digest = hashlib.blake2b(content, digest_size=16).digest()
        dropped = 0
        if not monitor.custom_events:
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
