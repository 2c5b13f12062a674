"""Checks a PutRumEventsRequest against its documented constraints. Pure.

Source: PutRumEvents API page, "Request Body"; the service model of the AWS SDKs for Alias.
"""

from __future__ import annotations

__all__ = ["Events", "Times", "check_id", "times_of", "validate"]

from collections.abc import Sequence
from math import isnan
from typing import NamedTuple

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum_service.errors import ValidationException
from rum_service.events.identifiers import UUID_PATTERN, are_uuids, is_uuid

# The years 1 to 9999, the range of datetime and RFC 3339. Milliseconds sent by mistake lie outside.
_EARLIEST_S = -62_135_596_800.0
_LATEST_S = 253_402_300_799.999
_ALIAS_LENGTH = range(1, 256)


class Times(NamedTuple):
    """How many events a batch has, and the earliest and latest of their timestamps."""

    events: int
    first_s: float
    """Unix seconds; 0 if there are no events."""
    last_s: float


class Events(NamedTuple):
    """Facts about the events in a valid batch."""

    times: Times
    types: list[str]
    """In the order of the events. Each access to a member of a message creates its value anew."""


_NO_EVENTS = Times(0, 0.0, 0.0)


def check_id(app_monitor_id: str) -> None:
    """Check the app monitor's id. Raises ValidationException."""
    _check_uuid("Id", app_monitor_id)


def validate(request: PutRumEventsRequest, *, max_events: int) -> Events:
    """Check every member but Id, which `check_id` checks, and return what the events say.

    Undocumented: whether one bad event fails the batch. We reject the whole batch: a success says
    that all of it is stored, and an error names the event to correct.

    Raises:
        ValidationException: a constraint is broken; the message names the member.
    """
    events = request.rum_events
    if len(events) > max_events:
        _check_members(request)
        raise ValidationException(f"RumEvents must have at most {max_events} items.")
    # One pass: each pass over the repeated field would wrap every event anew.
    ids, seconds, types = [request.batch_id], [], []
    have_details = True
    for event in events:
        ids.append(event.id)
        seconds.append(event.timestamp)
        types.append(event.type)
        if not event.HasField("details"):
            have_details = False
    times = _times(seconds)
    if not (
        have_details
        and "" not in types
        and _are_certainly_valid(seconds, times)
        and _is_certainly_valid(request, ids)
    ):
        _check_members(request)
        for index, event in enumerate(events):
            _check_event(f"RumEvents[{index}]", event)
    return Events(times, types)


def times_of(events: Sequence[RumEvent]) -> Times:
    """Return the count, and the earliest and latest timestamp."""
    return _times([event.timestamp for event in events])


def _times(seconds: list[float]) -> Times:
    return Times(len(seconds), min(seconds), max(seconds)) if seconds else _NO_EVENTS


def _are_certainly_valid(seconds: list[float], times: Times) -> bool:
    """Return whether all timestamps are valid. False means: check each one by itself."""
    return (
        0.0 not in seconds  # a missing timestamp is 0, too
        and times.first_s >= _EARLIEST_S
        and times.last_s <= _LATEST_S
        and not isnan(sum(seconds))  # min and max can miss a NaN
    )


def _is_certainly_valid(request: PutRumEventsRequest, ids: list[str]) -> bool:
    """Return whether all other members are valid. False means: check each one by itself.

    Args:
        ids: the ids of the batch and its events. Those of the user are added.
    """
    user = request.user_details
    user_id, session_id = user.user_id, user.session_id
    if user_id or user.HasField("user_id"):
        ids.append(user_id)
    if session_id or user.HasField("session_id"):
        ids.append(session_id)
    return (
        are_uuids(ids)
        and (bool(user_id) or request.HasField("user_details"))
        and request.HasField("app_monitor_details")
        and not request.HasField("alias")
    )


def _check_members(request: PutRumEventsRequest) -> None:
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


def _check_event(member: str, event: RumEvent) -> None:
    _check_uuid(f"{member}.id", event.id)
    _check_present(f"{member}.timestamp", event.HasField("timestamp"))
    _check_present(f"{member}.type", event.HasField("type"))
    _check_present(f"{member}.details", event.HasField("details"))
    if not _EARLIEST_S <= event.timestamp <= _LATEST_S:
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
