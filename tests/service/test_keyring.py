"""Lookups of credentials during calls: what is valid, what is cached, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from rum.operator.v1.operator_service_pb2 import (
    ACCESS_WRITE,
    CREDENTIAL_KIND_ACCESS_KEY,
    CREDENTIAL_KIND_TOKEN,
    CreateAccessKeyRequest,
    CreateTokenRequest,
    Grant,
    RevokeCredentialRequest,
)
from rum_service.auth.callers import Principal
from rum_service.auth.keyring import Credential, Keyring
from rum_service.auth.secret_files import SecretBox
from rum_service.auth.tokens import token_hash
from rum_service.errors import ExpiredTokenException, UnrecognizedClientException
from tests.service.credentials_kept import Kept, kept_in
from tests.support.services import ACCOUNT

GRANT = Grant(name="backend", access=[ACCESS_WRITE])
BACKEND = Principal(f"arn:aws:iam::{ACCOUNT}:user/backend", frozenset({"write"}))


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    async with kept_in(tmp_path) as kept:
        yield kept


@pytest.fixture
def executor() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as threads:
        yield threads


def _keyring(kept: Kept, executor: Executor, **limits: Any) -> Keyring:
    """Return a second keyring, as in another process, whose cache follows the clock of the test."""
    return Keyring(
        kept.watched,
        executor,
        SecretBox(kept.folder / "secrets.key"),
        account_id=ACCOUNT,
        clock=lambda: kept.now,
        monotonic=lambda: kept.now,
        **limits,
    )


async def _token(kept: Kept, ttl_s: int | None = None) -> tuple[str, str]:
    """Create a token and return it with its ID."""
    ttl = None if ttl_s is None else Duration(seconds=ttl_s)
    created = await kept.credentials.create_token(CreateTokenRequest(grant=GRANT, ttl=ttl))
    return created.token, created.id


async def _revoke(kept: Kept, token_id: str) -> None:
    request = RevokeCredentialRequest(kind=CREDENTIAL_KIND_TOKEN, id=token_id)
    await kept.credentials.revoke(request)


async def _is_unknown(keyring: Keyring, token: str) -> bool:
    """Return whether a token is rejected as unknown."""
    with pytest.raises(UnrecognizedClientException):
        await keyring.principal_of_token(token)
    return True


async def test_an_access_key_is_found_with_its_principal_and_secret(kept: Kept) -> None:
    created = await kept.credentials.create_key(CreateAccessKeyRequest(grant=GRANT))

    found = await kept.keyring.key(created.access_key_id)

    assert found == Credential(BACKEND, None, False, created.secret_access_key, "")


async def test_an_imported_key_is_found_with_its_session_token(kept: Kept) -> None:
    request = CreateAccessKeyRequest(
        grant=GRANT,
        access_key_id="ASIAEXAMPLE00000TEST",
        secret_access_key="a-secret-0123456789",
        session_token="a+token/0123456789==",
        ttl=Duration(seconds=60),
    )
    await kept.credentials.create_key(request)
    found = await kept.keyring.key(request.access_key_id)

    expires_ms = round(kept.now * 1000) + 60_000
    assert found == Credential(
        BACKEND, expires_ms, False, request.secret_access_key, request.session_token
    )


async def test_a_revoked_key_is_found_neither_before_nor_after_it_expires(kept: Kept) -> None:
    request = CreateAccessKeyRequest(grant=GRANT, ttl=Duration(seconds=10))
    key_id = (await kept.credentials.create_key(request)).access_key_id
    await kept.credentials.revoke(
        RevokeCredentialRequest(kind=CREDENTIAL_KIND_ACCESS_KEY, id=key_id)
    )

    for _ in range(2):
        with pytest.raises(UnrecognizedClientException):
            await kept.keyring.key(key_id)
        kept.passes(10)


async def test_a_token_is_valid_until_it_is_revoked(kept: Kept) -> None:
    token, token_id = await _token(kept)
    before = await kept.keyring.principal_of_token(token)
    await _revoke(kept, token_id)

    assert before == BACKEND
    assert await _is_unknown(kept.keyring, token)


async def test_a_credential_of_one_kind_is_not_valid_as_the_other(kept: Kept) -> None:
    """The hash of a token has the form of an access key ID."""
    token, _ = await _token(kept)
    key = await kept.credentials.create_key(CreateAccessKeyRequest(grant=GRANT))

    assert await kept.keyring.key(token_hash(token)) is None
    for text in (token_hash(token), key.access_key_id, key.secret_access_key, "", "é" * 40):
        assert await _is_unknown(kept.keyring, text)


async def test_a_token_expires_although_it_is_cached(kept: Kept) -> None:
    token, _ = await _token(kept, ttl_s=2)
    for _ in range(2):
        assert await kept.keyring.principal_of_token(token) == BACKEND
        kept.passes(1)

    with pytest.raises(ExpiredTokenException):
        await kept.keyring.principal_of_token(token)
    assert len(kept.watched.lookups) == 1


async def test_a_revocation_by_another_process_is_noticed_when_the_cache_expires(
    kept: Kept, executor: Executor
) -> None:
    token, _ = await _token(kept)
    keyring = _keyring(kept, executor, cached_for_s=5)
    assert await keyring.principal_of_token(token) == BACKEND
    kept.store.credentials.revoke("token", token_hash(token), 1)

    kept.passes(4.5)
    assert await keyring.principal_of_token(token) == BACKEND
    kept.passes(0.5)
    assert await _is_unknown(keyring, token)


async def test_revoking_takes_effect_at_once_although_a_lookup_is_running(kept: Kept) -> None:
    """The lookup read the record before the revocation and ends after it."""
    token, token_id = await _token(kept)
    read, release = kept.watched.hold()
    early = asyncio.create_task(kept.keyring.principal_of_token(token))
    await read.wait()
    await _revoke(kept, token_id)
    release.set()

    assert await early is not None
    assert await _is_unknown(kept.keyring, token)


async def test_guesses_cost_at_most_one_query_a_second(kept: Kept, executor: Executor) -> None:
    token, _ = await _token(kept)
    keyring = _keyring(kept, executor)
    for _ in range(3):
        for number in range(15):
            assert await _is_unknown(keyring, f"guess {number}")
            assert await keyring.key(f"GUESS{number:015}") is None
        kept.passes(1)

    assert (kept.watched.lookups, kept.watched.id_reads) == ([], 3)
    assert await keyring.principal_of_token(token) == BACKEND


async def test_a_key_that_cannot_be_decrypted_does_not_fail_other_lookups(kept: Kept) -> None:
    good = await kept.credentials.create_key(CreateAccessKeyRequest(grant=GRANT))
    record = kept.store.credentials.by_id("key", good.access_key_id)
    assert record
    kept.store.credentials.add(replace(record, id="B" * 20, sealed_secret=b"damaged"))
    read, release = kept.watched.hold()
    first = asyncio.create_task(kept.keyring.key(good.access_key_id))
    await read.wait()
    together = [kept.keyring.key(key_id) for key_id in ("B" * 20, good.access_key_id)]
    results = asyncio.gather(*together, return_exceptions=True)
    release.set()

    failed, found = await results
    assert isinstance(failed, Exception)
    assert found == await first
    assert isinstance(found, Credential)


@pytest.mark.parametrize("key_id", ["", "x" * 15, "x" * 129, "A" * 15 + "\0", "é" * 16, "a b" * 9])
async def test_a_malformed_access_key_id_is_not_looked_up(kept: Kept, key_id: str) -> None:
    assert await kept.keyring.key(key_id) is None
    assert kept.watched.lookups == []


async def test_a_valid_credential_exists_until_it_expires_or_is_revoked(kept: Kept) -> None:
    seen = [await kept.keyring.has_valid_credential()]
    _, token_id = await _token(kept, ttl_s=10)
    seen.append(await kept.keyring.has_valid_credential())
    kept.passes(10)
    seen.append(await kept.keyring.has_valid_credential())
    _, token_id = await _token(kept)
    seen.append(await kept.keyring.has_valid_credential())
    await _revoke(kept, token_id)
    seen.append(await kept.keyring.has_valid_credential())

    assert seen == [False, True, False, True, False]
