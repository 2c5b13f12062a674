"""Finds the events about a user or a session, and removes them from batches. Pure.

All events in a batch match if its `UserDetails` has the ID, or if its `AppMonitorDetails`, `Alias`
or `SessionMetadata` contains it. Otherwise an event matches if its type, metadata or details
contain it. Case does not matter. An ID is a UUID, so nothing else contains its text.
"""

from __future__ import annotations

__all__ = ["Subject"]

import re
from typing import NamedTuple

from rum.v1.data_plane_service_pb2 import (
    AppMonitorDetails,
    PutRumEventsRequest,
    RumEvent,
    UserDetails,
)
from rum_service.events.document import event_ms
from rum_service.storage.records import Remainder

# JSON can write any character as an escape. JSON.stringify of browsers never does so for UUIDs.
_ESCAPE = re.compile(r"\\u00([0-7][0-9a-f])", re.IGNORECASE)


class Subject(NamedTuple):
    """The user or the session to erase."""

    kind: str
    """`user` or `session`."""
    id: str
    """The ID in lower case."""

    def may_be_in(self, content: bytes) -> bool:
        """Return whether a serialized request may have something to erase. Faster than parsing."""
        return self.id.encode() in content.lower() or b"\\u00" in content

    def remainder(self, content: bytes) -> Remainder | None:
        """Return what remains of a serialized request, or None if there is nothing to erase."""
        if not self.may_be_in(content):
            return None
        request = PutRumEventsRequest.FromString(content)
        events = list(request.rum_events)
        is_about_all = self._is_about_all(request)
        left = [] if is_about_all else [event for event in events if not self._is_about(event)]
        if not left and (events or is_about_all):
            return Remainder(_emptied(request), len(events), 0, None, None)
        if len(left) == len(events):
            return None
        del request.rum_events[:]
        request.rum_events.extend(left)
        times = [event_ms(event) for event in left]
        return Remainder(
            request.SerializeToString(),
            len(events) - len(left),
            len(left),
            min(times),
            max(times),
        )

    def _is_about_all(self, request: PutRumEventsRequest) -> bool:
        """Return whether all events in a batch match."""
        user, application = request.user_details, request.app_monitor_details
        own_id = user.user_id if self.kind == "user" else user.session_id
        texts = (
            application.id,
            application.name,
            application.version,
            request.alias,
            request.session_metadata,
        )
        return own_id.lower() == self.id or any(map(self._is_in, texts))

    def _is_about(self, event: RumEvent) -> bool:
        return any(map(self._is_in, (event.metadata, event.details, event.type)))

    def _is_in(self, text: str) -> bool:
        if self.id in text.lower():
            return True
        return "\\u00" in text and self.id in _ESCAPE.sub(_character, text).lower()


def _character(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16))


def _emptied(request: PutRumEventsRequest) -> bytes:
    """Return the request without events and without anything about its user."""
    return PutRumEventsRequest(
        id=request.id,
        batch_id=request.batch_id,
        app_monitor_details=AppMonitorDetails(),
        user_details=UserDetails(),
    ).SerializeToString()
