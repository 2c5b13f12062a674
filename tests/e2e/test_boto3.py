"""boto3 with its usual settings, against a running server."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from tests.support.batches import batch, event, new_id
from tests.support.running import OpenRum, environment

if TYPE_CHECKING:
    from mypy_boto3_rum import CloudWatchRUMClient

_MOMENT = datetime(2026, 1, 31, 12, 0, 5, 678_000, tzinfo=UTC)
_MOMENT_MS = 1_769_860_805_678
_UNKNOWN_ID = "00000000-0000-0000-0000-000000000000"


def _client(server: OpenRum, **config: Any) -> CloudWatchRUMClient:
    settings = {"inject_host_prefix": False, "retries": {"total_max_attempts": 1}, **config}
    return boto3.client(
        "rum",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(**settings),
    )


@pytest.fixture(scope="module")
def rum(openrum: OpenRum) -> CloudWatchRUMClient:
    return _client(openrum)


@pytest.fixture
def monitor(rum: CloudWatchRUMClient) -> tuple[str, str]:
    """The name and the ID of an empty app monitor."""
    name = f"app-{new_id()}"
    return name, rum.create_app_monitor(Name=name, Domain="localhost")["Id"]


def _read(rum: CloudWatchRUMClient, name: str, **members: Any) -> list[dict[str, Any]]:
    request = {"Name": name, "TimeRange": {"After": 0}, **members}
    pages = rum.get_paginator("get_app_monitor_data").paginate(**request)
    return [json.loads(document) for page in pages for document in page["Events"]]


@pytest.mark.parametrize(
    "timestamp",
    [
        _MOMENT,
        _MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30))),
        _MOMENT.astimezone().replace(tzinfo=None),
        _MOMENT_MS / 1000,
        "2026-01-31T12:00:05.678Z",
        "2026-01-31T13:00:05.678+01:00",
        str(_MOMENT_MS / 1000),
    ],
    ids=repr,
)
def test_a_timestamp_in_any_form_is_stored_as_the_same_time(
    rum: CloudWatchRUMClient, monitor: tuple[str, str], timestamp: Any
) -> None:
    name, monitor_id = monitor
    rum.put_rum_events(Id=monitor_id, **batch([event(timestamp=timestamp)]))

    assert [found["event_timestamp"] for found in _read(rum, name)] == [_MOMENT_MS]


def test_a_timestamp_in_whole_seconds_is_stored(
    rum: CloudWatchRUMClient, monitor: tuple[str, str]
) -> None:
    name, monitor_id = monitor
    rum.put_rum_events(Id=monitor_id, **batch([event(timestamp=1_769_860_805)]))

    assert [found["event_timestamp"] for found in _read(rum, name)] == [1_769_860_805_000]


@pytest.mark.parametrize("events", [0, 1, 100, 2000])
def test_any_number_of_events_is_read_back_once(
    rum: CloudWatchRUMClient, monitor: tuple[str, str], events: int
) -> None:
    name, monitor_id = monitor
    document = batch(events, Alias="shop-frontend")
    for _ in range(2):
        response = rum.put_rum_events(Id=monitor_id, **document)
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert response["ResponseMetadata"]["RequestId"]

    assert [found["event_id"] for found in reversed(_read(rum, name))] == [
        item["id"] for item in document["RumEvents"]
    ]


def test_details_that_are_not_a_json_object_are_read_back_as_sent(
    rum: CloudWatchRUMClient, monitor: tuple[str, str]
) -> None:
    name, monitor_id = monitor
    details = ["not json", "", "[1, 2]", "NaN", "日本語 😀\u2028", '{"a": 1.50}']
    rum.put_rum_events(
        Id=monitor_id, **batch([event(details=text, metadata=None) for text in details])
    )
    found = [document["event_details"] for document in reversed(_read(rum, name))]

    assert found == [*details[:-1], {"a": 1.5}]


def test_an_unsigned_request_without_optional_members_is_stored(
    openrum: OpenRum, rum: CloudWatchRUMClient, monitor: tuple[str, str]
) -> None:
    name, monitor_id = monitor
    unsigned = _client(openrum, signature_version=UNSIGNED)
    unsigned.put_rum_events(Id=monitor_id, **batch(AppMonitorDetails={}, UserDetails={}))
    (found,) = _read(rum, name)

    assert found["user_details"] == {"sessionId": "", "userId": ""}
    assert found["application_name"] == name


def test_an_environment_variable_disables_the_host_prefix(
    openrum: OpenRum, rum: CloudWatchRUMClient, monitor: tuple[str, str]
) -> None:
    name, monitor_id = monitor
    script = """
import boto3, json, sys
boto3.client("rum").put_rum_events(**json.load(sys.stdin))
"""
    aws = {
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_ENDPOINT_URL_RUM": openrum.url,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
    }
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env=environment() | aws,
        input=json.dumps({"Id": monitor_id, **batch()}),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert len(_read(rum, name)) == 1


def test_each_error_is_raised_as_its_exception_class(
    rum: CloudWatchRUMClient, monitor: tuple[str, str]
) -> None:
    name, monitor_id = monitor
    exceptions = rum.exceptions
    with pytest.raises(exceptions.ResourceNotFoundException) as not_found:
        rum.put_rum_events(Id=_UNKNOWN_ID, **batch())
    with pytest.raises(exceptions.ValidationException) as invalid:
        rum.put_rum_events(Id=monitor_id, **batch(BatchId="z" * 36))
    with pytest.raises(exceptions.ConflictException) as conflict:
        rum.create_app_monitor(Name=name, Domain="localhost")
    with pytest.raises(exceptions.ResourceNotFoundException) as no_name:
        rum.get_app_monitor(Name="unknown")

    assert not_found.value.response["resourceName"] == _UNKNOWN_ID
    assert not_found.value.response["resourceType"] == "AppMonitor"
    assert invalid.value.response["Error"]["Message"].startswith("BatchId must match ")
    assert conflict.value.response["resourceName"] == name
    assert no_name.value.response["resourceName"] == "unknown"
    for failure, status in ((not_found, 404), (invalid, 400), (conflict, 409), (no_name, 404)):
        metadata = failure.value.response["ResponseMetadata"]
        assert metadata["HTTPStatusCode"] == status
        assert metadata["RequestId"]
        assert failure.value.response["message"] == failure.value.response["Error"]["Message"]


def test_a_different_batch_with_a_used_id_is_rejected_and_the_first_is_kept(
    rum: CloudWatchRUMClient, monitor: tuple[str, str]
) -> None:
    name, monitor_id = monitor
    first = batch()
    rum.put_rum_events(Id=monitor_id, **first)
    with pytest.raises(rum.exceptions.ValidationException):
        rum.put_rum_events(Id=monitor_id, **batch(BatchId=first["BatchId"]))

    assert [found["event_id"] for found in _read(rum, name)] == [first["RumEvents"][0]["id"]]


def test_events_are_filtered_and_paged(rum: CloudWatchRUMClient, monitor: tuple[str, str]) -> None:
    name, monitor_id = monitor
    browsers = [json.dumps({"browserName": f"B{number % 3}"}) for number in range(25)]
    rum.put_rum_events(Id=monitor_id, **batch([event(metadata=text) for text in browsers]))

    assert len(_read(rum, name, MaxResults=4)) == 25
    wanted = [{"Name": "Browser", "Values": ["B1", "B2"]}]
    assert len(_read(rum, name, MaxResults=4, Filters=wanted)) == 16


def test_an_app_monitor_is_created_updated_listed_and_deleted(rum: CloudWatchRUMClient) -> None:
    names = [f"life-{number}" for number in range(3)]
    for name in names:
        rum.create_app_monitor(Name=name, Domain="a.example", Tags={"team": "web"})
    pages = rum.get_paginator("list_app_monitors").paginate(PaginationConfig={"PageSize": 2})
    listed = [item["Name"] for page in pages for item in page["AppMonitorSummaries"]]
    rum.update_app_monitor(Name=names[0], DomainList=["b.example"], CwLogEnabled=True)
    changed = rum.get_app_monitor(Name=names[0])["AppMonitor"]
    rum.put_rum_events(Id=changed["Id"], **batch())
    active = rum.get_app_monitor(Name=names[0])["AppMonitor"]
    rum.delete_app_monitor(Name=names[0])

    assert [name for name in listed if name in names] == names
    assert listed == sorted(listed)
    assert "Domain" not in changed
    assert (changed["DomainList"], changed["State"]) == (["b.example"], "CREATED")
    assert changed["DataStorage"]["CwLog"]["CwLogEnabled"]
    assert changed["Tags"] == {"team": "web"}
    assert active["State"] == "ACTIVE"
    with pytest.raises(rum.exceptions.ResourceNotFoundException):
        rum.get_app_monitor(Name=names[0])
    with pytest.raises(rum.exceptions.ResourceNotFoundException):
        rum.put_rum_events(Id=changed["Id"], **batch())


@pytest.fixture
def small_queue(tmp_path: Path) -> Iterator[OpenRum]:
    """A server with little memory for batches that wait to be stored."""
    with OpenRum(tmp_path, OPENRUM_MAX_WAITING_BYTES=str(1 << 20)) as server:
        yield server


def test_puts_to_a_full_queue_are_throttled_and_the_others_are_stored(small_queue: OpenRum) -> None:
    rum, monitor_id = _client(small_queue), small_queue.monitor_id()
    noise = [json.dumps([new_id() for _ in range(8000)]) for _ in range(8)]
    documents = [batch([event(details=text)]) for text in noise]
    disk = sqlite3.connect(small_queue.database, isolation_level=None)
    disk.execute("BEGIN IMMEDIATE")  # like a hanging disk: no commit is possible
    with ThreadPoolExecutor(len(documents)) as pool:
        puts = [pool.submit(rum.put_rum_events, Id=monitor_id, **each) for each in documents]
        first = next(as_completed(puts, timeout=30))
        disk.execute("ROLLBACK")
        disk.close()
        failures = [put.exception() for put in puts]
    failure = first.exception()
    stored = {
        document["BatchId"]
        for document, failed in zip(documents, failures, strict=True)
        if failed is None
    }

    assert isinstance(failure, rum.exceptions.ThrottlingException)
    assert failure.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert failure.response["retryAfterSeconds"] == 1
    assert failure.response["serviceCode"] == "rum"
    assert stored
    assert stored == {found["batch_id"] for found in _read(rum, "my-app")}


def test_a_batch_longer_than_the_queue_is_stored_when_the_queue_is_empty(
    small_queue: OpenRum,
) -> None:
    rum = _client(small_queue)
    document = batch([event(details=json.dumps([new_id() for _ in range(40_000)]))])
    rum.put_rum_events(Id=small_queue.monitor_id(), **document)

    assert [found["batch_id"] for found in _read(rum, "my-app")] == [document["BatchId"]]
