"""What every method of InsightService promises: its freshness, and lists in pages."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from rum.v1 import insight_service_pb2 as pb
from tests.insight.asked import Asked
from tests.insight.oracle import Seen
from tests.insight.visits import HOUR_MS, START_MS

_METHODS = pb.DESCRIPTOR.services_by_name["InsightService"].methods_by_name
# At most 20 changes.
_UNPAGED = {"ListChanges"}


def _request(method: MethodDescriptor, shop: Asked, seen: list[Seen]) -> Message:
    """Return a valid request of a method."""
    members: dict[str, Any] = {
        "app_monitor": "shop",
        "after": START_MS,
        "before": START_MS + 48 * HOUR_MS,
        "by": pb.DIMENSION_PAGE,
        "session_id": seen[0].session,
        "metric_name": "PageViewCount",
        "statistic": "Sum",
        "period_seconds": 3600,
    }
    names = {field.name for field in method.input_type.fields}
    if "fingerprint" in names and method.name == "GetErrorGroup":
        groups = shop.ask(
            "ListErrorGroups",
            pb.ListErrorGroupsRequest(after=members["after"], before=members["before"]),
        )
        members["fingerprint"] = groups.groups[0].fingerprint
    if method.name == "TailEvents":
        del members["session_id"]
    kind = GetMessageClass(method.input_type)
    return kind(**{name: value for name, value in members.items() if name in names})


@pytest.mark.parametrize("method", _METHODS.values(), ids=_METHODS.keys())
def test_every_response_says_how_current_it_is(
    shop: Asked, seen: list[Seen], method: MethodDescriptor
) -> None:
    response = shop.ask(method.name, _request(method, shop, seen))
    last = shop.store.log.newest_sequence()

    assert response.HasField("freshness")
    assert response.freshness.projected_sequence == response.freshness.log_sequence == last > 0


@pytest.mark.parametrize(
    "method",
    [m for m in _METHODS.values() if m.name.startswith("List") and m.name not in _UNPAGED],
    ids=lambda method: method.name,
)
def test_every_list_has_pages(method: MethodDescriptor) -> None:
    members = {field.name for field in method.input_type.fields}

    assert members >= {"next_token"}
    assert "next_token" in {field.name for field in method.output_type.fields}
