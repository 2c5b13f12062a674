"""Checks a PutRumEventsRequest against its documented constraints. Pure.

Source: PutRumEvents API page, "Request Body"; the service model of the AWS SDKs for Alias.
"""

from __future__ import annotations

__all__ = ["check_id", "validate"]

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum_service.errors import ValidationException
from rum_service.events.identifiers import UUID_PATTERN, is_uuid

# The years 1 to 9999, the range of datetime and RFC 3339. Milliseconds sent by mistake lie outside.
_EARLIEST_S = -62_135_596_800.0
_LATEST_S = 253_402_300_799.999
_ALIAS_LENGTH = range(1, 256)


def check_id(request: PutRumEventsRequest) -> None:
    """Check the app monitor's id. Raises ValidationException."""
    _check_uuid("Id", request.id)


def validate(request: PutRumEventsRequest, *, max_events: int) -> None:
    """Check every member but Id, which `check_id` checks.

    Undocumented: whether one bad event fails the batch. We reject the whole batch: a success says
    that all of it is stored, and an error names the event to correct.

    Raises:
        ValidationException: a constraint is broken; the message names the member.
    """
    _check_uuid("BatchId", request.batch_id)
    _check_present("AppMonitorDetails", request.HasField("app_monitor_details"))
    _check_present("UserDetails", request.HasField("user_details"))
    user = request.user_details
    if user.HasField("user_id"):
        _check_uuid("UserDetails.userId", user.user_id)
    if user.HasField("session_id"):
        _check_uuid("UserDetails.sessionId", user.session_id)
    if request.HasField("alias") and len(request.alias) not in _ALIAS_LENGTH:
        raise ValidationException("Alias must have 1 to 255 characters.")
    if len(request.rum_events) > max_events:
        raise ValidationException(f"RumEvents must have at most {max_events} items.")
    for index, event in enumerate(request.rum_events):
        # One test for the usual case; `_reject` finds out which constraint failed.
        if not (
            is_uuid(event.id)
            and event.HasField("timestamp")
            and _EARLIEST_S <= event.timestamp <= _LATEST_S
            and event.HasField("type")
            and event.HasField("details")
        ):
            _reject(f"RumEvents[{index}]", event)


def _reject(member: str, event: RumEvent) -> None:
    _check_uuid(f"{member}.id", event.id)
    _check_present(f"{member}.timestamp", event.HasField("timestamp"))
    _check_present(f"{member}.type", event.HasField("type"))
    _check_present(f"{member}.details", event.HasField("details"))
    raise ValidationException(
        f"{member}.timestamp must be seconds since the Unix epoch, in the years 1 to 9999."
    )


def _check_uuid(member: str, value: str) -> None:
    _check_present(member, bool(value))
    if not is_uuid(value):
        raise ValidationException(f"{member} must match {UUID_PATTERN}.")


def _check_present(member: str, present: bool) -> None:
    if not present:
        raise ValidationException(f"{member} is required.")
