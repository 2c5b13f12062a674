"""App monitors are created, read, list_names, updated, deleted, and looked up by puts."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict

from rum.v1 import control_plane_service_pb2 as pb
from rum.v1.app_monitor_pb2 import AppMonitorConfiguration
from rum_service.errors import (
    ConflictException,
    MalformedPolicyDocumentException,
    ResourceNotFoundException,
    ValidationException,
)
from tests.service.conftest import UseCases
from tests.support.batches import message, new_id

_PAGE = "https://shop.example/"
_LOG_GROUP = "/aws/vendedlogs/RUMService"


async def get(use_cases: UseCases, name: str = "shop") -> dict[str, Any]:
    """Return the app monitor as the documented JSON."""
    return MessageToDict(
        await use_cases.service.app_monitors.get(pb.GetAppMonitorRequest(name=name))
    )


async def update(use_cases: UseCases, **members: Any) -> None:
    request = ParseDict({"Name": "shop", **members}, pb.UpdateAppMonitorRequest())
    await use_cases.service.app_monitors.update(request)


async def list_names(use_cases: UseCases, **members: Any) -> tuple[list[str], str]:
    page = await use_cases.service.app_monitors.list(pb.ListAppMonitorsRequest(**members))
    return [summary.name for summary in page.app_monitor_summaries], page.next_token


async def test_a_new_app_monitor_has_the_documented_defaults(use_cases: UseCases) -> None:
    request = pb.CreateAppMonitorRequest(name="shop", domain="example.com")
    monitor_id = await use_cases.service.app_monitors.create(request)

    assert await get(use_cases) == {
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


async def test_an_app_monitor_has_all_members_it_was_created_with(use_cases: UseCases) -> None:
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

    found = await get(use_cases)
    log_copy = {"CwLogEnabled": True, "CwLogGroup": f"{_LOG_GROUP}_shop{monitor_id[:8]}"}
    assert found["DataStorage"] == {"CwLog": log_copy}
    assert {name: found.get(name) for name in members if name != "CwLogEnabled"} == {
        name: value for name, value in members.items() if name != "CwLogEnabled"
    }


async def test_a_given_id_is_stored_in_lower_case(use_cases: UseCases) -> None:
    monitor_id = new_id()

    assert await use_cases.create(id=monitor_id.upper()) == monitor_id
    assert (await get(use_cases))["Id"] == monitor_id


async def test_a_used_name_or_id_is_a_conflict_that_names_the_app_monitor(
    use_cases: UseCases,
) -> None:
    monitor_id = await use_cases.create()
    for name, members in (("shop", {}), ("other", {"id": monitor_id.upper()})):
        with pytest.raises(ConflictException) as rejected:
            await use_cases.create(name, **members)

        assert (rejected.value.resource_name, rejected.value.resource_type) == (name, "AppMonitor")
    assert await list_names(use_cases) == (["shop"], "")


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({}, "Domain or DomainList is required."),
        ({"Platform": "Web"}, "Domain or DomainList is required."),
        ({"Domain": "a.example", "DomainList": ["b.example"]}, "exclude each other."),
        ({"Platform": "iOS", "Domain": "a.example", "DomainList": ["b.example"]}, "exclude"),
    ],
)
async def test_a_web_application_must_have_either_a_domain_or_a_domain_list(
    use_cases: UseCases, members: dict[str, Any], text: str
) -> None:
    request = ParseDict({"Name": "shop", **members}, pb.CreateAppMonitorRequest())

    with pytest.raises(ValidationException, match=text):
        await use_cases.service.app_monitors.create(request)


async def test_a_mobile_application_needs_no_domain(use_cases: UseCases) -> None:
    request = pb.CreateAppMonitorRequest(name="shop", platform="iOS")
    await use_cases.service.app_monitors.create(request)

    assert "Domain" not in await get(use_cases)


async def test_an_app_monitor_is_active_after_its_first_event(use_cases: UseCases) -> None:
    await use_cases.put(message(await use_cases.create()))

    assert (await get(use_cases))["State"] == "ACTIVE"
    page = await use_cases.service.app_monitors.list(pb.ListAppMonitorsRequest())
    assert [summary.state for summary in page.app_monitor_summaries] == ["ACTIVE"]


async def test_an_update_replaces_only_the_given_members(use_cases: UseCases) -> None:
    await use_cases.create(tags={"team": "web"})
    before = await get(use_cases)
    use_cases.clock.now += timedelta(hours=1)
    await update(use_cases, CustomEvents={"Status": "DISABLED"})

    assert await get(use_cases) == {
        **before,
        "CustomEvents": {"Status": "DISABLED"},
        "LastModified": "2026-11-01T01:00:00.000000Z",
    }


async def test_an_update_keeps_the_members_of_the_configuration_that_it_does_not_have(
    use_cases: UseCases,
) -> None:
    """The AWS CLI's example sets two members. AWS's MCP server sends one at a time."""
    await use_cases.create()
    configuration = {
        "IdentityPoolId": "eu-west-1:0a",
        "SessionSampleRate": 0.0,
        "Telemetries": ["errors"],
        "FavoritePages": ["/"],
    }
    await update(use_cases, AppMonitorConfiguration=configuration)
    change = {"AllowCookies": True, "Telemetries": ["http", "performance"]}
    await update(use_cases, AppMonitorConfiguration=change)

    assert (await get(use_cases))["AppMonitorConfiguration"] == configuration | change


async def test_an_update_can_empty_lists_of_the_configuration(use_cases: UseCases) -> None:
    await use_cases.create()
    lists = {"ExcludedPages": [_PAGE], "FavoritePages": [_PAGE], "Telemetries": ["http"]}
    await update(use_cases, AppMonitorConfiguration=lists)
    await update(
        use_cases,
        EmptiedLists=["ExcludedPages", "FavoritePages", "Telemetries"],
        AppMonitorConfiguration={"Telemetries": ["errors"]},
    )

    found = await get(use_cases)
    expected = {"SessionSampleRate": 0.1, "Telemetries": ["errors"]}
    assert found["AppMonitorConfiguration"] == expected
    with pytest.raises(ValidationException, match=r"^EmptiedLists\[0\] must be one of"):
        await update(use_cases, EmptiedLists=["SessionSampleRate"])


@pytest.mark.parametrize(
    ("first", "second"),
    [("IncludedPages", "ExcludedPages"), ("ExcludedPages", "IncludedPages")],
)
async def test_included_pages_remove_excluded_pages_and_vice_versa(
    use_cases: UseCases, first: str, second: str
) -> None:
    await use_cases.create()
    await update(use_cases, AppMonitorConfiguration={first: [_PAGE]})
    await update(use_cases, AppMonitorConfiguration={second: [_PAGE]})

    found = await get(use_cases)
    assert found["AppMonitorConfiguration"] == {second: [_PAGE], "SessionSampleRate": 0.1}


async def test_a_configuration_without_a_sample_rate_has_the_documented_default(
    use_cases: UseCases,
) -> None:
    await use_cases.create(app_monitor_configuration=AppMonitorConfiguration(allow_cookies=True))

    found = await get(use_cases)
    assert found["AppMonitorConfiguration"] == {"AllowCookies": True, "SessionSampleRate": 0.1}


@pytest.mark.parametrize(
    ("members", "text"),
    [
        (
            {"AppMonitorConfiguration": {"IncludedPages": [_PAGE], "ExcludedPages": [_PAGE]}},
            "IncludedPages and ExcludedPages exclude each other",
        ),
        (
            {"DeobfuscationConfiguration": {"JavaScriptSourceMaps": {"Status": "ENABLED"}}},
            "S3Uri is required",
        ),
    ],
)
async def test_members_that_do_not_fit_together_are_rejected(
    use_cases: UseCases, members: dict[str, Any], text: str
) -> None:
    await use_cases.create()
    before = await get(use_cases)
    request = ParseDict(
        {"Name": "other", "Domain": "localhost", **members}, pb.CreateAppMonitorRequest()
    )

    with pytest.raises(ValidationException, match=text):
        await use_cases.service.app_monitors.create(request)
    with pytest.raises(ValidationException, match=text):
        await update(use_cases, **members)
    assert await get(use_cases) == before
    assert await list_names(use_cases) == (["shop"], "")


async def test_updating_the_domain_list_removes_the_domain_and_vice_versa(
    use_cases: UseCases,
) -> None:
    await use_cases.create()
    await update(use_cases, DomainList=["a.example", "b.example"])
    found = await get(use_cases)
    assert (found.get("Domain"), found["DomainList"]) == (None, ["a.example", "b.example"])

    await update(use_cases, Domain="c.example")
    found = await get(use_cases)
    assert (found["Domain"], found.get("DomainList")) == ("c.example", None)


async def test_concurrent_updates_of_different_members_all_take_effect(use_cases: UseCases) -> None:
    await use_cases.create()
    changes: list[dict[str, Any]] = [
        {"CwLogEnabled": True},
        {"CustomEvents": {"Status": "DISABLED"}},
        {"Domain": "b.example"},
        {"AppMonitorConfiguration": {"SessionSampleRate": 1.0}},
    ]
    await asyncio.gather(*(update(use_cases, **change) for change in changes))

    found = await get(use_cases)
    assert found["DataStorage"]["CwLog"]["CwLogEnabled"] is True
    assert [found[name] for change in changes[1:] for name in change] == [
        value for change in changes[1:] for value in change.values()
    ]


async def test_every_operation_raises_resource_not_found_for_an_unknown_app_monitor(
    use_cases: UseCases,
) -> None:
    monitors = use_cases.service.app_monitors
    calls = [
        monitors.get(pb.GetAppMonitorRequest(name="Shop")),
        monitors.update(pb.UpdateAppMonitorRequest(name="Shop")),
        monitors.delete(pb.DeleteAppMonitorRequest(name="Shop")),
    ]
    await use_cases.create("shop")
    for call in calls:
        with pytest.raises(ResourceNotFoundException) as rejected:
            await call
        assert rejected.value.resource_name == "Shop"
    with pytest.raises(ResourceNotFoundException) as rejected:
        await use_cases.service.monitors.by_id(new_id())
    assert rejected.value.resource_type == "AppMonitor"


async def test_a_new_app_monitor_is_found_at_once_although_its_id_was_unknown(
    use_cases: UseCases,
) -> None:
    monitor_id = new_id()
    with pytest.raises(ResourceNotFoundException):
        await use_cases.put(message(monitor_id))
    await use_cases.create(id=monitor_id)

    await use_cases.put(message(monitor_id))


async def test_an_app_monitor_that_cannot_be_compiled_fails_alone(use_cases: UseCases) -> None:
    good, bad = await use_cases.create("good"), await use_cases.create("bad")
    (record,) = use_cases.store.monitors.by_ids([bad])
    assert use_cases.store.policies.replace(
        record.key, expected=None, policy="not a policy", revision="r"
    )
    await use_cases.service.monitors.load([good, bad, new_id()])

    assert use_cases.service.monitors.cached(good)
    with pytest.raises(MalformedPolicyDocumentException):
        await use_cases.service.monitors.by_id(bad)


async def test_deleting_an_app_monitor_deletes_its_events_and_rejects_puts_at_once(
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


async def test_pages_list_each_app_monitor_once_sorted_by_name(use_cases: UseCases) -> None:
    names = [f"{letter}{n}" for letter in "bBaA" for n in range(3)]
    for name in names:
        await use_cases.create(name)
    found, token = await list_names(use_cases, max_results=5)
    while token:
        assert len(found) % 5 == 0
        more, token = await list_names(use_cases, max_results=5, next_token=token)
        found += more

    assert found == sorted(names)


@pytest.mark.parametrize("part", ["\ud800", "a\0b", 7, True, None, ["a"]])
async def test_an_invalid_next_token_is_rejected_with_the_member(
    use_cases: UseCases, part: object
) -> None:
    """No database stores a lone surrogate, and PostgreSQL stores no NUL."""
    token = urlsafe_b64encode(json.dumps([part]).encode()).decode()

    with pytest.raises(
        ValidationException, match=r"^nextToken must be the token of a previous page"
    ):
        await list_names(use_cases, next_token=token)
