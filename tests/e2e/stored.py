"""Reading all stored events of an app monitor, page by page."""

from __future__ import annotations

import json
from typing import Any

import grpc

from rum.v1.control_plane_service_pb2 import GetAppMonitorDataRequest, TimeRange
from rum.v1.control_plane_service_pb2_grpc import ControlPlaneServiceStub

__all__ = ["stored_events"]

_YEAR_1_MS = -62_135_596_800_000


def stored_events(
    address: str, name: str = "my-app", metadata: tuple[tuple[str, str], ...] = ()
) -> list[dict[str, Any]]:
    """Return the documents of all events of an app monitor, oldest first.

    Args:
        address: Address of the gRPC service, as host:port.
        name: Name of the app monitor.
        metadata: Metadata of the calls, if callers are authorized.
    """
    request = GetAppMonitorDataRequest(name=name, time_range=TimeRange(after=_YEAR_1_MS))
    documents: list[dict[str, Any]] = []
    with grpc.insecure_channel(address) as channel:
        control_plane = ControlPlaneServiceStub(channel)
        while True:
            page = control_plane.GetAppMonitorData(request, timeout=30, metadata=metadata)
            documents += [json.loads(document) for document in page.events]
            if not page.next_token:
                return documents[::-1]
            request.next_token = page.next_token
