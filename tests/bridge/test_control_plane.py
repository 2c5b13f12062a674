"""The control plane over REST, called by boto3 with nothing but an endpoint_url."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.bridge.conftest import Started, limit_file_size
from tests.bridge.wire import send
from tests.support.batches import batch, event, new_id
from tests.support.running import OpenRum


@pytest.fixture
def name(rum: Any) -> Iterator[str]:
    """The name of an app monitor that exists during the test."""
    name = f"shop-{new_id()}"
    rum.create_app_monitor(Name=name, Domain="localhost")
    yield name
    rum.delete_app_monitor(Name=name)


def _events(rum: Any, name: str, **parameters: Any) -> list[dict[str, Any]]:
    pages = rum.get_paginator("get_app_monitor_data").paginate(
        Name=name, TimeRange={"After": 0}, **parameters
    )
    return [json.loads(text) for page in pages for text in page["Events"]]


def test_get_returns_an_app_monitor_as_created(rum: Any) -> None:
    configuration = {
        "AllowCookies": True,
        "EnableXRay": False,
        "ExcludedPages": ["https://shop.example/admin"],
        "SessionSampleRate": 0.25,
        "Telemetries": ["errors", "http"],
    }
    created = rum.create_app_monitor(
        Name="full",
        DomainList=["shop.example", "*.shop.example"],
        Tags={"team": "web"},
        AppMonitorConfiguration=configuration,
        CwLogEnabled=True,
        CustomEvents={"Status": "ENABLED"},
    )
    shown = rum.get_app_monitor(Name="full")["AppMonitor"]
    rum.delete_app_monitor(Name="full")

    assert len(created["Id"]) == 36
    assert created["Id"] == shown["Id"]
    assert shown["DomainList"] == ["shop.example", "*.shop.example"]
    assert shown["Tags"] == {"team": "web"}
    # AWS returns empty lists here, too.
    empty: dict[str, Any] = {"FavoritePages": [], "IncludedPages": []}
    assert shown["AppMonitorConfiguration"] == configuration | empty
    assert shown["CustomEvents"] == {"Status": "ENABLED"}
    assert shown["DataStorage"]["CwLog"]["CwLogEnabled"] is True
    assert (shown["State"], shown["Platform"]) == ("CREATED", "Web")


@pytest.mark.parametrize("name", ["a#b", "#", "a.b", "x..", "a-_#.Z9", "data", "n" * 255])
def test_every_valid_name_works_in_a_path(rum: Any, name: str) -> None:
    rum.create_app_monitor(Name=name, Domain="localhost")
    rum.update_app_monitor(Name=name, Domain="shop.example")
    shown = rum.get_app_monitor(Name=name)["AppMonitor"]
    events = _events(rum, name)
    rum.delete_app_monitor(Name=name)

    assert (shown["Name"], shown["Domain"], events) == (name, "shop.example", [])
    with pytest.raises(rum.exceptions.ResourceNotFoundException):
        rum.get_app_monitor(Name=name)


def test_an_update_changes_only_the_given_members(rum: Any, name: str) -> None:
    before = rum.get_app_monitor(Name=name)["AppMonitor"]
    response = rum.update_app_monitor(Name=name, CustomEvents={"Status": "ENABLED"})
    after = rum.get_app_monitor(Name=name)["AppMonitor"]

    assert response["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert after["CustomEvents"] == {"Status": "ENABLED"}
    changed = {key for key in after if after[key] != before[key]}
    assert changed == {"CustomEvents", "LastModified"}


def test_an_update_with_an_empty_list_empties_it(rum: Any, name: str) -> None:
    pages = {"ExcludedPages": ["https://shop.example/admin"], "FavoritePages": ["/"]}
    rum.update_app_monitor(Name=name, AppMonitorConfiguration=pages)
    rum.update_app_monitor(Name=name, AppMonitorConfiguration={"ExcludedPages": []})
    shown = rum.get_app_monitor(Name=name)["AppMonitor"]["AppMonitorConfiguration"]

    lists: dict[str, Any] = {"ExcludedPages": [], "IncludedPages": [], "Telemetries": []}
    assert shown == {**lists, "FavoritePages": ["/"], "SessionSampleRate": 0.1}


def test_a_media_type_may_have_capital_letters(openrum: OpenRum, name: str) -> None:
    response = send(
        openrum.url,
        f"/appmonitor/{name}/data",
        {"TimeRange": {"After": 0}},
        headers={"Content-Type": "Application/JSON ; charset=UTF-8"},
    )

    assert (response.status, json.loads(response.body)) == (200, {"Events": []})


@pytest.mark.parametrize("page_size", [1, 2, 3, 100])
def test_the_paginator_lists_each_app_monitor_once(rum: Any, page_size: int) -> None:
    names = [f"list-{number}" for number in range(4)]
    for name in names:
        rum.create_app_monitor(Name=name, Domain="localhost")
    pages = rum.get_paginator("list_app_monitors").paginate(
        PaginationConfig={"PageSize": page_size}
    )
    listed = [monitor["Name"] for page in pages for monitor in page["AppMonitorSummaries"]]
    for name in names:
        rum.delete_app_monitor(Name=name)

    assert listed == sorted([*names, "my-app"])


@pytest.mark.parametrize("page_size", [1, 7, 100])
def test_the_paginator_reads_each_event_once(rum: Any, name: str, page_size: int) -> None:
    monitor_id = rum.get_app_monitor(Name=name)["AppMonitor"]["Id"]
    put = [event() for _ in range(16)]
    for start in range(0, 16, 5):
        rum.put_rum_events(Id=monitor_id, **batch(put[start : start + 5]))
    read = _events(rum, name, PaginationConfig={"PageSize": page_size})

    assert sorted(e["id"] for e in put) == sorted(e["event_id"] for e in read)
    assert rum.get_app_monitor(Name=name)["AppMonitor"]["State"] == "ACTIVE"


def test_events_are_filtered(rum: Any, name: str) -> None:
    monitor_id = rum.get_app_monitor(Name=name)["AppMonitor"]["Id"]
    events = [event(type="com.amazon.rum.a"), event(type="com.amazon.rum.b")]
    rum.put_rum_events(Id=monitor_id, **batch(events))

    read = _events(rum, name, Filters=[{"Name": "EventType", "Values": ["com.amazon.rum.b"]}])
    assert [e["event_type"] for e in read] == ["com.amazon.rum.b"]


def test_empty_lists_are_returned(rum: Any, name: str) -> None:
    """Callers write response["Events"]."""
    response = rum.get_app_monitor_data(Name=name, TimeRange={"After": 0})

    assert response["Events"] == []
    assert "NextToken" not in response


def test_a_name_in_use_is_a_conflict(rum: Any, name: str) -> None:
    with pytest.raises(rum.exceptions.ConflictException) as raised:
        rum.create_app_monitor(Name=name, Domain="localhost")

    assert raised.value.response["resourceName"] == name
    assert raised.value.response["resourceType"] == "AppMonitor"


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("get_app_monitor", {}),
        ("update_app_monitor", {"Domain": "localhost"}),
        ("delete_app_monitor", {}),
        ("get_app_monitor_data", {"TimeRange": {"After": 0}}),
    ],
)
def test_an_unknown_name_is_not_found(rum: Any, operation: str, parameters: Any) -> None:
    with pytest.raises(rum.exceptions.ResourceNotFoundException) as raised:
        getattr(rum, operation)(Name="unknown", **parameters)

    assert raised.value.response["resourceName"] == "unknown"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


_CREATE = "POST /appmonitor"
_READ = "POST /appmonitor/my-app/data"
_TAG = "POST /tags/arn:aws:rum:us-east-1:000000000000:appmonitor%2Fmy-app"
_UPDATE = "PATCH /appmonitor/my-app"


@pytest.mark.parametrize(
    ("call", "body", "member"),
    [
        (_CREATE, {"Domain": "localhost"}, "Name"),
        (_CREATE, {"Name": 5, "Domain": "localhost"}, "Name"),
        (_CREATE, {"Name": "a/b", "Domain": "localhost"}, "Name"),
        (_CREATE, {"Name": "a", "CwLogEnabled": 1, "Domain": "localhost"}, "CwLogEnabled"),
        (_CREATE, {"Name": "a", "DomainList": "x"}, "DomainList"),
        (_CREATE, {"Name": "a", "DomainList": [None]}, "DomainList[0]"),
        (_CREATE, {"Name": "a", "DomainList": [], "Domain": "localhost"}, "DomainList"),
        (_UPDATE, {"DomainList": []}, "DomainList"),
        (_CREATE, {"Name": "a", "Tags": []}, "Tags"),
        (_CREATE, {"Name": "a", "CustomEvents": "on"}, "CustomEvents"),
        (_CREATE, {"Name": "a", "CustomEvents": {"Status": 1}}, "CustomEvents.Status"),
        (_UPDATE, {"AppMonitorConfiguration": []}, "AppMonitorConfiguration"),
        (_UPDATE, {"AppMonitorConfiguration": ""}, "AppMonitorConfiguration"),
        *(
            (
                _UPDATE,
                {"AppMonitorConfiguration": {"SessionSampleRate": rate}},
                "AppMonitorConfiguration.SessionSampleRate",
            )
            for rate in ("x", "0.5", "NaN", True, [])
        ),
        (
            _UPDATE,
            {"AppMonitorConfiguration": {"Telemetries": [5]}},
            "AppMonitorConfiguration.Telemetries",
        ),
        (_READ, {}, "TimeRange"),
        (_READ, {"TimeRange": {}}, "TimeRange.After"),
        (_READ, {"TimeRange": {"After": 1.5}}, "TimeRange.After"),
        (_READ, {"TimeRange": {"After": 2**64}}, "TimeRange.After"),
        (_READ, {"TimeRange": {"After": True}}, "TimeRange.After"),
        (_READ, {"TimeRange": {"After": "1_0"}}, "TimeRange.After"),
        (_READ, {"TimeRange": {"After": "9" * 20}}, "TimeRange.After"),
        (_READ, {"TimeRange": {"After": 0}, "Filters": ["x"]}, "Filters"),
        (_READ, {"TimeRange": {"After": 0}, "Filters": [{"Name": "No"}]}, "Filters[0].Name"),
        (_READ, {"TimeRange": {"After": 0}, "MaxResults": 101}, "MaxResults"),
        (_READ, {"TimeRange": {"After": 0}, "MaxResults": "10"}, "MaxResults"),
        (_READ, {"TimeRange": {"After": 0}, "NextToken": "x"}, "NextToken"),
        (_TAG, {}, "Tags"),
        (_TAG, {"tags": {"a": "b"}}, "Tags"),
        ("POST /rummetrics/my-app/metrics", {"Destination": "CloudWatch"}, "MetricDefinitions"),
        ("POST /appmonitors?maxResults=x", None, "maxResults"),
        ("POST /appmonitors?maxResults=0", None, "maxResults"),
        ("POST /appmonitors?maxResults=", None, "maxResults"),
        ("POST /appmonitors?maxResults=1_0", None, "maxResults"),
        ("POST /appmonitors?maxResults=%D9%A1", None, "maxResults"),  # a digit, but not of JSON
        ("POST /appmonitors?nextToken=x", None, "nextToken"),
        ("GET /appmonitor/%2Ehidden", None, "Name"),
        ("GET /appmonitor/a%0Ab", None, "Name"),
        ("GET /appmonitor/a%2Fb", None, "Name"),
        ("GET /appmonitor/my-app%2fpolicy", None, "Name"),
    ],
    ids=str,
)
def test_an_invalid_member_is_rejected_by_name(
    openrum: OpenRum, call: str, body: Any, member: str
) -> None:
    method, path = call.split()
    response = send(openrum.url, path, body, method=method)

    assert (response.status, response.error_type) == (400, "ValidationException")
    assert response.message.split()[0] == member


@pytest.mark.parametrize(
    ("call", "body"),
    [
        (_READ, {"TimeRange": {"After": "0", "Before": 1.0}, "NextToken": ""}),
        (_TAG, {"Tags": {}}),
        ("POST /appmonitors?maxResults=5&nextToken=", None),
    ],
    ids=str,
)
def test_an_unusual_but_valid_call_succeeds(openrum: OpenRum, call: str, body: Any) -> None:
    method, path = call.split()

    assert send(openrum.url, path, body, method=method).status == 200


def test_a_failure_is_logged_with_the_request_id_of_the_response(
    started: Started, rum_of: Any
) -> None:
    """A file that cannot grow stands for a full disk."""
    server = started()
    rum = rum_of(server.url)
    limit_file_size(server.pid)
    with pytest.raises(ClientError) as raised:
        rum.create_app_monitor(Name="a", Domain="localhost")
    server.stop()

    assert type(raised.value) is rum.exceptions.InternalServerException
    request_id = raised.value.response["ResponseMetadata"]["RequestId"]
    logged = [line for line in server.output if request_id in line]
    assert [json.loads(line)["event"] for line in logged] == ["call failed"]
