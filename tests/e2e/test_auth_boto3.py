"""boto3 with access keys, against a server that authorizes callers."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import botocore.auth
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.e2e.guarded import Guarded, Key
from tests.support.batches import batch

if TYPE_CHECKING:
    from mypy_boto3_rum import CloudWatchRUMClient

_WRONG_SECRET = "no-secret-of-any-key-there-is"
_NOT_ALLOWED = "User: arn:aws:iam::000000000000:user/{} is not authorized to perform: rum:{} on "
_RESOURCE = "resource: arn:aws:rum:us-east-1:000000000000:appmonitor/{}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    with Guarded(folder, OPENRUM_PATH_PREFIX="/rum") as running:
        yield running


@pytest.fixture(scope="module")
def writer(server: Guarded) -> Key:
    return server.key(name="writer")


@pytest.fixture(scope="module")
def reader(server: Guarded) -> Key:
    return server.key("--access", "read", name="reader")


@pytest.fixture(scope="module")
def admin(server: Guarded) -> Key:
    return server.key("--access", "admin", name="admin")


def _boto3(server: Guarded, key: Key, path: str = "", **more: Any) -> CloudWatchRUMClient:
    config = {"inject_host_prefix": False, "retries": {"total_max_attempts": 1}}
    return boto3.client(
        "rum",
        endpoint_url=server.url + path,
        region_name="us-east-1",
        aws_access_key_id=key.id,
        aws_secret_access_key=key.secret,
        config=Config(**{**config, **more.pop("config", {})}),
        **more,
    )


def _stored_ids(server: Guarded, body: dict[str, Any]) -> list[str]:
    return [e["event_id"] for e in server.stored() if e["batch_id"] == body["BatchId"]]


def _ids(body: dict[str, Any]) -> list[str]:
    return [event["id"] for event in body["RumEvents"]]


def _error(call: Callable[[], object]) -> tuple[int, str, str]:
    """Return the status, the code and the message of a call that boto3 reports as failed."""
    with pytest.raises(ClientError) as failure:
        call()
    response = failure.value.response
    status = response["ResponseMetadata"]["HTTPStatusCode"]
    return status, response["Error"]["Code"], response["Error"]["Message"]


def test_a_write_key_can_only_put_events(server: Guarded, writer: Key) -> None:
    rum = _boto3(server, writer)
    body = batch(2)
    rum.put_rum_events(Id=server.monitor_id(), **body)
    with pytest.raises(rum.exceptions.AccessDeniedException):
        rum.get_app_monitor(Name="my-app")

    assert _error(lambda: rum.get_app_monitor(Name="my-app")) == (
        403,
        "AccessDeniedException",
        _NOT_ALLOWED.format("writer", "GetAppMonitor") + _RESOURCE.format("my-app"),
    )
    assert _error(rum.list_app_monitors)[2].endswith(_RESOURCE.format("*"))
    assert _stored_ids(server, body) == _ids(body)


def test_a_read_key_can_only_read(server: Guarded, reader: Key) -> None:
    rum = _boto3(server, reader)
    body = batch()
    errors = [
        _error(lambda: rum.put_rum_events(Id=server.monitor_id(), **body)),
        _error(lambda: rum.update_app_monitor(Name="my-app", Domain="a.example")),
        _error(lambda: rum.delete_app_monitor(Name="no-such-app")),
    ]

    assert rum.get_app_monitor_data(Name="my-app", TimeRange={"After": 0})["Events"] is not None
    assert [(status, code) for status, code, _ in errors] == [(403, "AccessDeniedException")] * 3
    assert [message.partition("rum:")[2].split()[0] for *_, message in errors] == [
        "PutRumEvents",
        "UpdateAppMonitor",
        "DeleteAppMonitor",
    ]
    assert _stored_ids(server, body) == []


def test_an_admin_key_can_use_the_whole_control_plane(server: Guarded, admin: Key) -> None:
    rum = _boto3(server, admin)
    name = "of-the-admin#1"
    created = rum.create_app_monitor(Name=name, Domain="a.example", Tags={"team": "blue"})
    arn = f"arn:aws:rum:us-east-1:000000000000:appmonitor/{name}"
    rum.tag_resource(ResourceArn=arn, Tags={"stage": "test two"})
    rum.untag_resource(ResourceArn=arn, TagKeys=["team", "a+b=c/d"])
    rum.put_rum_events(Id=created["Id"], **batch())
    read = rum.get_app_monitor_data(Name=name, TimeRange={"After": 0}, MaxResults=1)

    assert rum.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"stage": "test two"}
    assert len(read["Events"]) == 1
    assert name in [m["Name"] for m in rum.list_app_monitors(MaxResults=100)["AppMonitorSummaries"]]
    rum.delete_app_monitor(Name=name)


def test_a_key_for_one_app_monitor_is_rejected_for_others(server: Guarded, admin: Key) -> None:
    other = _boto3(server, admin).create_app_monitor(Name="other", Domain="localhost")["Id"]
    key = server.key("--access", "write", "--access", "read", "--monitor", "other", name="scoped")
    rum = _boto3(server, key)
    body = batch()
    rum.put_rum_events(Id=other, **batch(2))
    errors = [
        _error(lambda: rum.put_rum_events(Id=server.monitor_id(), **body)),
        _error(lambda: rum.get_app_monitor(Name="my-app")),
        _error(lambda: rum.get_app_monitor(Name="no-such-app")),
        _error(rum.list_app_monitors),
    ]

    assert len(rum.get_app_monitor_data(Name="other", TimeRange={"After": 0})["Events"]) == 2
    assert {code for _, code, _ in errors} == {"AccessDeniedException"}
    assert _stored_ids(server, body) == []


def test_each_invalid_credential_has_its_own_exception(server: Guarded, admin: Key) -> None:
    body = batch()
    clients = [
        _boto3(server, Key(admin.id, _WRONG_SECRET)),
        _boto3(server, Key("ORAAAAAAAAAAAAAAAAAA", admin.secret)),
        _boto3(server, admin, aws_session_token="unknown"),
        _boto3(server, admin, config={"signature_version": UNSIGNED}),
    ]
    puts = [
        _error(lambda rum=rum: rum.put_rum_events(Id=server.monitor_id(), **body))
        for rum in clients
    ]
    lists = [_error(rum.list_app_monitors) for rum in clients]

    assert puts == lists
    assert [(status, code) for status, code, _ in puts] == [
        (403, "InvalidSignatureException"),
        (403, "UnrecognizedClientException"),
        (403, "UnrecognizedClientException"),
        (403, "MissingAuthenticationTokenException"),
    ]
    assert puts[0][2].startswith("The request signature we calculated does not match the signature")
    assert puts[1][2] == puts[2][2] == "The security token included in the request is invalid."
    assert _stored_ids(server, body) == []


@pytest.mark.parametrize(
    ("minutes", "message"),
    [(-6, "Signature expired: "), (6, "Signature not yet current: "), (-4, ""), (4, "")],
)
def test_a_clients_clock_can_be_wrong_by_at_most_five_minutes(
    server: Guarded, writer: Key, monkeypatch: pytest.MonkeyPatch, minutes: int, message: str
) -> None:
    now = botocore.auth.get_current_datetime

    def shifted(**arguments: Any) -> datetime:
        moment: datetime = now(**arguments) + timedelta(minutes=minutes)
        return moment

    monkeypatch.setattr(botocore.auth, "get_current_datetime", shifted)
    body = batch()
    put = _boto3(server, writer).put_rum_events
    if not message:
        put(Id=server.monitor_id(), **body)
    else:
        status, code, text = _error(lambda: put(Id=server.monitor_id(), **body))
        assert (status, code) == (403, "InvalidSignatureException")
        assert text.startswith(message)

    assert _stored_ids(server, body) == ([] if message else _ids(body))


@pytest.mark.parametrize("path", ["/rum", "/rum/"])
def test_a_signature_for_an_endpoint_with_a_path_prefix_is_accepted(
    server: Guarded, writer: Key, admin: Key, path: str
) -> None:
    body = batch()
    _boto3(server, writer, path).put_rum_events(Id=server.monitor_id(), **body)
    found = _boto3(server, admin, path).get_app_monitor(Name="my-app")["AppMonitor"]

    assert found["Id"] == server.monitor_id()
    assert _stored_ids(server, body) == _ids(body)


def test_a_signature_for_the_dataplane_host_is_accepted(
    server: Guarded, writer: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo

    def resolved(host: Any, *rest: Any, **more: Any) -> Any:
        return resolve("127.0.0.1" if host == "dataplane.openrum.test" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    url = server.url.replace("127.0.0.1", "openrum.test")
    client = boto3.client(
        "rum",
        endpoint_url=url,
        region_name="eu-central-1",
        aws_access_key_id=writer.id,
        aws_secret_access_key=writer.secret,
    )
    hosts: list[str] = []
    client.meta.events.register("before-send.rum", lambda request, **_: hosts.append(request.url))
    body = batch()
    client.put_rum_events(Id=server.monitor_id(), **body)

    assert hosts[0].startswith(url.replace("openrum", "dataplane.openrum"))
    assert _stored_ids(server, body) == _ids(body)


def test_a_revoked_key_is_rejected_at_once(server: Guarded) -> None:
    key = server.key(name="revoked")
    rum = _boto3(server, key)
    rum.put_rum_events(Id=server.monitor_id(), **batch())
    server.run("keys", "revoke", key.id)
    body = batch()

    assert _error(lambda: rum.put_rum_events(Id=server.monitor_id(), **body))[:2] == (
        403,
        "UnrecognizedClientException",
    )
    assert _stored_ids(server, body) == []
