"""Metrics destinations of app monitors: put, list, delete.

Destinations and definitions are only stored: nothing is sent to CloudWatch or Evidently.
Source: PutRumMetricsDestination, ListRumMetricsDestinations and DeleteRumMetricsDestination API
pages.
"""

from __future__ import annotations

__all__ = ["MetricDestinations", "no_destination"]

from concurrent.futures import Executor

from rum.v1 import metrics_pb2 as pb
from rum_service.control.app_monitors import AppMonitors
from rum_service.control.attempts import until_done
from rum_service.control.constraints import validate_control
from rum_service.control.metric_rules import NamesDestination, check_destination
from rum_service.errors import ResourceNotFoundException
from rum_service.page_tokens import decode_token, encode_token
from rum_service.storage.base import MetricStore
from rum_service.storage.records import MetricDestinationRecord
from rum_service.storage.threads import on_thread

_DEFAULT_PAGE = 50


class MetricDestinations:
    """The use cases. All raise ResourceNotFoundException if the app monitor does not exist."""

    def __init__(self, monitors: AppMonitors, store: MetricStore, executor: Executor) -> None:
        self._monitors = monitors
        self._store = store
        self._executor = executor

    async def put(self, request: pb.PutRumMetricsDestinationRequest) -> None:
        """Create a destination, or replace its role.

        Raises ConflictException if the app monitor is deleted and created all the time.
        """
        validate_control(request)
        check_destination(request)
        role = request.iam_role_arn if request.HasField("iam_role_arn") else None

        # The app monitor may be deleted between the two calls. The next lookup then raises.
        async def attempt() -> bool | None:
            record = await self._monitors.by_name(request.app_monitor_name)
            stored = await on_thread(
                self._executor,
                self._store.put_destination,
                record.key,
                request.destination,
                request.destination_arn,
                role,
            )
            return stored or None

        await until_done(attempt, request.app_monitor_name)

    async def list(
        self, request: pb.ListRumMetricsDestinationsRequest
    ) -> pb.ListRumMetricsDestinationsResponse:
        """Return a page of destinations, oldest first."""
        validate_control(request)
        token = request.next_token
        after = decode_token("nextToken", token, int)[0] if token else 0
        record = await self._monitors.by_name(request.app_monitor_name)
        size = request.max_results or _DEFAULT_PAGE
        found = await on_thread(
            self._executor,
            self._store.list_destinations,
            record.key,
            after=after,
            limit=size + 1,
        )
        response = pb.ListRumMetricsDestinationsResponse(
            destinations=[_summary(destination) for destination in found[:size]]
        )
        if len(found) > size:
            response.next_token = encode_token(found[size - 1].key)
        return response

    async def delete(self, request: pb.DeleteRumMetricsDestinationRequest) -> None:
        """Delete a destination. Raises ResourceNotFoundException if it does not exist.

        Undocumented: whether its definitions are deleted too. We delete them, because the app
        monitor "stops sending extended metrics to that destination".
        """
        validate_control(request)
        destination = await self.find(request)
        await on_thread(self._executor, self._store.delete_destination, destination.key)

    async def find(self, request: NamesDestination) -> MetricDestinationRecord:
        """Return the destination that a request names. Raises ResourceNotFoundException."""
        check_destination(request)
        record = await self._monitors.by_name(request.app_monitor_name)
        found = await on_thread(
            self._executor,
            self._store.destination,
            record.key,
            request.destination,
            request.destination_arn,
        )
        if found is None:
            raise no_destination(request)
        return found


def no_destination(request: NamesDestination) -> ResourceNotFoundException:
    """Return the exception for a destination that does not exist."""
    return ResourceNotFoundException(
        "The app monitor has no such metrics destination.",
        request.destination_arn or request.destination,
        "MetricsDestination",
    )


def _summary(record: MetricDestinationRecord) -> pb.MetricDestinationSummary:
    return pb.MetricDestinationSummary(
        destination=record.kind,
        destination_arn=record.arn or None,
        iam_role_arn=record.iam_role_arn,
    )
