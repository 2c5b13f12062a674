"""Creating, listing and revoking credentials; and that nothing reveals their secrets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from rum.operator.v1.operator_service_pb2 import (
    ACCESS_ADMIN,
    ACCESS_READ,
    ACCESS_UNSPECIFIED,
    ACCESS_WRITE,
    CREDENTIAL_KIND_ACCESS_KEY,
    CREDENTIAL_KIND_TOKEN,
    CREDENTIAL_KIND_UNSPECIFIED,
    CreateAccessKeyRequest,
    CreateTokenRequest,
    Credential,
    Grant,
    ListCredentialsRequest,
    RevokeCredentialRequest,
)
from rum.v1.control_plane_service_pb2 import CreateAppMonitorRequest, DeleteAppMonitorRequest
from rum_endpoint.metadata import TOKEN_PREFIX
from rum_service.auth.tokens import token_hash
from rum_service.errors import (
    ConflictException,
    ResourceNotFoundException,
    UnrecognizedClientException,
    ValidationException,
)
from rum_service.page_tokens import encode_token
from tests.service.credentials_kept import Kept, kept_in

KEY_ID, SECRET = "AKIDEXAMPLE00000TEST", "a-secret-that-is-looked-for-0123"
GRANT = Grant(name="backend", access=[ACCESS_WRITE])
TOKEN = "a+session/token-that-is-looked-for=="
_PAIR = {"access_key_id": KEY_ID, "secret_access_key": SECRET}
IMPORT = CreateAccessKeyRequest(grant=GRANT, **_PAIR)


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    async with kept_in(tmp_path) as kept:
        yield kept


async def _listed(kept: Kept, **members: Any) -> list[Credential]:
    """Return all credentials, page by page."""
    request = ListCredentialsRequest(**members)
    found: list[Credential] = []
    for _ in range(100):
        page = await kept.credentials.list(request)
        found += page.credentials
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token
    raise AssertionError("the list does not end")


async def test_generated_keys_and_tokens_have_the_documented_form(kept: Kept) -> None:
    key = await kept.credentials.create_key(CreateAccessKeyRequest(grant=GRANT))
    again = await kept.credentials.create_key(CreateAccessKeyRequest(grant=GRANT))
    token = await kept.credentials.create_token(CreateTokenRequest(grant=GRANT))

    assert (key.access_key_id[:2], len(key.access_key_id)) == ("OR", 20)
    assert len(key.secret_access_key) == 40
    assert key.access_key_id != again.access_key_id
    assert token.token.startswith(TOKEN_PREFIX)
    assert token.id == token_hash(token.token)[:16]


async def test_an_access_key_is_imported_once(kept: Kept) -> None:
    await kept.credentials.create_key(IMPORT)
    other = CreateAccessKeyRequest()
    other.CopyFrom(IMPORT)
    other.secret_access_key = "another-secret-0123456789"

    with pytest.raises(ConflictException, match="in use"):
        await kept.credentials.create_key(other)
    await kept.credentials.revoke(
        RevokeCredentialRequest(kind=CREDENTIAL_KIND_ACCESS_KEY, id=KEY_ID)
    )
    with pytest.raises(ConflictException):
        await kept.credentials.create_key(other)
    with pytest.raises(UnrecognizedClientException):
        await kept.keyring.key(KEY_ID)


_BAD_ID = r"access_key_id must match [\w]{16,128}."
_BAD_SECRET = "secret_access_key must be 16 to 128 printable ASCII characters without spaces."
_BAD_TOKEN = "session_token must be 16 to 4096 printable ASCII characters without spaces."
_BAD_NAME = r"grant.name must match [\w+=,.@-]{1,64}."
_BAD_ACCESS = "grant.access must have at least one of ACCESS_WRITE, ACCESS_READ, ACCESS_ADMIN."
_BAD_KIND = "kind must be CREDENTIAL_KIND_ACCESS_KEY or CREDENTIAL_KIND_TOKEN."
_BAD_SIZE = "page_size must be between 0 and 1000."


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"access_key_id": KEY_ID}, _BAD_SECRET),
        ({"secret_access_key": SECRET}, _BAD_ID),
        ({"access_key_id": "x" * 15, "secret_access_key": SECRET}, _BAD_ID),
        ({"access_key_id": "é" * 16, "secret_access_key": SECRET}, _BAD_ID),
        ({"access_key_id": KEY_ID, "secret_access_key": SECRET + "\n"}, _BAD_SECRET),
        ({"session_token": TOKEN}, _BAD_ID),
        (_PAIR | {"session_token": ""}, _BAD_TOKEN),
        (_PAIR | {"session_token": "x" * 15}, _BAD_TOKEN),
        (_PAIR | {"session_token": "x" * 4097}, _BAD_TOKEN),
        (_PAIR | {"session_token": f"{TOKEN} {TOKEN}"}, _BAD_TOKEN),
        ({"ttl": Duration(seconds=0)}, "ttl must be between 1 and 1000000000 seconds."),
        ({"grant": None}, _BAD_NAME),
        ({"grant": {"access": [ACCESS_WRITE]}}, _BAD_NAME),
        ({"grant": {"name": "a/b", "access": [ACCESS_READ]}}, _BAD_NAME),
        ({"grant": {"name": "ü", "access": [ACCESS_READ]}}, _BAD_NAME),
        ({"grant": {"name": "a\n", "access": [ACCESS_READ]}}, _BAD_NAME),
        ({"grant": {"name": "a"}}, _BAD_ACCESS),
        ({"grant": {"name": "a", "access": [ACCESS_UNSPECIFIED]}}, _BAD_ACCESS),
        ({"grant": {"name": "a", "access": [ACCESS_READ, ACCESS_UNSPECIFIED]}}, _BAD_ACCESS),
        ({"grant": {"name": "a", "access": [ACCESS_READ, 4]}}, _BAD_ACCESS),
        (
            {"grant": {"name": "a", "access": [ACCESS_ADMIN], "app_monitor_name": "shop"}},
            "grant.app_monitor_name is not allowed with ACCESS_ADMIN.",
        ),
    ],
    ids=str,
)
async def test_an_invalid_access_key_is_rejected_with_the_member(
    kept: Kept, members: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationException) as rejection:
        await kept.credentials.create_key(CreateAccessKeyRequest(**{"grant": GRANT, **members}))
    assert rejection.value.message == message
    assert kept.records() == []


@pytest.mark.parametrize(
    "ttl",
    [
        Duration(),
        Duration(nanos=999_999_999),
        Duration(seconds=-1),
        Duration(seconds=10**9, nanos=1_000_000),
        Duration(seconds=2**62),
    ],
    ids=lambda ttl: f"{ttl.seconds}.{ttl.nanos}s",
)
async def test_a_ttl_out_of_range_is_rejected(kept: Kept, ttl: Duration) -> None:
    with pytest.raises(ValidationException, match=r"^ttl must be between 1 and 1000000000 sec"):
        await kept.credentials.create_token(CreateTokenRequest(grant=GRANT, ttl=ttl))


@pytest.mark.parametrize("kind", [CREDENTIAL_KIND_UNSPECIFIED, 3, -1, 2**31 - 1])
async def test_revoking_an_unknown_kind_is_rejected(kept: Kept, kind: Any) -> None:
    with pytest.raises(ValidationException) as rejection:
        await kept.credentials.revoke(RevokeCredentialRequest(kind=kind, id=KEY_ID))
    assert rejection.value.message == _BAD_KIND


@pytest.mark.parametrize("kind", [CREDENTIAL_KIND_ACCESS_KEY, CREDENTIAL_KIND_TOKEN])
async def test_revoking_an_unknown_credential_fails(kept: Kept, kind: Any) -> None:
    token = await kept.credentials.create_token(CreateTokenRequest(grant=GRANT))
    key = await kept.credentials.create_key(CreateAccessKeyRequest(grant=GRANT))
    own = {CREDENTIAL_KIND_ACCESS_KEY: key.access_key_id, CREDENTIAL_KIND_TOKEN: token.id}
    other = next(value for other, value in own.items() if other != kind)
    for unknown in ("", "AKIDNOBODYKNOWSTHIS0", "%", "\0", own[kind][:15], own[kind] + "0", other):
        with pytest.raises(ResourceNotFoundException):
            await kept.credentials.revoke(RevokeCredentialRequest(kind=kind, id=unknown))
    assert [record.revoked_ms for record in kept.records()] == [None, None]


async def test_a_list_shows_what_was_created_without_secrets(kept: Kept) -> None:
    await kept.credentials.create_key(IMPORT)
    kept.passes(1.5)
    grant = Grant(name="jobs", access=[ACCESS_WRITE, ACCESS_READ])
    request = CreateTokenRequest(grant=grant, ttl=Duration(seconds=9, nanos=500_000_000))
    token = await kept.credentials.create_token(request)
    for _ in range(2):
        kept.passes(2)
        await kept.credentials.revoke(
            RevokeCredentialRequest(kind=CREDENTIAL_KIND_TOKEN, id=token.id)
        )
    newest, oldest = listed = await _listed(kept)

    assert (newest.id, newest.kind) == (token.id, CREDENTIAL_KIND_TOKEN)
    assert (oldest.id, oldest.kind) == (KEY_ID, CREDENTIAL_KIND_ACCESS_KEY)
    assert oldest.grant == GRANT
    assert set(newest.grant.access) == {ACCESS_WRITE, ACCESS_READ}
    assert oldest.create_time.ToJsonString() == "2026-11-01T12:00:00.250Z"
    assert newest.create_time.ToJsonString() == "2026-11-01T12:00:01.750Z"
    assert newest.expire_time.ToJsonString() == "2026-11-01T12:00:11.250Z"
    assert newest.revoke_time.ToJsonString() == "2026-11-01T12:00:03.750Z"
    assert [oldest.HasField(member) for member in ("expire_time", "revoke_time")] == [False] * 2
    for secret in (token_hash(token.token), SECRET, token.token):
        assert secret not in str(listed)


@pytest.mark.parametrize("page_size", [0, 1, 2, 3, 1000])
@pytest.mark.parametrize(
    "kind", [CREDENTIAL_KIND_UNSPECIFIED, CREDENTIAL_KIND_ACCESS_KEY, CREDENTIAL_KIND_TOKEN]
)
async def test_pages_list_each_credential_once(kept: Kept, page_size: int, kind: Any) -> None:
    """Five credentials of the same millisecond, and one that is newer."""
    created = []
    for number in range(3):
        key = await kept.credentials.create_key(CreateAccessKeyRequest(grant=GRANT))
        created.append((CREDENTIAL_KIND_ACCESS_KEY, key.access_key_id))
        if number == 2:
            kept.passes(1)
        token = await kept.credentials.create_token(CreateTokenRequest(grant=GRANT))
        created.append((CREDENTIAL_KIND_TOKEN, token.id))
    wanted = [item for item in created if kind in (CREDENTIAL_KIND_UNSPECIFIED, item[0])]
    listed = [(item.kind, item.id) for item in await _listed(kept, kind=kind, page_size=page_size)]

    assert sorted(listed) == sorted(wanted)
    if kind != CREDENTIAL_KIND_ACCESS_KEY:
        assert listed[0] == created[-1]


async def test_a_full_last_page_has_no_next_page(kept: Kept) -> None:
    for _ in range(2):
        await kept.credentials.create_token(CreateTokenRequest(grant=GRANT))
    page = await kept.credentials.list(ListCredentialsRequest(page_size=2))

    assert (len(page.credentials), page.next_page_token) == (2, "")


async def test_a_page_has_a_hundred_credentials_by_default(kept: Kept) -> None:
    for _ in range(101):
        await kept.credentials.create_token(CreateTokenRequest(grant=GRANT))
    page = await kept.credentials.list(ListCredentialsRequest())
    request = ListCredentialsRequest(page_token=page.next_page_token)
    rest = await kept.credentials.list(request)

    assert (len(page.credentials), len(rest.credentials)) == (100, 1)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"kind": 3}, _BAD_KIND),
        ({"page_size": -1}, _BAD_SIZE),
        ({"page_size": 1001}, _BAD_SIZE),
        ({"page_token": "x"}, "page_token must be"),
        ({"page_token": encode_token("a", "b")}, "page_token must be"),
        ({"page_token": encode_token(1, "b\0", "c")}, "page_token must be"),
    ],
    ids=str,
)
async def test_an_invalid_page_request_is_rejected(
    kept: Kept, members: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationException) as rejection:
        await kept.credentials.list(ListCredentialsRequest(**members))
    assert rejection.value.message.startswith(message)


@pytest.mark.parametrize("created_ms", [-(10**30), 10**30])
async def test_a_page_token_with_any_number_is_accepted(kept: Kept, created_ms: int) -> None:
    await kept.credentials.create_key(IMPORT)
    request = ListCredentialsRequest(page_token=encode_token(created_ms, "", ""))
    page = await kept.credentials.list(request)

    assert len(page.credentials) == (1 if created_ms > 0 else 0)


async def test_neither_the_database_nor_a_printed_record_holds_a_secret(kept: Kept) -> None:
    await kept.credentials.create_key(
        CreateAccessKeyRequest(grant=GRANT, session_token=TOKEN, **_PAIR)
    )
    token = (await kept.credentials.create_token(CreateTokenRequest(grant=GRANT))).token
    await kept.keyring.key(KEY_ID)
    files = list(kept.folder.glob("openrum.sqlite3*"))
    content = b"".join(file.read_bytes() for file in files)

    assert KEY_ID.encode() in content
    for secret in (SECRET, TOKEN, token, token.removeprefix(TOKEN_PREFIX)):
        assert secret.encode() not in content
    sealed = [str(record.sealed_secret) for record in kept.records()]
    printed = repr(kept.records()) + repr(kept.keyring._cache._known.values)
    assert printed.count(KEY_ID) >= 2
    assert SECRET not in printed
    assert TOKEN not in printed
    assert all(text not in printed for text in sealed if text != "b''")


async def test_a_new_app_monitor_with_the_same_name_does_not_inherit_credentials(
    kept: Kept,
) -> None:
    create = CreateAppMonitorRequest(name="shop", domain="example.com")
    await kept.app_monitors.create(create)
    grant = Grant(name="a", access=[ACCESS_WRITE], app_monitor_name="shop")
    token = (await kept.credentials.create_token(CreateTokenRequest(grant=grant))).token
    named = await _listed(kept)
    old = await kept.app_monitors.by_name("shop")
    await kept.app_monitors.delete(DeleteAppMonitorRequest(name="shop"))
    orphaned = await _listed(kept)
    await kept.app_monitors.create(create)
    principal = await kept.keyring.principal_of_token(token)

    assert principal is not None
    assert principal.may("write", old.key)
    assert not principal.may("write", (await kept.app_monitors.by_name("shop")).key)
    assert named[0].grant == grant
    assert orphaned[0].grant.app_monitor_name == "(deleted)"


async def test_a_grant_for_an_unknown_app_monitor_is_rejected(kept: Kept) -> None:
    grant = Grant(name="a", access=[ACCESS_WRITE], app_monitor_name="nobody")

    with pytest.raises(ResourceNotFoundException, match="no app monitor with this name"):
        await kept.credentials.create_token(CreateTokenRequest(grant=grant))
    assert kept.records() == []
