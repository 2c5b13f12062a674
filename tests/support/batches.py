"""Valid batches, as the documented JSON and as messages."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum_service.auth.callers import Call
from rum_service.ingest.preparation import Put


def new_id() -> str:
    return str(uuid.uuid4())


def event(**members: Any) -> dict[str, Any]:
    """Return a valid event as JSON, with `members` replaced. A member that is None is left out."""
    document = {
        "id": new_id(),
        "timestamp": int(time.time()),
        "type": "com.amazon.rum.page_view_event",
        "metadata": json.dumps({"version": "1.0.0", "pageId": "/"}),
        "details": json.dumps({"version": "1.0.0", "pageId": "/"}),
        **members,
    }
    return {name: value for name, value in document.items() if value is not None}


def batch(events: int | list[Any] = 1, **members: Any) -> dict[str, Any]:
    """Return a valid PutRumEvents body, with `members` replaced, or left out if they are None."""
    document = {
        "BatchId": new_id(),
        "AppMonitorDetails": {"name": "my-app", "version": "1.0.0"},
        "UserDetails": {"userId": new_id(), "sessionId": new_id()},
        "RumEvents": [event() for _ in range(events)] if isinstance(events, int) else events,
        **members,
    }
    return {name: value for name, value in document.items() if value is not None}


def put_of(request: PutRumEventsRequest, request_id: str = "a-request") -> Put:
    """Return a put of the request by a caller that says nothing about itself."""
    return Put(request.SerializeToString(), Call(), lambda: request_id)


def message(monitor_id: str, events: int = 1, **members: Any) -> PutRumEventsRequest:
    """Return a valid PutRumEventsRequest, with `members` replaced, or left out if they are None."""
    request = PutRumEventsRequest(
        id=monitor_id,
        batch_id=new_id(),
        app_monitor_details={},
        user_details={"user_id": new_id(), "session_id": new_id()},
        rum_events=[
            RumEvent(id=new_id(), timestamp=time.time(), type="t", details=f'{{"n":{number}}}')
            for number in range(events)
        ],
    )
    for name, value in members.items():
        request.ClearField(name)
        if value is not None:
            setattr(request, name, value)
    return request
