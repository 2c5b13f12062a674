"""All 20 operations with boto3, against a running server."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from tests.support.batches import batch, event, new_id
from tests.support.running import OpenRum

if TYPE_CHECKING:
    from mypy_boto3_rum import CloudWatchRUMClient
    from mypy_boto3_rum.type_defs import MetricDefinitionRequestTypeDef

ACCOUNT = "000000000000"
EXPERIMENT = f"arn:aws:evidently:us-west-2:{ACCOUNT}:project/shop/experiment/x"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/x"


def client_of(server: OpenRum) -> CloudWatchRUMClient:
    config = Config(inject_host_prefix=False, retries={"max_attempts": 0})
    client: CloudWatchRUMClient = boto3.client(
        "rum",
        endpoint_url=server.url,
        region_name="us-west-2",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=config,
    )
    return client


@pytest.fixture(scope="module")
def rum(openrum: OpenRum) -> CloudWatchRUMClient:
    return client_of(openrum)


@pytest.fixture
def monitor(rum: CloudWatchRUMClient) -> Iterator[str]:
    """The name of a new app monitor, which is deleted after the test."""
    name = f"shop#{new_id()}"
    rum.create_app_monitor(Name=name, Domain="localhost")
    yield name
    if name in all_names(rum):
        rum.delete_app_monitor(Name=name)


def all_names(rum: CloudWatchRUMClient) -> set[str]:
    pages = rum.get_paginator("list_app_monitors").paginate()
    return {summary["Name"] for page in pages for summary in page["AppMonitorSummaries"]}


def arn(name: str, region: str = "us-west-2", account: str = ACCOUNT) -> str:
    return f"arn:aws:rum:{region}:{account}:appmonitor/{name}"


def policy(name: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "rum:PutRumEvents",
        "Resource": arn(name),
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def put(rum: CloudWatchRUMClient, name: str, *types: str) -> str:
    monitor_id = rum.get_app_monitor(Name=name)["AppMonitor"]["Id"]
    body: Any = batch([event(type=kind, timestamp=time.time()) for kind in types])
    rum.put_rum_events(Id=monitor_id, **body)
    return monitor_id


def clicks(number: int) -> MetricDefinitionRequestTypeDef:
    return {
        "Name": f"Clicks{number}",
        "Namespace": "Shop",
        "EventPattern": json.dumps({"event_type": [f"click{number}"]}),
    }


# App monitors


def test_an_app_monitor_is_created_updated_read_and_deleted(rum: CloudWatchRUMClient) -> None:
    name = f"life-{new_id()}"
    created = rum.create_app_monitor(Name=name, Domain="localhost", Tags={"team": "web"})
    rum.update_app_monitor(Name=name, CustomEvents={"Status": "ENABLED"})
    read = rum.get_app_monitor(Name=name)["AppMonitor"]
    put(rum, name, "my.event")
    data = rum.get_app_monitor_data(Name=name, TimeRange={"After": 0})
    rum.delete_app_monitor(Name=name)

    assert (created["Id"], "ENABLED") == (read["Id"], read["CustomEvents"]["Status"])
    assert [json.loads(text)["event_type"] for text in data["Events"]] == ["my.event"]
    assert name not in all_names(rum)


def test_custom_events_are_dropped_unless_they_are_enabled(
    rum: CloudWatchRUMClient, monitor: str
) -> None:
    put(rum, monitor, "my.event", "com.amazon.rum.page_view_event", "other")
    read = rum.get_app_monitor_data(Name=monitor, TimeRange={"After": 0})

    types = [json.loads(text)["event_type"] for text in read["Events"]]
    assert types == ["com.amazon.rum.page_view_event"]


# Tags


def test_tags_are_added_replaced_removed_and_listed(rum: CloudWatchRUMClient, monitor: str) -> None:
    rum.tag_resource(ResourceArn=arn(monitor), Tags={"a": "1", "b": "2", "c/d:e": ""})
    rum.tag_resource(ResourceArn=arn(monitor, region="eu-west-1"), Tags={"a": "3"})
    rum.untag_resource(ResourceArn=arn(monitor), TagKeys=["b", "never-there"])
    listed = rum.list_tags_for_resource(ResourceArn=arn(monitor))

    expected = {"a": "3", "c/d:e": ""}
    assert (arn(monitor), expected) == (listed["ResourceArn"], listed["Tags"])
    assert expected == rum.get_app_monitor(Name=monitor)["AppMonitor"]["Tags"]


def test_an_app_monitor_without_tags_has_an_empty_list(
    rum: CloudWatchRUMClient, monitor: str
) -> None:
    assert rum.list_tags_for_resource(ResourceArn=arn(monitor))["Tags"] == {}


def test_an_app_monitor_can_have_at_most_50_tags(rum: CloudWatchRUMClient, monitor: str) -> None:
    rum.tag_resource(ResourceArn=arn(monitor), Tags={f"k{n}": "" for n in range(50)})

    with pytest.raises(rum.exceptions.ValidationException, match="50 tags"):
        rum.tag_resource(ResourceArn=arn(monitor), Tags={"one-more": "", "k1": "changed"})
    tags = rum.list_tags_for_resource(ResourceArn=arn(monitor))["Tags"]
    assert {f"k{n}": "" for n in range(50)} == tags
    rum.untag_resource(ResourceArn=arn(monitor), TagKeys=list(tags))
    assert rum.list_tags_for_resource(ResourceArn=arn(monitor))["Tags"] == {}


@pytest.mark.parametrize(
    "make",
    [
        lambda name: arn("no-such"),
        lambda name: arn(name, account="111111111111"),
        lambda name: f"arn:aws:s3:::{name}",
        lambda name: arn(name).replace("appmonitor/", "appmonitor:"),
    ],
    ids=["name", "account", "service", "form"],
)
def test_tag_operations_on_an_unknown_arn_raise_resource_not_found(
    rum: CloudWatchRUMClient, monitor: str, make: Callable[[str], str]
) -> None:
    for call in (
        lambda: rum.tag_resource(ResourceArn=make(monitor), Tags={"a": "b"}),
        lambda: rum.untag_resource(ResourceArn=make(monitor), TagKeys=["a"]),
        lambda: rum.list_tags_for_resource(ResourceArn=make(monitor)),
    ):
        with pytest.raises(rum.exceptions.ResourceNotFoundException):
            call()


# Resource policies


def test_a_policy_is_put_read_and_deleted(rum: CloudWatchRUMClient, monitor: str) -> None:
    first = rum.put_resource_policy(Name=monitor, PolicyDocument=policy(monitor))
    read = rum.get_resource_policy(Name=monitor)
    second = rum.put_resource_policy(
        Name=monitor,
        PolicyDocument=policy(monitor) + " ",
        PolicyRevisionId=first["PolicyRevisionId"],
    )
    third = rum.put_resource_policy(Name=monitor, PolicyDocument=policy(monitor))
    deleted = rum.delete_resource_policy(Name=monitor, PolicyRevisionId=third["PolicyRevisionId"])

    assert policy(monitor) == first["PolicyDocument"] == read["PolicyDocument"]
    assert first["PolicyRevisionId"] == read["PolicyRevisionId"]
    assert deleted["PolicyRevisionId"] == third["PolicyRevisionId"]
    assert len({each["PolicyRevisionId"] for each in (first, second, third)}) == 3
    with pytest.raises(rum.exceptions.PolicyNotFoundException):
        rum.get_resource_policy(Name=monitor)


def test_a_stale_policy_revision_is_rejected(rum: CloudWatchRUMClient, monitor: str) -> None:
    stale = rum.put_resource_policy(Name=monitor, PolicyDocument=policy(monitor))
    rum.put_resource_policy(Name=monitor, PolicyDocument=policy(monitor))
    before = rum.get_resource_policy(Name=monitor)["PolicyRevisionId"]

    for revision in (stale["PolicyRevisionId"], "1"):
        with pytest.raises(rum.exceptions.InvalidPolicyRevisionIdException):
            rum.put_resource_policy(
                Name=monitor, PolicyDocument=policy(monitor), PolicyRevisionId=revision
            )
        with pytest.raises(rum.exceptions.InvalidPolicyRevisionIdException):
            rum.delete_resource_policy(Name=monitor, PolicyRevisionId=revision)
    assert before == rum.get_resource_policy(Name=monitor)["PolicyRevisionId"]


def test_a_policy_revision_is_rejected_if_there_is_no_policy(
    rum: CloudWatchRUMClient, monitor: str
) -> None:
    with pytest.raises(rum.exceptions.InvalidPolicyRevisionIdException):
        rum.put_resource_policy(Name=monitor, PolicyDocument=policy(monitor), PolicyRevisionId="1")
    with pytest.raises(rum.exceptions.PolicyNotFoundException):
        rum.delete_resource_policy(Name=monitor, PolicyRevisionId="1")


def test_an_invalid_policy_document_is_rejected_and_the_policy_is_kept(
    rum: CloudWatchRUMClient, monitor: str
) -> None:
    before = rum.put_resource_policy(Name=monitor, PolicyDocument=policy(monitor))

    with pytest.raises(rum.exceptions.MalformedPolicyDocumentException):
        rum.put_resource_policy(Name=monitor, PolicyDocument='{"Statement": 1')
    with pytest.raises(rum.exceptions.PolicySizeLimitExceededException):
        rum.put_resource_policy(Name=monitor, PolicyDocument=policy(monitor) + " " * 4096)
    after = rum.get_resource_policy(Name=monitor)
    assert before["PolicyRevisionId"] == after["PolicyRevisionId"]


# Metric destinations


def test_destinations_are_put_listed_and_deleted(rum: CloudWatchRUMClient, monitor: str) -> None:
    for role in (ROLE, ROLE + "2"):
        rum.put_rum_metrics_destination(
            AppMonitorName=monitor,
            Destination="Evidently",
            DestinationArn=EXPERIMENT,
            IamRoleArn=role,
        )
    for _ in range(2):
        rum.put_rum_metrics_destination(AppMonitorName=monitor, Destination="CloudWatch")
    listed = rum.list_rum_metrics_destinations(AppMonitorName=monitor)["Destinations"]
    rum.delete_rum_metrics_destination(
        AppMonitorName=monitor, Destination="Evidently", DestinationArn=EXPERIMENT
    )
    left = rum.list_rum_metrics_destinations(AppMonitorName=monitor)["Destinations"]

    evidently = {
        "Destination": "Evidently",
        "DestinationArn": EXPERIMENT,
        "IamRoleArn": ROLE + "2",
    }
    assert [evidently, {"Destination": "CloudWatch"}] == listed
    assert left == [{"Destination": "CloudWatch"}]


@pytest.mark.parametrize(
    ("member", "members"),
    [
        ("DestinationArn is required", {"Destination": "Evidently", "IamRoleArn": ROLE}),
        ("IamRoleArn is required", {"Destination": "Evidently", "DestinationArn": EXPERIMENT}),
        ("DestinationArn is only", {"Destination": "CloudWatch", "DestinationArn": EXPERIMENT}),
        ("IamRoleArn is only", {"Destination": "CloudWatch", "IamRoleArn": ROLE}),
        ("Destination must be one of", {"Destination": "Elsewhere"}),
    ],
)
def test_a_destination_with_the_wrong_members_is_rejected(
    rum: CloudWatchRUMClient, monitor: str, member: str, members: Any
) -> None:
    with pytest.raises(rum.exceptions.ValidationException, match=member):
        rum.put_rum_metrics_destination(AppMonitorName=monitor, **members)
    assert rum.list_rum_metrics_destinations(AppMonitorName=monitor)["Destinations"] == []


def test_destinations_are_listed_page_by_page(rum: CloudWatchRUMClient, monitor: str) -> None:
    arns = [f"{EXPERIMENT}{n}" for n in range(5)]
    for each in arns:
        rum.put_rum_metrics_destination(
            AppMonitorName=monitor, Destination="Evidently", DestinationArn=each, IamRoleArn=ROLE
        )
    pages = rum.get_paginator("list_rum_metrics_destinations").paginate(
        AppMonitorName=monitor, PaginationConfig={"PageSize": 2}
    )
    found = [[d["DestinationArn"] for d in page["Destinations"]] for page in pages]

    assert [arns[:2], arns[2:4], arns[4:]] == found


# Metric definitions


@pytest.fixture
def cloudwatch(rum: CloudWatchRUMClient, monitor: str) -> str:
    """The name of an app monitor with the destination CloudWatch."""
    rum.put_rum_metrics_destination(AppMonitorName=monitor, Destination="CloudWatch")
    return monitor


def test_definitions_are_created_listed_updated_and_deleted(
    rum: CloudWatchRUMClient, cloudwatch: str
) -> None:
    pattern = '{ "event_type": ["com.amazon.rum.js_error_event"], "metadata": {"osName": ["X"]} }'
    definition: MetricDefinitionRequestTypeDef = {
        "Name": "JsErrorCount",
        "EventPattern": pattern,
        "DimensionKeys": {"metadata.osName": "OSName"},
    }
    created = rum.batch_create_rum_metric_definitions(
        AppMonitorName=cloudwatch, Destination="CloudWatch", MetricDefinitions=[definition]
    )
    identifier = created["MetricDefinitions"][0]["MetricDefinitionId"]
    rum.update_rum_metric_definition(
        AppMonitorName=cloudwatch,
        Destination="CloudWatch",
        MetricDefinitionId=identifier,
        MetricDefinition={"Name": "JsErrorCount", "EventPattern": pattern, "UnitLabel": "Count"},
    )
    read = rum.batch_get_rum_metric_definitions(AppMonitorName=cloudwatch, Destination="CloudWatch")
    deleted = rum.batch_delete_rum_metric_definitions(
        AppMonitorName=cloudwatch, Destination="CloudWatch", MetricDefinitionIds=[identifier]
    )
    left = rum.batch_get_rum_metric_definitions(AppMonitorName=cloudwatch, Destination="CloudWatch")

    assert created["Errors"] == []
    assert [{"MetricDefinitionId": identifier, **definition}] == created["MetricDefinitions"]
    changed = {"Name": "JsErrorCount", "EventPattern": pattern, "UnitLabel": "Count"}
    assert [{"MetricDefinitionId": identifier, **changed}] == read["MetricDefinitions"]
    assert ([identifier], []) == (deleted["MetricDefinitionIds"], deleted["Errors"])
    assert left["MetricDefinitions"] == []


def test_an_invalid_definition_does_not_fail_the_others(
    rum: CloudWatchRUMClient, cloudwatch: str
) -> None:
    wrong: MetricDefinitionRequestTypeDef = {"Name": "Clicks", "EventPattern": "{}"}
    long: MetricDefinitionRequestTypeDef = {"Name": "n" * 256, "Namespace": "Shop"}
    created = rum.batch_create_rum_metric_definitions(
        AppMonitorName=cloudwatch,
        Destination="CloudWatch",
        MetricDefinitions=[wrong, clicks(1), long],
    )

    assert [definition["Name"] for definition in created["MetricDefinitions"]] == ["Clicks1"]
    assert [wrong, long] == [error["MetricDefinition"] for error in created["Errors"]]
    assert {"ValidationException"} == {error["ErrorCode"] for error in created["Errors"]}
    assert all(error["ErrorMessage"].startswith("Name must") for error in created["Errors"])


def test_creating_an_existing_definition_changes_nothing(
    rum: CloudWatchRUMClient, cloudwatch: str
) -> None:
    responses = [
        rum.batch_create_rum_metric_definitions(
            AppMonitorName=cloudwatch,
            Destination="CloudWatch",
            MetricDefinitions=[clicks(1), clicks(2)],
        )["MetricDefinitions"]
        for _ in range(2)
    ]
    read = rum.batch_get_rum_metric_definitions(AppMonitorName=cloudwatch, Destination="CloudWatch")

    assert responses[0] == responses[1] == read["MetricDefinitions"]


def test_definitions_are_listed_page_by_page_and_deleted_200_at_a_time(
    rum: CloudWatchRUMClient, cloudwatch: str
) -> None:
    rum.batch_create_rum_metric_definitions(
        AppMonitorName=cloudwatch,
        Destination="CloudWatch",
        MetricDefinitions=[clicks(n) for n in range(200)],
    )
    pages = rum.get_paginator("batch_get_rum_metric_definitions").paginate(
        AppMonitorName=cloudwatch, Destination="CloudWatch", PaginationConfig={"PageSize": 90}
    )
    found = [page["MetricDefinitions"] for page in pages]
    ids = [definition["MetricDefinitionId"] for page in found for definition in page]
    deleted = rum.batch_delete_rum_metric_definitions(
        AppMonitorName=cloudwatch,
        Destination="CloudWatch",
        MetricDefinitionIds=[*ids[1:], "no-such"],
    )

    assert [len(page) for page in found] == [90, 90, 20]
    names = [definition["Name"] for page in found for definition in page]
    assert [f"Clicks{n}" for n in range(200)] == names
    assert ids[1:] == deleted["MetricDefinitionIds"]
    assert [(error["MetricDefinitionId"], error["ErrorCode"]) for error in deleted["Errors"]] == [
        ("no-such", "ResourceNotFoundException")
    ]


def test_a_request_can_have_at_most_200_definitions(
    rum: CloudWatchRUMClient, cloudwatch: str
) -> None:
    with pytest.raises(rum.exceptions.ValidationException, match="MetricDefinitions"):
        rum.batch_create_rum_metric_definitions(
            AppMonitorName=cloudwatch,
            Destination="CloudWatch",
            MetricDefinitions=[clicks(n) for n in range(201)],
        )
    with pytest.raises(rum.exceptions.ValidationException, match="metricDefinitionIds"):
        rum.batch_delete_rum_metric_definitions(
            AppMonitorName=cloudwatch,
            Destination="CloudWatch",
            MetricDefinitionIds=["x"] * 201,
        )


def test_a_destination_can_have_at_most_2000_definitions(
    rum: CloudWatchRUMClient, cloudwatch: str
) -> None:
    for first in range(0, 2000, 200):
        rum.batch_create_rum_metric_definitions(
            AppMonitorName=cloudwatch,
            Destination="CloudWatch",
            MetricDefinitions=[clicks(n) for n in range(first, first + 200)],
        )

    with pytest.raises(rum.exceptions.ServiceQuotaExceededException, match="2000"):
        rum.batch_create_rum_metric_definitions(
            AppMonitorName=cloudwatch, Destination="CloudWatch", MetricDefinitions=[clicks(2000)]
        )


def test_updating_a_definition_to_equal_another_is_a_conflict(
    rum: CloudWatchRUMClient, cloudwatch: str
) -> None:
    created = rum.batch_create_rum_metric_definitions(
        AppMonitorName=cloudwatch,
        Destination="CloudWatch",
        MetricDefinitions=[clicks(1), clicks(2)],
    )["MetricDefinitions"]

    with pytest.raises(rum.exceptions.ConflictException):
        rum.update_rum_metric_definition(
            AppMonitorName=cloudwatch,
            Destination="CloudWatch",
            MetricDefinitionId=created[0]["MetricDefinitionId"],
            MetricDefinition=clicks(2),
        )


def test_deleting_a_destination_deletes_its_definitions(
    rum: CloudWatchRUMClient, cloudwatch: str
) -> None:
    rum.batch_create_rum_metric_definitions(
        AppMonitorName=cloudwatch, Destination="CloudWatch", MetricDefinitions=[clicks(1)]
    )
    rum.delete_rum_metrics_destination(AppMonitorName=cloudwatch, Destination="CloudWatch")
    rum.put_rum_metrics_destination(AppMonitorName=cloudwatch, Destination="CloudWatch")

    read = rum.batch_get_rum_metric_definitions(AppMonitorName=cloudwatch, Destination="CloudWatch")
    assert read["MetricDefinitions"] == []


def test_a_new_app_monitor_with_a_deleted_name_inherits_nothing(
    rum: CloudWatchRUMClient, cloudwatch: str
) -> None:
    rum.put_resource_policy(Name=cloudwatch, PolicyDocument=policy(cloudwatch))
    rum.delete_app_monitor(Name=cloudwatch)
    rum.create_app_monitor(Name=cloudwatch, Domain="localhost")

    assert rum.list_rum_metrics_destinations(AppMonitorName=cloudwatch)["Destinations"] == []
    with pytest.raises(rum.exceptions.PolicyNotFoundException):
        rum.get_resource_policy(Name=cloudwatch)


def test_every_operation_raises_resource_not_found_for_unknown_names(
    rum: CloudWatchRUMClient, monitor: str
) -> None:
    class Metric:
        def __init__(self, name: str) -> None:
            self.members: Any = {"AppMonitorName": name, "Destination": "CloudWatch"}

    def calls(name: str) -> list[Callable[[], object]]:
        members = Metric(name).members
        return [
            lambda: rum.delete_rum_metrics_destination(**members),
            lambda: rum.batch_create_rum_metric_definitions(**members, MetricDefinitions=[]),
            lambda: rum.batch_get_rum_metric_definitions(**members),
            lambda: rum.batch_delete_rum_metric_definitions(**members, MetricDefinitionIds=["x"]),
            lambda: rum.update_rum_metric_definition(
                **members, MetricDefinitionId="x", MetricDefinition=clicks(1)
            ),
        ]

    only_without_monitor: list[Callable[[], object]] = [
        lambda: rum.get_app_monitor(Name="no-such"),
        lambda: rum.update_app_monitor(Name="no-such"),
        lambda: rum.delete_app_monitor(Name="no-such"),
        lambda: rum.get_app_monitor_data(Name="no-such", TimeRange={"After": 0}),
        lambda: rum.get_resource_policy(Name="no-such"),
        lambda: rum.put_resource_policy(Name="no-such", PolicyDocument=policy("no-such")),
        lambda: rum.delete_resource_policy(Name="no-such"),
        lambda: rum.put_rum_metrics_destination(AppMonitorName="no-such", Destination="CloudWatch"),
        lambda: rum.list_rum_metrics_destinations(AppMonitorName="no-such"),
    ]
    for call in [*calls("no-such"), *calls(monitor), *only_without_monitor]:
        with pytest.raises(rum.exceptions.ResourceNotFoundException) as caught:
            call()
        assert caught.value.response["resourceName"]


# The other list operations


def test_app_monitors_are_listed_page_by_page(rum: CloudWatchRUMClient, monitor: str) -> None:
    pages = rum.get_paginator("list_app_monitors").paginate(PaginationConfig={"PageSize": 1})
    names = [[summary["Name"] for summary in page["AppMonitorSummaries"]] for page in pages]

    assert ["my-app", monitor] == [name for page in names for name in page]
    assert [len(page) for page in names] == [1, 1]


def test_events_are_read_page_by_page(rum: CloudWatchRUMClient, monitor: str) -> None:
    built_in = "com.amazon.rum.page_view_event"
    for _ in range(3):
        put(rum, monitor, built_in, built_in)
    pages = rum.get_paginator("get_app_monitor_data").paginate(
        Name=monitor, TimeRange={"After": 0}, PaginationConfig={"PageSize": 4}
    )
    found = [[json.loads(text)["event_id"] for text in page["Events"]] for page in pages]

    assert [len(page) for page in found] == [4, 2]
    assert len({identifier for page in found for identifier in page}) == 6


# Exceptions that need a separate server


def test_creating_more_app_monitors_than_the_setting_allows_is_rejected(tmp_path: Path) -> None:
    server = OpenRum(tmp_path, OPENRUM_MAX_APP_MONITORS="2")
    try:
        rum = client_of(server)
        rum.create_app_monitor(Name="second", Domain="localhost")

        with pytest.raises(rum.exceptions.ServiceQuotaExceededException) as caught:
            rum.create_app_monitor(Name="third", Domain="localhost")
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 402
        with pytest.raises(rum.exceptions.ConflictException):
            rum.create_app_monitor(Name="second", Domain="localhost")
        rum.delete_app_monitor(Name="second")
        rum.create_app_monitor(Name="third", Domain="localhost")
    finally:
        server.stop()


def test_a_broken_database_is_an_internal_error_without_details(
    tmp_path: Path,
) -> None:
    server = OpenRum(tmp_path)
    try:
        rum = client_of(server)
        with closing(sqlite3.connect(server.database)) as database:
            database.execute("DROP TABLE metric_destinations")

        with pytest.raises(rum.exceptions.InternalServerException) as caught:
            rum.list_rum_metrics_destinations(AppMonitorName="my-app")
        assert caught.value.response["Error"]["Message"] == "Internal service exception."
    finally:
        server.stop()


# The command


def test_the_command_lists_the_number_of_dropped_events(
    rum: CloudWatchRUMClient, monitor: str, openrum: OpenRum
) -> None:
    put(rum, monitor, "a", "b", "c")
    command = [sys.executable, "-m", "rum_cli", "monitors", "list", "--service", openrum.grpc]
    table = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)

    assert "Dropped" in table.stdout
    read = [json.loads(line) for line in lines.stdout.splitlines()]
    assert {monitor: 3, "my-app": 0} == {m["Name"]: m["DroppedEvents"] for m in read}
