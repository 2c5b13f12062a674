"""App monitors: made, shown, listed, changed, removed, and found by the puts."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict

from rum.v1 import control_plane_service_pb2 as pb
from rum_service.errors import (
    ConflictException,
    ResourceNotFoundException,
    ValidationException,
)
from tests.service.conftest import UseCases
from tests.support.batches import message, new_id


async def shown(use_cases: UseCases, name: str = "shop") -> dict[str, Any]:
    """The app monitor as the documented JSON."""
    return MessageToDict(
        await use_cases.service.app_monitors.get(pb.GetAppMonitorRequest(name=name))
    )


async def update(use_cases: UseCases, **members: Any) -> None:
    request = ParseDict({"Name": "shop", **members}, pb.UpdateAppMonitorRequest())
    await use_cases.service.app_monitors.update(request)


async def listed(use_cases: UseCases, **members: Any) -> tuple[list[str], str]:
    page = await use_cases.service.app_monitors.list(pb.ListAppMonitorsRequest(**members))
    return [summary.name for summary in page.app_monitor_summaries], page.next_token


async def test_a_new_app_monitor_has_the_documented_defaults(use_cases: UseCases) -> None:
    request = pb.CreateAppMonitorRequest(name="shop", domain="example.com")
    monitor_id = await use_cases.service.app_monitors.create(request)

    assert await shown(use_cases) == {
        "Name": "shop",
        "Domain": "example.com",
        "Id": monitor_id,
        "Created": "2026-11-01T00:00:00.000000Z",
        "LastModified": "2026-11-01T00:00:00.000000Z",
        "State": "CREATED",
        "AppMonitorConfiguration": {"SessionSampleRate": 0.1},
        "DataStorage": {"CwLog": {"CwLogEnabled": False}},
        "CustomEvents": {"Status": "DISABLED"},
        "Platform": "Web",
        "DroppedEvents": "0",
    }


async def test_an_app_monitor_keeps_all_that_it_was_made_with(use_cases: UseCases) -> None:
    members = {
        "Name": "shop",
        "DomainList": ["example.com", "*.example.org"],
        "Tags": {"team": "web", "empty": ""},
        "AppMonitorConfiguration": {
            "IdentityPoolId": "eu-west-1:0a",
            "ExcludedPages": ["https://example.com/a"],
            "SessionSampleRate": 0.0,
            "AllowCookies": True,
            "Telemetries": ["errors", "http"],
            "EnableXRay": False,
        },
        "CwLogEnabled": True,
        "CustomEvents": {"Status": "ENABLED"},
        "DeobfuscationConfiguration": {"JavaScriptSourceMaps": {"Status": "DISABLED"}},
        "Platform": "Android",
    }
    monitor_id = await use_cases.service.app_monitors.create(
        ParseDict(members, pb.CreateAppMonitorRequest())
    )

    found = await shown(use_cases)
    log_copy = {"CwLogEnabled": True, "CwLogGroup": f"RUMService_shop{monitor_id[:8]}"}
    assert found["DataStorage"] == {"CwLog": log_copy}
    assert {name: found.get(name) for name in members if name != "CwLogEnabled"} == {
        name: value for name, value in members.items() if name != "CwLogEnabled"
    }


async def test_a_given_id_is_kept_in_lower_case(use_cases: UseCases) -> None:
    monitor_id = new_id()

    assert await use_cases.create(id=monitor_id.upper()) == monitor_id
    assert (await shown(use_cases))["Id"] == monitor_id


async def test_a_taken_name_or_id_is_a_conflict_and_names_the_app_monitor(
    use_cases: UseCases,
) -> None:
    monitor_id = await use_cases.create()
    for name, members in (("shop", {}), ("other", {"id": monitor_id.upper()})):
        with pytest.raises(ConflictException) as refused:
            await use_cases.create(name, **members)

        assert (refused.value.resource_name, refused.value.resource_type) == (name, "AppMonitor")
    assert await listed(use_cases) == (["shop"], "")


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({}, "Domain or DomainList is required."),
        ({"Platform": "Web"}, "Domain or DomainList is required."),
        ({"Domain": "a.example", "DomainList": ["b.example"]}, "exclude each other."),
        ({"Platform": "iOS", "Domain": "a.example", "DomainList": ["b.example"]}, "exclude"),
    ],
)
async def test_a_web_application_has_one_way_to_say_its_domain(
    use_cases: UseCases, members: dict[str, Any], text: str
) -> None:
    request = ParseDict({"Name": "shop", **members}, pb.CreateAppMonitorRequest())

    with pytest.raises(ValidationException, match=text):
        await use_cases.service.app_monitors.create(request)


async def test_a_mobile_application_needs_no_domain(use_cases: UseCases) -> None:
    request = pb.CreateAppMonitorRequest(name="shop", platform="iOS")
    await use_cases.service.app_monitors.create(request)

    assert "Domain" not in await shown(use_cases)


async def test_an_app_monitor_is_active_from_its_first_event(use_cases: UseCases) -> None:
    await use_cases.put(message(await use_cases.create()))

    assert (await shown(use_cases))["State"] == "ACTIVE"
    page = await use_cases.service.app_monitors.list(pb.ListAppMonitorsRequest())
    assert [summary.state for summary in page.app_monitor_summaries] == ["ACTIVE"]


async def test_an_update_replaces_the_members_it_has_and_no_others(use_cases: UseCases) -> None:
    await use_cases.create(tags={"team": "web"})
    before = await shown(use_cases)
    use_cases.clock.now += timedelta(hours=1)
    await update(use_cases, CustomEvents={"Status": "DISABLED"})

    assert await shown(use_cases) == {
        **before,
        "CustomEvents": {"Status": "DISABLED"},
        "LastModified": "2026-11-01T01:00:00.000000Z",
    }


async def test_an_update_replaces_a_structure_as_a_whole(use_cases: UseCases) -> None:
    await use_cases.create()
    await update(use_cases, AppMonitorConfiguration={"AllowCookies": True})

    found = await shown(use_cases)
    assert found["AppMonitorConfiguration"] == {"AllowCookies": True}


async def test_an_update_of_one_kind_of_domain_replaces_the_other(use_cases: UseCases) -> None:
    await use_cases.create()
    await update(use_cases, DomainList=["a.example", "b.example"])
    found = await shown(use_cases)
    assert (found.get("Domain"), found["DomainList"]) == (None, ["a.example", "b.example"])

    await update(use_cases, Domain="c.example")
    found = await shown(use_cases)
    assert (found["Domain"], found.get("DomainList")) == ("c.example", None)


async def test_updates_at_the_same_moment_are_all_made(use_cases: UseCases) -> None:
    await use_cases.create()
    changes: list[dict[str, Any]] = [
        {"CwLogEnabled": True},
        {"CustomEvents": {"Status": "DISABLED"}},
        {"Domain": "b.example"},
        {"AppMonitorConfiguration": {"SessionSampleRate": 1.0}},
    ]
    await asyncio.gather(*(update(use_cases, **change) for change in changes))

    found = await shown(use_cases)
    assert found["DataStorage"]["CwLog"]["CwLogEnabled"] is True
    assert [found[name] for change in changes[1:] for name in change] == [
        value for change in changes[1:] for value in change.values()
    ]


async def test_what_does_not_exist_is_not_found_by_any_operation(use_cases: UseCases) -> None:
    monitors = use_cases.service.app_monitors
    calls = [
        monitors.get(pb.GetAppMonitorRequest(name="Shop")),
        monitors.update(pb.UpdateAppMonitorRequest(name="Shop")),
        monitors.delete(pb.DeleteAppMonitorRequest(name="Shop")),
    ]
    await use_cases.create("shop")
    for call in calls:
        with pytest.raises(ResourceNotFoundException) as refused:
            await call
        assert refused.value.resource_name == "Shop"
    with pytest.raises(ResourceNotFoundException) as refused:
        await use_cases.service.monitors.by_id(new_id())
    assert refused.value.resource_type == "AppMonitor"


async def test_a_deletion_removes_the_events_and_puts_are_refused_at_once(
    use_cases: UseCases,
) -> None:
    monitor_id = await use_cases.create()
    await use_cases.put(*(message(monitor_id) for _ in range(3)))
    await use_cases.service.app_monitors.delete(pb.DeleteAppMonitorRequest(name="shop"))

    with pytest.raises(ResourceNotFoundException):
        await use_cases.put(message(monitor_id))
    assert use_cases.store.log.deleted_app_monitors() == []
    await use_cases.create(id=monitor_id)
    assert (await use_cases.page()).events == []


async def test_pages_of_the_list_are_sorted_and_hold_each_once(use_cases: UseCases) -> None:
    names = [f"{letter}{n}" for letter in "bBaA" for n in range(3)]
    for name in names:
        await use_cases.create(name)
    found, token = await listed(use_cases, max_results=5)
    while token:
        assert len(found) % 5 == 0
        more, token = await listed(use_cases, max_results=5, next_token=token)
        found += more

    assert found == sorted(names)


@pytest.mark.parametrize("part", ["\ud800", "a\0b", 7, True, None, ["a"]])
async def test_a_token_of_no_page_is_refused_by_name(use_cases: UseCases, part: object) -> None:
    """A database fails of half a character, and PostgreSQL of a NUL."""
    token = urlsafe_b64encode(json.dumps([part]).encode()).decode()

    with pytest.raises(
        ValidationException, match=r"^nextToken must be the token of a previous page"
    ):
        await listed(use_cases, next_token=token)
