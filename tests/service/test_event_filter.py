"""Filters that decide on a serialized batch, before it is parsed."""

from __future__ import annotations

import pytest

from rum.v1.control_plane_service_pb2 import QueryFilter
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum_service.events.filter import EventFilter


@pytest.mark.parametrize(
    ("filters", "may_match"),
    [
        pytest.param({}, True, id="no-filter"),
        pytest.param({"EventType": ["load"]}, True, id="a-type-of-the-batch"),
        pytest.param({"EventType": ["x", "é"]}, True, id="one-of-several-types-not-ascii"),
        pytest.param({"EventType": ["click"]}, False, id="another-type"),
        pytest.param({"EventType": []}, False, id="no-types"),
        pytest.param({"EventType": ["click"], "Invert": ["true"]}, True, id="inverted"),
        pytest.param({"Page": ["/"]}, True, id="only-metadata"),
    ],
)
def test_a_batch_without_a_wanted_type_cannot_match(
    filters: dict[str, list[str]], may_match: bool
) -> None:
    events = [RumEvent(type="load"), RumEvent(type="é")]
    batch = PutRumEventsRequest(rum_events=events).SerializeToString()
    event_filter = EventFilter(
        QueryFilter(name=name, values=values) for name, values in filters.items()
    )

    assert event_filter.may_match(batch) is may_match
