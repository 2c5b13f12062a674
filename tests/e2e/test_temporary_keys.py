"""Temporary access keys: imported ones, and those of AWS, which OpenRUM cannot verify."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.e2e.guarded import Guarded, allow
from tests.e2e.test_replay import replay
from tests.support.batches import batch
from tests.support.running import wait_until
from tests.support.traffic import MONITOR_ID, load

if TYPE_CHECKING:
    from mypy_boto3_rum import CloudWatchRUMClient

_ID, _SECRET, _TOKEN = "ASIAEXAMPLEIMPORTED0", "a-temporary-secret-0123", "a+session/token=="
_OF_AWS = "ASIAOFANACCOUNTATAWS"
_UNKNOWN, _EXPIRED = "UnrecognizedClientException", "ExpiredTokenException"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with Guarded(tmp_path_factory.mktemp("guarded")) as running:
        yield running


def _rum(server: Guarded, key_id: str, token: str | None) -> CloudWatchRUMClient:
    return boto3.client(
        "rum",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=key_id,
        aws_secret_access_key=_SECRET,
        aws_session_token=token,
        config=Config(inject_host_prefix=False, retries={"total_max_attempts": 1}),
    )


def _put(server: Guarded, key_id: str, token: str | None) -> str:
    """Put a batch with boto3. Return the exception, or `stored` if the batch can be read back."""
    body = batch()
    try:
        _rum(server, key_id, token).put_rum_events(Id=server.monitor_id(), **body)
    except ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        return str(error.response["Error"]["Code"])
    is_stored = body["BatchId"] in {event["batch_id"] for event in server.stored()}
    return "stored" if is_stored else "lost"


def _import(server: Guarded, folder: Path, key_id: str, *options: str) -> str:
    """Import a temporary key with write access, and return what the command printed."""
    (folder / "secret").write_text(f"{_SECRET}\n")
    (folder / "token").write_text(f"{_TOKEN}\n")
    files = ("--secret-access-key-file", "secret", "--session-token-file", "token")
    paths = [str(folder / text) if text in ("secret", "token") else text for text in files]
    return server.run("keys", "import", "--access-key-id", key_id, *paths, *options)


def test_an_imported_temporary_key_is_valid_with_its_session_token_only(
    server: Guarded, tmp_path: Path
) -> None:
    printed = _import(server, tmp_path, _ID)

    assert printed == f"{_ID}\n"
    assert _put(server, _ID, _TOKEN) == "stored"
    assert [_put(server, _ID, token) for token in (None, _TOKEN + "=", "x")] == [_UNKNOWN] * 3


def test_an_imported_temporary_key_expires(server: Guarded, tmp_path: Path) -> None:
    key_id = "ASIAEXAMPLEEXPIRES00"
    _import(server, tmp_path, key_id, "--expires-in", "2s", "--access", "read")
    rum = _rum(server, key_id, _TOKEN)
    expired = rum.exceptions.ClientError
    codes: list[str] = []

    def has_expired() -> bool:
        try:
            rum.list_app_monitors()
        except expired as error:
            codes.append(error.response["Error"]["Code"])
        return bool(codes)

    wait_until(has_expired)

    assert codes == [_EXPIRED]
    assert _put(server, key_id, _TOKEN) == _EXPIRED
    assert _put(server, key_id, "x") == _UNKNOWN  # only the owner learns that it has expired


def test_a_temporary_key_of_aws_may_do_what_an_anonymous_caller_may_do(server: Guarded) -> None:
    without_policy = _put(server, _OF_AWS, _TOKEN)
    with server.policy(allow()):
        allowed = [_put(server, key, _TOKEN) for key in (_OF_AWS, "AKIAOFANACCOUNTATAWS")]
        without_token = _put(server, _OF_AWS, None)
        with pytest.raises(ClientError, match=_UNKNOWN):
            _rum(server, _OF_AWS, _TOKEN).list_app_monitors()
    with server.policy(allow({"AWS": "000000000000"})):
        to_the_account = _put(server, _OF_AWS, _TOKEN)

    assert allowed == ["stored", _UNKNOWN]
    assert [without_policy, without_token, to_the_account] == [_UNKNOWN] * 3


def test_a_revoked_temporary_key_is_not_anonymous(server: Guarded, tmp_path: Path) -> None:
    key_id = "ASIAEXAMPLEREVOKED00"
    _import(server, tmp_path, key_id)
    server.run("keys", "revoke", key_id)

    with server.policy(allow()):
        assert _put(server, key_id, _TOKEN) == _UNKNOWN


def test_a_page_with_the_snippet_of_aws_works_with_a_policy_for_everyone(server: Guarded) -> None:
    """Captured from a page with identityPoolId and guestRoleArn: fetches and presigned beacons."""
    captured = [r for r in load("web-v3-cognito-basic") if r.method == "POST"]
    server.run("monitors", "create", "captured", "--id", MONITOR_ID)
    policy = str(allow()).replace("my-app", "captured").replace("'", '"')
    before = {status for status, *_ in replay(server, captured)}
    server.run("policy", "put", "captured", "--file", "-", stdin=policy)
    after = {status for status, *_ in replay(server, captured)}
    batches = {event["batch_id"] for event in server.stored("captured")}

    assert (before, after) == ({403}, {200})
    assert batches == {request.document["BatchId"] for request in captured}


def test_the_setting_rejects_temporary_keys_of_aws(tmp_path: Path) -> None:
    with Guarded(tmp_path, OPENRUM_AWS_KEYS="reject") as server, server.policy(allow()):
        assert _put(server, _OF_AWS, _TOKEN) == _UNKNOWN
