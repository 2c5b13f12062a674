"""Access keys and tokens as calls present them: looked up in the store and cached."""

from __future__ import annotations

__all__ = ["ACCESS_KEY", "TOKEN", "Keyring", "is_access_key_id"]

import re
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field

from rum_service.auth.callers import Principal
from rum_service.auth.secret_files import SecretBox
from rum_service.auth.tokens import token_hash
from rum_service.storage.base import CredentialStore
from rum_service.storage.records import CredentialRecord
from rum_service.storage.threads import on_thread
from rum_service.ttl_cache import TtlCache

# The kinds of `CredentialRecord`.
ACCESS_KEY, TOKEN = "key", "token"

is_access_key_id = re.compile(r"\w{16,128}", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class _Credential:
    record: CredentialRecord
    secret: str = field(repr=False)
    """The decrypted secret of an access key, so that a signed put needs no thread to decrypt it."""


class Keyring:
    """The valid credentials. For use on one event loop; the store runs on the executor.

    Args:
        clock: Unix seconds; decides whether a credential has expired.
        monotonic: seconds; decides how long a lookup is cached.
        cached_for_s: how long another process's revocation may go unnoticed, in seconds.
        max_cached: unknown IDs are cached too, because each guess would cost a query otherwise.
    """

    def __init__(
        self,
        store: CredentialStore,
        executor: Executor,
        box: SecretBox,
        *,
        account_id: str,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        cached_for_s: float = 5.0,
        max_cached: int = 10_000,
    ) -> None:
        self._store = store
        self._executor = executor
        self._box = box
        self._account_id = account_id
        self._clock = clock
        self._cache = TtlCache[tuple[str, str], _Credential | None](
            ttl_s=cached_for_s, max_entries=max_cached, clock=monotonic
        )

    async def principal_of_token(self, token: str) -> Principal | None:
        """Return the principal of a token; None if it is unknown, expired or revoked."""
        found = await self._valid(TOKEN, token_hash(token))
        return self._principal(found.record) if found else None

    async def key(self, access_key_id: str) -> tuple[Principal, str] | None:
        """Return the principal of an access key and its secret; None if no such key is valid."""
        # Malformed IDs never reach the cache or the database: they can be long, and PostgreSQL
        # rejects NUL.
        if not is_access_key_id(access_key_id):
            return None
        found = await self._valid(ACCESS_KEY, access_key_id)
        return (self._principal(found.record), found.secret) if found else None

    async def has_valid_credential(self) -> bool:
        """Return whether any credential is valid."""
        return await on_thread(self._executor, self._store.any_valid, self._now_ms())

    def clear(self) -> None:
        """Forget all lookups. Call this after each change that this process makes."""
        self._cache.clear()

    async def _valid(self, kind: str, record_id: str) -> _Credential | None:
        async def load() -> _Credential | None:
            return await on_thread(self._executor, self._load, kind, record_id)

        found = await self._cache.get_or_load((kind, record_id), load)
        return found if found and self._is_valid(found.record) else None

    def _load(self, kind: str, record_id: str) -> _Credential | None:
        record = self._store.by_id(kind, record_id)
        if record is None or not self._is_valid(record):
            return None
        return _Credential(
            record, self._box.open(record.sealed_secret) if kind == ACCESS_KEY else ""
        )

    def _is_valid(self, record: CredentialRecord) -> bool:
        expired = record.expires_ms is not None and record.expires_ms <= self._now_ms()
        return record.revoked_ms is None and not expired

    def _principal(self, record: CredentialRecord) -> Principal:
        return Principal(
            arn=f"arn:aws:iam::{self._account_id}:user/{record.name}",
            access=frozenset(record.access.split(",")),
            app_monitor=record.app_monitor,
        )

    def _now_ms(self) -> int:
        return round(self._clock() * 1000)
