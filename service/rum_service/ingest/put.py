"""PutRumEvents: authenticate → app monitor → authorize → parse → validate → group commit.

The ID of the app monitor is read from the serialized request, so that requests for unknown ones are
rejected before they are parsed.

Source: PutRumEvents API page. docs/reference/wire.md states the promises.
"""

from __future__ import annotations

__all__ = ["Ingest", "Put"]

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog
from google.protobuf.message import DecodeError

from rum.internal.v1.bridge_service_pb2 import ImportedBatch
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.auth.authentication import Authentication
from rum_service.auth.authorization import Authorization
from rum_service.auth.callers import Call, Caller
from rum_service.auth.operations import PUT_RUM_EVENTS
from rum_service.auth.policy import Policy
from rum_service.errors import InternalServerException, RumError, ValidationException
from rum_service.ingest.accounting import Accounting
from rum_service.ingest.commits import Outcome
from rum_service.ingest.drops import Drops
from rum_service.ingest.fields import field_count, has_more_fields, text_field
from rum_service.ingest.group_commit import GroupCommit
from rum_service.ingest.imports import check_import
from rum_service.ingest.limits import MonitorLimits
from rum_service.ingest.put_queue import UNKNOWN, PutQueue
from rum_service.ingest.quotas import StorageQuotas
from rum_service.ingest.validation import check_id, validate
from rum_service.monitors import Monitor, Monitors
from rum_service.storage.records import Appended, Batch

logger = structlog.get_logger()

# A request has this many members beside its events. Clients may be newer and send some more.
_MEMBERS = 100
_ID = PutRumEventsRequest.ID_FIELD_NUMBER
_EVENTS = PutRumEventsRequest.RUM_EVENTS_FIELD_NUMBER
# The tag and the length of an ID. Clients serialize members in the order of their numbers.
_ID_PREFIX = bytes([_ID << 3 | 2, 36])
_MAX_WITHOUT_ID_BYTES = 16 << 10


class Put(NamedTuple):
    """One batch to store."""

    content: bytes
    """The serialized PutRumEventsRequest as received: what the log keeps."""
    call: Call
    """The credentials and the origin that the call carries."""
    request_id: Callable[[], str]
    """Returns the ID under which the put is logged."""
    imported: ImportedBatch | None = None
    """Time of receipt and country, if the batch is imported. None: it is new."""


class Ingest:
    """The use case. For use on one event loop.

    Args:
        max_events: the maximum number of events in a batch.
        clock: Unix seconds.
        country_of: returns the country of a client's address, if both are known. None: countries
            are not looked up.
    """

    def __init__(
        self,
        monitors: Monitors[Policy],
        authentication: Authentication,
        authorization: Authorization,
        group_commit: GroupCommit,
        accounting: Accounting,
        *,
        limits: MonitorLimits,
        quotas: StorageQuotas,
        drops: Drops,
        max_events: int,
        clock: Callable[[], float],
        country_of: Callable[[str | None], str | None] | None = None,
    ) -> None:
        self._monitors = monitors
        self._authentication = authentication
        self._authorization = authorization
        self._group_commit = group_commit
        self._accounting = accounting
        self._limits = limits if limits else None
        self._quotas = quotas
        self._drops = drops
        self._max_events = max_events
        self._clock = clock
        self._country_of = country_of
        self.queue = PutQueue(lambda: group_commit.oldest_s, clock=time.monotonic)
        """Puts that wait, except those of bridges, which have a queue of their own."""

    async def put(self, put: Put) -> Appended:
        """Return when the batch is on disk. Raises RumError if it is not stored."""
        app_monitor = None if self.queue.begin_at_once() else await self._wait(put)
        try:
            batch = await self._prepare(put)
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
        outcomes = iter(await self._group_commit.submit(batches) if batches else ())
        return [
            _result(next(outcomes)) if isinstance(found, Batch) else found for found in prepared
        ]

    async def _wait(self, put: Put) -> int:
        """Wait for the put's turn, and return the app monitor that it is for.

        Count a put that is rejected. Raises RumError.
        """
        key = self._monitors.known_key(_leading_id(put.content))
        app_monitor = UNKNOWN if key is None else key
        try:
            await self.queue.begin(app_monitor)
        except BaseException as error:
            self._accounting.reject(put.content, error)
            raise
        return app_monitor

    async def check_caller(self, call: Call, request: PutRumEventsRequest) -> None:
        """Return if the caller may put events for the app monitor in a request.

        Its other members do not count. Raises RumError.
        """
        caller = await self._identify(call, request.id)
        check_id(request.id)
        monitor = await self._monitors.by_id(request.id)
        self._authorization.authorize(caller, PUT_RUM_EVENTS, monitor)

    def reject(self, content: bytes, error: BaseException) -> None:
        """Count a call that is rejected before its batches are parsed, as one batch."""
        self._accounting.reject(content, error)

    async def _prepare_all(self, puts: Sequence[Put]) -> list[Batch | RumError]:
        """Prepare each batch by itself. Count all of them if the call is cancelled."""
        failed = await self._look_up_together(puts)
        prepared: list[Batch | RumError] = []
        try:
            for put in puts:
                if failed and not self._monitors.cached(_leading_id(put.content)):
                    self._reject_without_monitor(put, failed)
                    prepared.append(failed)
                else:
                    prepared.append(await self._try(put))
        except BaseException as error:
            # `_prepare` has counted the errors and the put that was cancelled.
            for found in prepared:
                if isinstance(found, Batch):
                    self._accounting.receive(found)
                    self._accounting.end([found], [error])
            for put in puts[len(prepared) + 1 :]:
                self._accounting.reject(put.content, error)
            raise
        return prepared

    def _reject_without_monitor(self, put: Put, error: RumError) -> None:
        """Count a batch whose app monitor cannot be read, with its events."""
        self._accounting.reject(put.content, error, events=self._event_count(put.content))

    async def _look_up_together(self, puts: Sequence[Put]) -> RumError | None:
        """Read the app monitors that are not cached, in one query.

        Returns:
            If that failed, the error of their batches. Each would wait for the same failure again.
        """
        try:
            await self._monitors.load({_leading_id(put.content) for put in puts})
        except Exception:
            logger.exception("app monitors not read", requests=len(puts))
            return InternalServerException(retry_after_seconds=1)
        except BaseException as error:
            for put in puts:
                self._accounting.reject(put.content, error)
            raise
        return None

    async def _try(self, put: Put) -> Batch | RumError:
        """Prepare a batch, or return why it cannot be stored."""
        try:
            return await self._prepare(put)
        except RumError as error:
            return error
        except Exception:
            logger.exception("put failed", request_id=put.request_id())
            return InternalServerException(retry_after_seconds=1)

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

    async def _prepare(self, put: Put) -> Batch:
        """Return the batch to store. Count a batch that is rejected. Raises RumError."""
        app_monitor_id = self._id_of(put.content)
        try:
            caller, monitor = await self._admit(put, app_monitor_id)
        except BaseException as error:
            events = self._event_count(put.content)
            self._accounting.reject(put.content, error, app_monitor_id, events)
            raise
        request = None
        try:
            request = _parsed(put.content)
            if request.id != app_monitor_id:
                raise ValidationException("Id must appear at most once.")
            return self._batch(put, request, caller, monitor)
        except BaseException as error:
            events = len(request.rum_events) if request else 0
            self._accounting.reject(put.content, error, app_monitor_id, events)
            raise

    async def _admit(self, put: Put, app_monitor_id: str) -> tuple[Caller, Monitor[Policy]]:
        """Return the caller and the app monitor, before the request is parsed. Raises RumError.

        Without a resource policy, whose conditions may depend on the alias, the caller is
        authorized.
        """
        caller = self._authentication.trusted(put.call)
        if caller is None:
            caller = await self._identify(put.call, app_monitor_id)
        monitor = self._monitors.cached(app_monitor_id)
        if monitor is None:
            if not app_monitor_id:
                self._check_size(put.content)
                if len(put.content) <= _MAX_WITHOUT_ID_BYTES:
                    _parsed(put.content)  # says what is wrong with other bytes
            check_id(app_monitor_id)
            monitor = await self._monitors.by_id(app_monitor_id)
        if put.imported is None and monitor.policy is None:
            self._authorization.authorize(caller, PUT_RUM_EVENTS, monitor)
        self._check_size(put.content)
        return caller, monitor

    def _check_size(self, content: bytes) -> None:
        if has_more_fields(content, self._max_events + _MEMBERS):
            raise ValidationException(f"RumEvents must have at most {self._max_events} items.")

    def _batch(
        self, put: Put, request: PutRumEventsRequest, caller: Caller, monitor: Monitor[Policy]
    ) -> Batch:
        received_ms = round(self._clock() * 1000)
        imported = put.imported
        if imported is not None:
            check_import(imported, caller, now_ms=received_ms)
            received_ms = imported.received_ms
        elif monitor.policy is not None:
            alias = request.alias if request.HasField("alias") else None
            self._authorization.authorize(caller, PUT_RUM_EVENTS, monitor, alias=alias)
        self._quotas.check(monitor.key)
        self._accounting.know(monitor)
        times, types = validate(request, max_events=self._max_events)
        remaining = None
        if imported is None:
            if self._limits:
                self._limits.take(monitor.key, events=times.events, size=len(put.content))
            remaining = self._drops.apply(monitor, request, types, put.content, put.request_id)
        if remaining:
            times = remaining.times
        return Batch(
            app_monitor=monitor.key,
            batch_id=bytes.fromhex(request.batch_id.replace("-", "")),
            received_ms=received_ms,
            first_ms=round(times.first_s * 1000) if times.events else received_ms,
            last_ms=round(times.last_s * 1000) if times.events else received_ms,
            event_count=times.events,
            content=remaining.content if remaining else put.content,
            received=put.content if remaining else None,
            dropped=remaining.dropped if remaining else (),
            country=self._country(caller, imported),
        )

    def _country(self, caller: Caller, imported: ImportedBatch | None) -> str | None:
        """Return the country of the client, if it is known."""
        if imported is not None:
            return imported.country or None
        return self._country_of(caller.source_ip) if self._country_of else None

    def _id_of(self, content: bytes) -> str:
        """Return the app monitor's ID in a serialized request, or nothing."""
        if content[:2] == _ID_PREFIX:
            return _leading_id(content)
        return text_field(content, _ID, self._max_events + _MEMBERS)

    def _event_count(self, content: bytes) -> int:
        """Return the number of events in a serialized request that is not parsed."""
        return field_count(content, _EVENTS, self._max_events + _MEMBERS)

    async def _identify(self, call: Call, app_monitor_id: str) -> Caller:
        path = f"/appmonitors/{app_monitor_id}"
        return await self._authentication.caller(call, PUT_RUM_EVENTS, path)


def _parsed(content: bytes) -> PutRumEventsRequest:
    try:
        return PutRumEventsRequest.FromString(content)
    except DecodeError:
        raise ValidationException("The message is not a PutRumEventsRequest.") from None


def _leading_id(content: bytes) -> str:
    """Return the app monitor's ID, if a serialized request begins with it, as those of bridges do.

    Otherwise the text is not an ID. Parsing the request only for this would cost more.
    """
    return content[2:38].decode("latin-1")


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
