"""GetPageDetails, ListCurrentValues and GetProjectionState."""

from __future__ import annotations

from typing import Any

import pytest

from rum.v1 import insight_service_pb2 as pb
from rum_projector.schema import VERSION
from tests.insight.asked import Asked, asked
from tests.insight.oracle import Seen, as_json, measures, nearest_rank, read
from tests.insight.visits import HOUR_MS, START_MS, visits
from tests.service.served import LoopThread

_AFTER, _BEFORE = START_MS + 5 * HOUR_MS, START_MS + 40 * HOUR_MS


@pytest.fixture(scope="module")
def details(shop: Asked) -> pb.GetPageDetailsResponse:
    request = pb.GetPageDetailsRequest(after=_AFTER, before=_BEFORE, filter=["page=/cart"])
    found = shop.ask("GetPageDetails", request)
    assert isinstance(found, pb.GetPageDetailsResponse)
    return found


@pytest.fixture(scope="module")
def on_page(seen: list[Seen]) -> list[Seen]:
    return [e for e in seen if _AFTER <= e.ts < _BEFORE and e.dimensions["page"] == "/cart"]


def _distribution(values: list[float]) -> dict[str, Any]:
    shares = {"p50": "0.5", "p75": "0.75", "p90": "0.9", "p99": "0.99"}
    return {"samples": len(values), "good": 0, "needsImprovement": 0, "poor": 0} | {
        name: nearest_rank(values, share) for name, share in shares.items()
    }


def test_the_measures_of_a_page_are_those_of_the_log(
    details: pb.GetPageDetailsResponse, on_page: list[Seen]
) -> None:
    assert as_json(details.measures) == measures(on_page)


def test_the_phases_of_a_page_are_those_of_the_log(
    details: pb.GetPageDetailsResponse, on_page: list[Seen]
) -> None:
    navigations = [e.details for e in on_page if e.type == "performance_navigation_event"]
    members = {
        "DNS": "dns",
        "Connect": "connect",
        "TLS": "tlsTime",
        "Time to first byte": "timeToFirstByte",
        "Response": "responseTime",
        "DOM processing": "domProcessingTime",
        "Load event": "loadEventTime",
    }
    paints = [e.details for e in on_page if e.type == "largest_contentful_paint_event"]
    inputs = [e.details["attribution"] for e in on_page if e.type.startswith("interaction")]

    assert {phase.name: as_json(phase.duration) for phase in details.navigation_phases} == {
        name: _distribution([navigation.get(member, 0) for navigation in navigations])
        for name, member in members.items()
    }
    assert [phase.name for phase in details.lcp_phases] == [
        "Time to first byte",
        "Load delay",
        "Load time",
        "Render delay",
    ]
    assert as_json(details.lcp_phases[0].duration) == _distribution(
        [paint["attribution"]["timeToFirstByte"] for paint in paints]
    )
    assert as_json(details.inp_phases[0].duration) == _distribution(
        [attribution["inputDelay"] for attribution in inputs]
    )


def test_the_elements_of_a_page_are_those_of_the_log(
    details: pb.GetPageDetailsResponse, on_page: list[Seen]
) -> None:
    found = {
        (item.vital, item.target): (item.value.samples, item.value.p75, item.value.poor)
        for item in details.attributions
    }
    expected: dict[tuple[str, str], list[float]] = {}
    for event in on_page:
        attribution = event.details.get("attribution", {})
        if target := attribution.get("interactionTarget"):
            expected.setdefault(("inp", target), []).append(event.details["value"])
        if target := attribution.get("largestShiftTarget"):
            expected.setdefault(("cls", target), []).append(event.details["value"])
    limits = {"inp": 500, "cls": 0.25}

    assert found == {
        (vital, target): (
            len(values),
            nearest_rank(values, "0.75"),
            sum(value > limits[vital] for value in values),
        )
        for (vital, target), values in expected.items()
    }
    poor = [item.value.poor for item in details.attributions if item.vital == "inp"]
    assert poor == sorted(poor, reverse=True)


def test_the_resources_of_a_page_are_those_of_the_log(
    details: pb.GetPageDetailsResponse, on_page: list[Seen]
) -> None:
    expected: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for event in on_page:
        if event.type == "performance_resource_event":
            path = event.details["targetUrl"].removeprefix("https://shop.example")
            expected.setdefault((path, event.details["fileType"]), []).append(event.details)
    durations = {key: [load["duration"] for load in loads] for key, loads in expected.items()}
    listed = [(resource.url, resource.file_type) for resource in details.resources]

    assert listed == sorted(durations, key=lambda key: -sum(durations[key]))
    for resource in details.resources:
        loads = expected[resource.url, resource.file_type]
        assert as_json(resource.duration) == _distribution([load["duration"] for load in loads])
        assert resource.size_p50 == nearest_rank([load["transferSize"] for load in loads], "0.5")


def test_a_page_without_events_has_empty_details(shop: Asked) -> None:
    request = pb.GetPageDetailsRequest(after=_AFTER, before=_BEFORE, filter=["page=/none"])
    found = shop.ask("GetPageDetails", request)

    assert as_json(found.measures) == measures([])
    assert [phase.duration.samples for phase in found.navigation_phases] == [0] * 7
    assert (len(found.attributions), len(found.resources)) == (0, 0)


def test_current_values_are_those_of_every_app_monitor(loop: LoopThread, tmp_path: Any) -> None:
    with asked(loop, tmp_path) as shop:
        keys = {name: shop.create(name) for name in ("shop", "blog", "idle")}
        for name in ("shop", "blog"):
            shop.put(keys[name], visits(40, hours=3, seed=keys[name]))
        shop.now_s = (START_MS + 2 * HOUR_MS) / 1000
        found = {
            minutes: shop.ask("ListCurrentValues", pb.ListCurrentValuesRequest(minutes=minutes))
            for minutes in (0, 60)
        }
        failure = shop.failure("ListCurrentValues", pb.ListCurrentValuesRequest(minutes=61))
        first = shop.ask(
            "ListCurrentValues", pb.ListCurrentValuesRequest(minutes=60, max_results=2)
        )
        rest = shop.ask(
            "ListCurrentValues",
            pb.ListCurrentValuesRequest(minutes=60, max_results=2, next_token=first.next_token),
        )
        too_many = shop.failure("ListCurrentValues", pb.ListCurrentValuesRequest(max_results=1001))
        seen = read(shop.store.log)
        by_monitor = {
            name: {
                batch.sequence
                for batch in shop.store.log.after(0, limit=10_000, max_bytes=1 << 30)
                if batch.app_monitor == key
            }
            for name, key in keys.items()
        }
    now = START_MS + 2 * HOUR_MS
    for minutes, response in ((5, found[0]), (60, found[60])):
        assert [value.app_monitor for value in response.values] == ["blog", "idle", "shop"]
        for value in response.values:
            events = [
                e
                for e in seen
                if e.sequence in by_monitor[value.app_monitor]
                and now - minutes * 60_000 <= e.ts <= now
            ]
            assert as_json(value.measures) == measures(events)
    assert found[60].values[2].measures.counts.events > 0
    assert failure == "INVALID_ARGUMENT: minutes must be from 1 to 60."
    assert [len(first.values), len(rest.values)] == [2, 1]
    assert [*first.values, *rest.values] == list(found[60].values)
    assert (rest.next_token, found[60].next_token) == ("", "")
    assert too_many == "INVALID_ARGUMENT: maxResults must be from 1 to 1000."


def test_the_state_says_how_far_the_projection_is(shop: Asked, seen: list[Seen]) -> None:
    state = shop.ask("GetProjectionState", pb.GetProjectionStateRequest())

    assert state.events == len(seen)
    assert state.version == VERSION
    assert state.bytes > 100_000
    assert state.updated_ms == round(shop.now_s * 1000)
    assert state.freshness.projected_sequence == seen[-1].sequence
