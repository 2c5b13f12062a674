"""Access keys and tokens as calls present them: looked up in the store and cached."""

from __future__ import annotations

__all__ = ["ACCESS_KEY", "TOKEN", "Credential", "Keyring", "is_access_key_id", "sealed_text"]

import re
from collections.abc import Callable, Collection
from concurrent.futures import Executor
from dataclasses import dataclass, field

from rum_service.auth.callers import Principal
from rum_service.auth.secret_files import SecretBox
from rum_service.auth.tokens import token_hash
from rum_service.errors import ExpiredTokenException, UnrecognizedClientException
from rum_service.lookup_cache import LookupCache
from rum_service.storage.base import CredentialStore
from rum_service.storage.records import CredentialRecord
from rum_service.storage.threads import on_thread

# The kinds of `CredentialRecord`.
ACCESS_KEY, TOKEN = "key", "token"

_Id = tuple[str, str]
"""Kind and ID of a credential."""

is_access_key_id = re.compile(r"\w{16,128}", re.ASCII).fullmatch


def sealed_text(secret: str, session_token: str) -> str:
    """Return the text that is encrypted for an access key. Neither part contains spaces."""
    return f"{secret} {session_token}".rstrip()


@dataclass(frozen=True, slots=True)
class Credential:
    """A stored access key or token, decrypted once, so that a signed put needs no thread for it."""

    principal: Principal
    expires_ms: int | None
    """When it expires, in milliseconds since the Unix epoch. None: never."""
    is_revoked: bool
    secret: str = field(repr=False)
    """The secret of an access key. Empty for a token, and after a revocation."""
    session_token: str = field(repr=False)
    """The session token of a temporary access key. Empty for all others."""


class Keyring:
    """The valid credentials. For use on one event loop; the store runs on the executor.

    Args:
        clock: Unix seconds; decides whether a credential has expired.
        monotonic: seconds; decides how long a lookup is cached.
        cached_for_s: how long another process's revocation may go unnoticed, in seconds.
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
    ) -> None:
        self._store = store
        self._executor = executor
        self._box = box
        self._account_id = account_id
        self._clock = clock
        self._cache = LookupCache[_Id, Credential](
            read_ids=lambda: on_thread(executor, store.ids),
            read=lambda ids: on_thread(executor, self._read, ids),
            ttl_s=cached_for_s,
            clock=monotonic,
        )

    async def principal_of_token(self, token: str) -> Principal:
        """Return a token's principal.

        Raises:
            UnrecognizedClientException: the token is unknown or was revoked.
            ExpiredTokenException: the token has expired.
        """
        found = await self._found(TOKEN, token_hash(token))
        if found is None:
            raise UnrecognizedClientException
        self.check_not_expired(found)
        return found.principal

    async def key(self, access_key_id: str) -> Credential | None:
        """Return an access key, also after it has expired, or None if there never was such a key.

        Raises:
            UnrecognizedClientException: the key was revoked.
        """
        # Malformed IDs never reach the cache or the database: they can be long, and PostgreSQL
        # rejects NUL.
        if not is_access_key_id(access_key_id):
            return None
        return await self._found(ACCESS_KEY, access_key_id)

    def check_not_expired(self, credential: Credential) -> None:
        """Raise ExpiredTokenException if the credential has expired."""
        if credential.expires_ms is not None and credential.expires_ms <= self._now_ms():
            raise ExpiredTokenException

    async def has_valid_credential(self) -> bool:
        """Return whether any credential is valid."""
        return await on_thread(self._executor, self._store.any_valid, self._now_ms())

    def clear(self) -> None:
        """Forget all lookups. Call this after each change that this process makes."""
        self._cache.clear()

    async def _found(self, kind: str, record_id: str) -> Credential | None:
        found = await self._cache.find((kind, record_id))
        if found and found.is_revoked:
            raise UnrecognizedClientException
        return found

    def _read(self, ids: Collection[_Id]) -> dict[_Id, Credential | Exception]:
        records = {record_id: self._store.by_id(*record_id) for record_id in ids}
        return {
            record_id: self._try_decrypt(record) for record_id, record in records.items() if record
        }

    def _try_decrypt(self, record: CredentialRecord) -> Credential | Exception:
        """Decrypt a credential, or return why that fails: it must not fail the others."""
        try:
            return self._decrypted(record)
        except Exception as error:
            return error

    def _decrypted(self, record: CredentialRecord) -> Credential:
        is_revoked = record.revoked_ms is not None
        sealed = b"" if is_revoked else record.sealed_secret
        secret, _, session_token = (self._box.open(sealed) if sealed else "").partition(" ")
        principal = Principal(
            arn=f"arn:aws:iam::{self._account_id}:user/{record.name}",
            access=frozenset(record.access.split(",")),
            app_monitor=record.app_monitor,
        )
        return Credential(principal, record.expires_ms, is_revoked, secret, session_token)

    def _now_ms(self) -> int:
        return round(self._clock() * 1000)
