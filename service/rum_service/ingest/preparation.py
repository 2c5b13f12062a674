"""A put until it is a batch: authenticate → app monitor → authorize → parse → validate.

The ID of the app monitor is read from the serialized request, so that requests for unknown ones are
rejected before they are parsed.

Source: PutRumEvents API page. docs/reference/wire.md states the promises.
"""

from __future__ import annotations

__all__ = ["Preparation", "Put", "leading_id"]

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from google.protobuf.message import DecodeError

from rum.internal.v1.bridge_service_pb2 import ImportedBatch
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_service.auth.authentication import Authentication
from rum_service.auth.authorization import Authorization
from rum_service.auth.callers import Call, Caller
from rum_service.auth.operations import PUT_RUM_EVENTS
from rum_service.auth.policy import Policy
from rum_service.errors import ValidationException
from rum_service.ingest.accounting import Accounting
from rum_service.ingest.drops import Drops
from rum_service.ingest.fields import field_count, has_more_fields, text_field
from rum_service.ingest.imports import check_import
from rum_service.ingest.limits import MonitorLimits
from rum_service.ingest.long_requests import LONG_BYTES, LongRequests
from rum_service.ingest.quotas import StorageQuotas
from rum_service.ingest.validation import Events, check_id, validate
from rum_service.monitors import Monitor, MonitorCache
from rum_service.storage.records import Batch

# A request has this many members beside its events. Clients may be newer and send some more.
_MEMBERS = 100
_ID = PutRumEventsRequest.ID_FIELD_NUMBER
_EVENTS = PutRumEventsRequest.RUM_EVENTS_FIELD_NUMBER
# An ID's tag and length. Clients serialize members in the order of their numbers.
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


class Preparation:
    """Checks puts and makes batches of them. For use on one event loop.

    Args:
        max_events: the maximum number of events in a batch.
        clock: Unix seconds.
        country_of: returns the country of a client's address, if both are known. None: countries
            are not looked up.
    """

    def __init__(
        self,
        monitors: MonitorCache[Policy],
        authentication: Authentication,
        authorization: Authorization,
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
        self._accounting = accounting
        self._limits = limits if limits else None
        self._quotas = quotas
        self._drops = drops
        self._max_events = max_events
        self._clock = clock
        self._country_of = country_of
        self._long_requests = LongRequests()

    async def prepare(self, put: Put) -> Batch:
        """Return the batch to store. Count a batch that is rejected. Raises RumError."""
        app_monitor_id = self._id_of(put.content)
        try:
            # Most puts need no lookup, and each coroutine call takes 0.2 µs.
            caller = self._authentication.trusted(put.call)
            if caller is None:
                caller = await self._identify(put.call, app_monitor_id)
            monitor = self._monitors.cached(app_monitor_id)
            if monitor is None:
                monitor = await self._find(put.content, app_monitor_id)
            self._admit(put, caller, monitor)
        except BaseException as error:
            events = self.event_count(put.content)
            self._accounting.reject(put.content, error, app_monitor_id, events)
            raise
        request, checked = None, None
        try:
            if len(put.content) > LONG_BYTES:
                parse = partial(_parsed_and_checked, put.content, self._max_events)
                request, checked = await self._long_requests.run(parse)
            else:
                request = _parsed(put.content)
            if request.id != app_monitor_id:
                raise ValidationException("Id must appear at most once.")
            return self._batch(put, request, checked, caller, monitor)
        except BaseException as error:
            events = len(request.rum_events) if request else self.event_count(put.content)
            self._accounting.reject(put.content, error, app_monitor_id, events)
            raise

    async def check_caller(self, call: Call, request: PutRumEventsRequest) -> None:
        """Return if the caller may put events for the app monitor in a request.

        Its other members do not count. Raises RumError.
        """
        caller = await self._identify(call, request.id)
        check_id(request.id)
        monitor = await self._monitors.by_id(request.id)
        self._authorization.authorize(caller, PUT_RUM_EVENTS, monitor)

    def reject_unread(self, put: Put, error: BaseException) -> None:
        """Count a put whose app monitor cannot be read, with its events."""
        self._accounting.reject(put.content, error, events=self.event_count(put.content))

    async def _find(self, content: bytes, app_monitor_id: str) -> Monitor[Policy]:
        """Return the app monitor. Raises RumError."""
        if not app_monitor_id:
            self._check_size(content)
            if len(content) <= _MAX_WITHOUT_ID_BYTES:
                _parsed(content)  # says what is wrong with other bytes
        check_id(app_monitor_id)
        return await self._monitors.by_id(app_monitor_id)

    def _admit(self, put: Put, caller: Caller, monitor: Monitor[Policy]) -> None:
        """Perform the checks that do not need the parsed request. Raises RumError.

        Without a resource policy, whose conditions may depend on the alias, the caller is
        authorized.
        """
        if put.imported is None and monitor.policy is None:
            self._authorization.authorize(caller, PUT_RUM_EVENTS, monitor)
        self._check_size(put.content)

    def _check_size(self, content: bytes) -> None:
        if has_more_fields(content, self._max_events + _MEMBERS):
            raise ValidationException(f"RumEvents must have at most {self._max_events} items.")

    def _batch(
        self,
        put: Put,
        request: PutRumEventsRequest,
        checked: Events | ValidationException | None,
        caller: Caller,
        monitor: Monitor[Policy],
    ) -> Batch:
        """Return a parsed request's batch.

        Args:
            checked: the result of the validation, or None if the request is to be validated.
        """
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
        if isinstance(checked, ValidationException):
            raise checked
        times, types = checked or validate(request, max_events=self._max_events)
        remaining = None
        if imported is None:
            if self._limits:
                self._limits.take(monitor.key, events=times.events, size=len(put.content))
            remaining = self._drops.apply(monitor, request, types, put.content, put.request_id)
        if remaining:
            times = remaining.times
        # By position: names take 0.3 µs longer.
        return Batch(
            monitor.key,
            bytes.fromhex(request.batch_id.replace("-", "")),
            received_ms,
            round(times.first_s * 1000) if times.events else received_ms,
            round(times.last_s * 1000) if times.events else received_ms,
            times.events,
            remaining.content if remaining else put.content,
            put.content if remaining else None,
            remaining.dropped if remaining else (),
            self._country(caller, imported),
            imported is not None,
        )

    def _country(self, caller: Caller, imported: ImportedBatch | None) -> str | None:
        """Return the country of the client, if it is known."""
        if imported is not None:
            return imported.country or None
        return self._country_of(caller.source_ip) if self._country_of else None

    def _id_of(self, content: bytes) -> str:
        """Return the app monitor's ID in a serialized request, or nothing."""
        if content[:2] == _ID_PREFIX:
            return leading_id(content)
        return text_field(content, _ID, self._max_events + _MEMBERS)

    def event_count(self, content: bytes) -> int:
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


def _parsed_and_checked(
    content: bytes, max_events: int
) -> tuple[PutRumEventsRequest, Events | ValidationException]:
    """Return a request, and the result of its validation: errors of authorization come first."""
    request = _parsed(content)
    try:
        return request, validate(request, max_events=max_events)
    except ValidationException as error:
        return request, error


def leading_id(content: bytes) -> str:
    """Return the app monitor's ID, if a serialized request begins with it, as those of bridges do.

    Otherwise the text is not an ID. Parsing the request only for this would cost more.
    """
    return content[2:38].decode("latin-1")
