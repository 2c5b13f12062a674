"""Access keys and tokens: made, listed, taken back; and that nobody else gets to see them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rum.operator.v1.operator_service_pb2 import (
    CreateAccessKeyRequest,
    CreateTokenRequest,
    Grant,
    ListCredentialsRequest,
    RevokeCredentialRequest,
)
from rum.v1.control_plane_service_pb2 import CreateAppMonitorRequest, DeleteAppMonitorRequest
from rum_service.auth import credentials as module
from rum_service.auth.callers import Principal
from rum_service.auth.credentials import Credentials
from rum_service.auth.tokens import TOKEN_PREFIX, token_hash
from rum_service.control.app_monitors import AppMonitors
from rum_service.errors import (
    ConflictException,
    ResourceNotFoundException,
    RumError,
    ValidationException,
)
from rum_service.storage import open_store
from rum_service.storage.base import Store
from rum_service.storage.records import CredentialRecord
from tests.support.services import ACCOUNT, settings_in, started

KEY_ID, SECRET = "AKIDEXAMPLE00000TEST", "a-secret-that-is-looked-for-0123"
GRANT = Grant(name="backend", access=["write"])


@dataclass
class Kept:
    store: Store
    monitors: AppMonitors
    credentials: Credentials
    database: Path


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    database = tmp_path / "openrum.sqlite3"
    store = open_store(f"sqlite:///{database}")
    async with started(store, settings_in(tmp_path, account_id=ACCOUNT)) as service:
        yield Kept(store, service.app_monitors, service.credentials, database)
    store.close()


async def test_a_made_key_is_known_with_its_secret_and_access(kept: Kept) -> None:
    made = await kept.credentials.create_key(CreateAccessKeyRequest(grant=GRANT))
    again = await kept.credentials.create_key(CreateAccessKeyRequest(grant=GRANT))
    found = await kept.credentials.key(made.access_key_id)

    arn = f"arn:aws:iam::{ACCOUNT}:user/backend"
    assert found == (Principal(arn, frozenset({"write"})), made.secret_access_key)
    assert (made.access_key_id[:2], len(made.access_key_id)) == ("OR", 20)
    assert len(made.secret_access_key) == 40
    assert made.access_key_id != again.access_key_id


async def test_a_made_token_is_known_until_it_is_revoked(kept: Kept) -> None:
    made = await kept.credentials.create_token(CreateTokenRequest(grant=GRANT))
    known = await kept.credentials.principal_of_token(made.token)
    await kept.credentials.revoke(RevokeCredentialRequest(kind="token", id=made.id))

    assert known == Principal(f"arn:aws:iam::{ACCOUNT}:user/backend", frozenset({"write"}))
    assert await kept.credentials.principal_of_token(made.token) is None
    assert made.token.startswith(TOKEN_PREFIX)


async def test_what_names_one_kind_is_none_of_the_other(kept: Kept) -> None:
    """The hash of a token is no key id, though it looks like one; an id is no token."""
    token = (await kept.credentials.create_token(CreateTokenRequest(grant=GRANT))).token
    key = await kept.credentials.create_key(CreateAccessKeyRequest(grant=GRANT))

    assert await kept.credentials.key(token_hash(token)) is None
    for text in (token_hash(token), key.access_key_id, key.secret_access_key, "", "é" * 40):
        assert await kept.credentials.principal_of_token(text) is None


async def test_a_key_is_imported_once(kept: Kept) -> None:
    request = CreateAccessKeyRequest(grant=GRANT, access_key_id=KEY_ID, secret_access_key=SECRET)
    await kept.credentials.create_key(request)
    request.secret_access_key = "another-secret-0123456789"

    with pytest.raises(ConflictException, match="in use"):
        await kept.credentials.create_key(request)
    await kept.credentials.revoke(RevokeCredentialRequest(kind="key", id=KEY_ID))
    with pytest.raises(ConflictException):
        await kept.credentials.create_key(request)
    assert await kept.credentials.key(KEY_ID) is None


_BAD_ID = "access_key_id must be 16 to 128 letters and digits."
_BAD_SECRET = "secret_access_key must be 16 to 128 characters."
_BAD_NAME = r"grant.name must match [\w+=,.@-]{1,64}."
_BAD_ACCESS = "grant.access must be of read, write, admin."


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"access_key_id": KEY_ID}, _BAD_SECRET),
        ({"secret_access_key": SECRET}, _BAD_ID),
        ({"access_key_id": "x" * 15, "secret_access_key": SECRET}, _BAD_ID),
        ({"access_key_id": "é" * 16, "secret_access_key": SECRET}, _BAD_ID),
        ({"access_key_id": KEY_ID, "secret_access_key": SECRET + "\n"}, _BAD_SECRET),
        ({"grant": None}, _BAD_NAME),
        ({"grant": {"access": ["write"]}}, _BAD_NAME),
        ({"grant": {"name": "a/b", "access": ["read"]}}, _BAD_NAME),
        ({"grant": {"name": "ü", "access": ["read"]}}, _BAD_NAME),
        ({"grant": {"name": "a\n", "access": ["read"]}}, _BAD_NAME),
        ({"grant": {"name": "a"}}, _BAD_ACCESS),
        ({"grant": {"name": "a", "access": ["read", "ADMIN"]}}, _BAD_ACCESS),
        (
            {"grant": {"name": "a", "access": ["admin"], "app_monitor_name": "shop"}},
            "grant.app_monitor_name cannot restrict admin.",
        ),
    ],
    ids=str,
)
async def test_what_cannot_be_a_key_is_refused_by_name(
    kept: Kept, members: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationException) as refused:
        await kept.credentials.create_key(CreateAccessKeyRequest(**{"grant": GRANT, **members}))
    assert refused.value.message == message
    assert kept.store.credentials.list() == []


@pytest.mark.parametrize("seconds", [0, -1, 10**9 + 1, 2**62])
async def test_a_token_is_good_for_a_second_at_least(kept: Kept, seconds: int) -> None:
    request = CreateTokenRequest(grant=GRANT, expires_in_seconds=seconds)

    with pytest.raises(ValidationException, match="must be between 1 and 10"):
        await kept.credentials.create_token(request)


async def test_an_expiry_is_kept_and_counts_though_the_token_is_in_the_cache(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = CreateTokenRequest(grant=GRANT, expires_in_seconds=60)
    token = (await kept.credentials.create_token(request)).token
    known = await kept.credentials.principal_of_token(token)
    monkeypatch.setattr(module, "_now_ms", lambda: round(time.time() * 1000) + 60_000)

    assert known is not None
    assert await kept.credentials.principal_of_token(token) is None


@pytest.mark.parametrize("kind", ["", "Key", "key\x1b[31m"])
async def test_a_kind_that_is_none_is_refused_and_not_repeated(kept: Kept, kind: str) -> None:
    with pytest.raises(ValidationException, match=r"^kind must be key or token\.$"):
        await kept.credentials.revoke(RevokeCredentialRequest(kind=kind, id=KEY_ID))


@pytest.mark.parametrize("kind", ["key", "token"])
async def test_a_credential_that_is_not_there_is_not_revoked(kept: Kept, kind: str) -> None:
    for nobody in ("", "AKIDNOBODYKNOWSTHIS0", "%"):
        with pytest.raises(ResourceNotFoundException):
            await kept.credentials.revoke(RevokeCredentialRequest(kind=kind, id=nobody))


async def test_a_list_has_everything_but_secrets(kept: Kept) -> None:
    await kept.credentials.create_key(
        CreateAccessKeyRequest(grant=GRANT, access_key_id=KEY_ID, secret_access_key=SECRET)
    )
    token = await kept.credentials.create_token(
        CreateTokenRequest(grant=Grant(name="jobs", access=["write", "read"]), expires_in_seconds=9)
    )
    await kept.credentials.revoke(RevokeCredentialRequest(kind="token", id=token.id))
    listed = await kept.credentials.list(ListCredentialsRequest())
    shown = {item.kind: item for item in listed.credentials}

    assert (shown["key"].id, shown["token"].id) == (KEY_ID, token.id)
    assert list(shown["token"].grant.access) == ["read", "write"]
    assert [shown["key"].HasField(member) for member in ("expires", "revoked")] == [False] * 2
    assert [shown["token"].HasField(member) for member in ("expires", "revoked")] == [True] * 2
    assert token_hash(token.token) not in str(listed)
    assert SECRET not in str(listed)
    assert token.token not in str(listed)
    one = await kept.credentials.list(ListCredentialsRequest(kind="key"))
    assert [item.kind for item in one.credentials] == ["key"]


async def test_no_secret_is_in_the_database_or_in_what_is_printed_of_a_record(kept: Kept) -> None:
    await kept.credentials.create_key(
        CreateAccessKeyRequest(grant=GRANT, access_key_id=KEY_ID, secret_access_key=SECRET)
    )
    token = (await kept.credentials.create_token(CreateTokenRequest(grant=GRANT))).token
    await kept.credentials.key(KEY_ID)
    files = list(kept.database.parent.glob("openrum.sqlite3*"))
    content = b"".join(file.read_bytes() for file in files)

    assert KEY_ID.encode() in content
    for secret in (SECRET, token, token.removeprefix(TOKEN_PREFIX)):
        assert secret.encode() not in content
    sealed = [str(record.sealed_secret) for record in kept.store.credentials.list()]
    printed = repr(kept.store.credentials.list()) + repr(kept.credentials._known)
    assert SECRET not in printed
    assert all(text not in printed for text in sealed if text != "b''")


async def test_revoking_is_seen_at_once_though_a_look_up_is_under_way(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look-up has read the record, and ends after the revocation."""
    made = await kept.credentials.create_token(CreateTokenRequest(grant=GRANT))
    loop, read, go_on = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    find = kept.store.credentials.by_id

    def held(kind: str, record_id: str) -> CredentialRecord | None:
        found = find(kind, record_id)
        loop.call_soon_threadsafe(read.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(30)
        return found

    monkeypatch.setattr(kept.store.credentials, "by_id", held)
    early = asyncio.create_task(kept.credentials.principal_of_token(made.token))
    await read.wait()
    await kept.credentials.revoke(RevokeCredentialRequest(kind="token", id=made.id))
    go_on.set()

    assert await early is not None
    assert await kept.credentials.principal_of_token(made.token) is None


async def test_guesses_are_remembered_but_not_without_end(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_KNOWN", 5)
    asked: list[str] = []
    find = kept.store.credentials.by_id

    def counted(kind: str, record_id: str) -> CredentialRecord | None:
        asked.append(record_id)
        return find(kind, record_id)

    monkeypatch.setattr(kept.store.credentials, "by_id", counted)
    for number in range(12):
        for _ in range(2):
            assert await kept.credentials.principal_of_token(f"guess {number}") is None
        assert len(kept.credentials._known) <= 5

    assert len(asked) == 12


@pytest.mark.parametrize("key_id", ["", "x" * 15, "x" * 129, "A" * 15 + "\0", "é" * 16, "a b" * 9])
async def test_what_is_no_key_id_is_not_looked_up(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, key_id: str
) -> None:
    monkeypatch.setattr(kept.store.credentials, "by_id", None)

    assert await kept.credentials.key(key_id) is None


async def test_a_credential_does_not_pass_on_to_who_gets_the_app_monitors_name(kept: Kept) -> None:
    create = CreateAppMonitorRequest(name="shop", domain="example.com")
    await kept.monitors.create(create)
    grant = Grant(name="a", access=["write"], app_monitor_name="shop")
    token = (await kept.credentials.create_token(CreateTokenRequest(grant=grant))).token
    old = await kept.monitors.by_name("shop")
    await kept.monitors.delete(DeleteAppMonitorRequest(name="shop"))
    listed = await kept.credentials.list(ListCredentialsRequest())
    await kept.monitors.create(create)
    principal = await kept.credentials.principal_of_token(token)

    assert principal is not None
    assert principal.may("write", old.key)
    assert not principal.may("write", (await kept.monitors.by_name("shop")).key)
    assert listed.credentials[0].grant.app_monitor_name == "(deleted)"


async def test_an_app_monitor_that_is_not_there_restricts_nothing(kept: Kept) -> None:
    grant = Grant(name="a", access=["write"], app_monitor_name="nobody")

    with pytest.raises(RumError, match="no app monitor with this name"):
        await kept.credentials.create_token(CreateTokenRequest(grant=grant))
    assert kept.store.credentials.list() == []
