"""Credentials for operators: create, list and revoke access keys and tokens."""

from __future__ import annotations

__all__ = ["Credentials"]

import re
from collections.abc import Callable
from concurrent.futures import Executor

from rum.operator.v1 import operator_service_pb2 as pb
from rum_service.auth.callers import ADMIN, READ, WRITE
from rum_service.auth.keyring import ACCESS_KEY, TOKEN, Keyring, is_access_key_id, sealed_text
from rum_service.auth.secret_files import SecretBox
from rum_service.auth.tokens import token_hash
from rum_service.control.app_monitors import AppMonitors
from rum_service.errors import ConflictException, ResourceNotFoundException, ValidationException
from rum_service.page_tokens import decode_token, encode_token
from rum_service.storage.base import CredentialStore, NameTakenError
from rum_service.storage.records import CredentialRecord
from rum_service.storage.threads import on_thread

_DEFAULT_PAGE_SIZE, _MAX_PAGE_SIZE = 100, 1000
_MAX_TTL_MS = 10**12
# Length of the public ID, which is the start of the token's hash.
_TOKEN_ID_LENGTH = 16

_KINDS: dict[int, str] = {
    pb.CREDENTIAL_KIND_ACCESS_KEY: ACCESS_KEY,
    pb.CREDENTIAL_KIND_TOKEN: TOKEN,
}
_KIND_VALUES = {ACCESS_KEY: pb.CREDENTIAL_KIND_ACCESS_KEY, TOKEN: pb.CREDENTIAL_KIND_TOKEN}
_KIND_NAMES = {ACCESS_KEY: "access key", TOKEN: "token"}
_ACCESSES = {pb.ACCESS_WRITE: WRITE, pb.ACCESS_READ: READ, pb.ACCESS_ADMIN: ADMIN}
_ACCESS_VALUES = {access: value for value, access in _ACCESSES.items()}

_is_name = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII).fullmatch
_is_secret = re.compile(r"[\x21-\x7e]{16,128}").fullmatch
_is_session_token = re.compile(r"[\x21-\x7e]{16,4096}").fullmatch
_is_token_id = re.compile(rf"[0-9a-f]{{{_TOKEN_ID_LENGTH}}}").fullmatch


class Credentials:
    """The use cases. For use on one event loop; the store runs on the executor.

    Args:
        keyring: forgets its lookups when a credential is created or revoked.
        clock: Unix seconds.
        new_access_key: returns a new access key ID and its secret.
        new_token: returns a new token.
    """

    def __init__(
        self,
        store: CredentialStore,
        executor: Executor,
        app_monitors: AppMonitors,
        keyring: Keyring,
        box: SecretBox,
        *,
        clock: Callable[[], float],
        new_access_key: Callable[[], tuple[str, str]],
        new_token: Callable[[], str],
    ) -> None:
        self._store = store
        self._executor = executor
        self._app_monitors = app_monitors
        self._keyring = keyring
        self._box = box
        self._clock = clock
        self._new_access_key = new_access_key
        self._new_token = new_token

    async def create_key(self, request: pb.CreateAccessKeyRequest) -> pb.CreateAccessKeyResponse:
        """Create or import an access key.

        Raises:
            ValidationException: a member is not valid.
            ConflictException: the access key ID is in use.
            ResourceNotFoundException: the app monitor of the grant does not exist.
        """
        expires_ms = self._expires_ms(request)
        key_id, secret = _imported(request) or self._new_access_key()
        text = sealed_text(secret, request.session_token)
        sealed = await on_thread(self._executor, self._box.seal, text)
        await self._add(ACCESS_KEY, key_id, request.grant, sealed, expires_ms)
        return pb.CreateAccessKeyResponse(access_key_id=key_id, secret_access_key=secret)

    async def create_token(self, request: pb.CreateTokenRequest) -> pb.CreateTokenResponse:
        """Create a token.

        Raises:
            ValidationException: a member is not valid.
            ResourceNotFoundException: the app monitor of the grant does not exist.
        """
        expires_ms = self._expires_ms(request)
        token = self._new_token()
        record_id = token_hash(token)
        await self._add(TOKEN, record_id, request.grant, b"", expires_ms)
        return pb.CreateTokenResponse(id=_public_id(TOKEN, record_id), token=token)

    async def list(self, request: pb.ListCredentialsRequest) -> pb.ListCredentialsResponse:
        """Return a page of credentials without their secrets, newest first.

        Raises:
            ValidationException: a member is not valid.
        """
        kind = _kind(request.kind) if request.kind else None
        if not 0 <= request.page_size <= _MAX_PAGE_SIZE:
            raise ValidationException(f"page_size must be between 0 and {_MAX_PAGE_SIZE}.")
        size, token = request.page_size or _DEFAULT_PAGE_SIZE, request.page_token
        records = await on_thread(
            self._executor,
            self._store.list,
            kind=kind,
            after=decode_token("page_token", token, int, str, str) if token else None,
            limit=size + 1,
        )
        names = await self._app_monitors.names()
        response = pb.ListCredentialsResponse(
            credentials=[_shown(record, names) for record in records[:size]]
        )
        if len(records) > size:
            last = records[size - 1]
            response.next_page_token = encode_token(last.created_ms, last.kind, last.id)
        return response

    async def revoke(self, request: pb.RevokeCredentialRequest) -> None:
        """Revoke a credential permanently.

        Raises:
            ValidationException: the kind is not valid.
            ResourceNotFoundException: the credential does not exist.
        """
        kind = _kind(request.kind)
        record_id = await self._record_id(kind, request.id)
        revoked = record_id is not None and await on_thread(
            self._executor, self._store.revoke, kind, record_id, self._now_ms()
        )
        if not revoked:
            raise ResourceNotFoundException(
                f"There is no {_KIND_NAMES[kind]} with this ID.", request.id, "Credential"
            )
        self._keyring.clear()

    async def _record_id(self, kind: str, public_id: str) -> str | None:
        if kind == ACCESS_KEY:
            return public_id if is_access_key_id(public_id) else None
        if not _is_token_id(public_id):
            return None
        record = await on_thread(self._executor, self._store.by_id_prefix, kind, public_id)
        return record.id if record else None

    async def _add(
        self, kind: str, record_id: str, grant: pb.Grant, sealed: bytes, expires_ms: int | None
    ) -> None:
        if not _is_name(grant.name):
            raise ValidationException(r"grant.name must match [\w+=,.@-]{1,64}.")
        if not grant.access or not set(grant.access) <= _ACCESSES.keys():
            raise ValidationException(
                "grant.access must have at least one of ACCESS_WRITE, ACCESS_READ, ACCESS_ADMIN."
            )
        restricted = grant.HasField("app_monitor_name")
        if restricted and pb.ACCESS_ADMIN in grant.access:
            raise ValidationException("grant.app_monitor_name is not allowed with ACCESS_ADMIN.")
        monitor = await self._app_monitors.by_name(grant.app_monitor_name) if restricted else None
        record = CredentialRecord(
            kind=kind,
            id=record_id,
            name=grant.name,
            access=",".join(sorted({_ACCESSES[access] for access in grant.access})),
            app_monitor=monitor.key if monitor else None,
            sealed_secret=sealed,
            created_ms=self._now_ms(),
            expires_ms=expires_ms,
        )
        try:
            await on_thread(self._executor, self._store.add, record)
        except NameTakenError:
            raise ConflictException(
                "This access key ID is in use.", record_id, "Credential"
            ) from None
        self._keyring.clear()

    def _expires_ms(self, request: pb.CreateAccessKeyRequest | pb.CreateTokenRequest) -> int | None:
        if not request.HasField("ttl"):
            return None
        ttl_ms = request.ttl.seconds * 1000 + request.ttl.nanos // 1_000_000
        if not 1000 <= ttl_ms <= _MAX_TTL_MS:
            raise ValidationException("ttl must be between 1 and 1000000000 seconds.")
        return self._now_ms() + ttl_ms

    def _now_ms(self) -> int:
        return round(self._clock() * 1000)


def _imported(request: pb.CreateAccessKeyRequest) -> tuple[str, str] | None:
    """Return the ID and the secret of the key to import, or None. Raises ValidationException."""
    key_id, secret = request.access_key_id, request.secret_access_key
    has_token = request.HasField("session_token")
    if not (
        has_token or request.HasField("access_key_id") or request.HasField("secret_access_key")
    ):
        return None
    if not is_access_key_id(key_id):
        raise ValidationException(r"access_key_id must match [\w]{16,128}.")
    if not _is_secret(secret):
        raise ValidationException(
            "secret_access_key must be 16 to 128 printable ASCII characters without spaces."
        )
    if has_token and not _is_session_token(request.session_token):
        raise ValidationException(
            "session_token must be 16 to 4096 printable ASCII characters without spaces."
        )
    return key_id, secret


def _kind(value: int) -> str:
    kind = _KINDS.get(value)
    if kind is None:
        raise ValidationException(
            "kind must be CREDENTIAL_KIND_ACCESS_KEY or CREDENTIAL_KIND_TOKEN."
        )
    return kind


def _public_id(kind: str, record_id: str) -> str:
    return record_id if kind == ACCESS_KEY else record_id[:_TOKEN_ID_LENGTH]


def _shown(record: CredentialRecord, monitor_names: dict[int, str]) -> pb.Credential:
    grant = pb.Grant(
        name=record.name, access=[_ACCESS_VALUES[access] for access in record.access.split(",")]
    )
    if record.app_monitor is not None:
        grant.app_monitor_name = monitor_names.get(record.app_monitor, "(deleted)")
    shown = pb.Credential(
        id=_public_id(record.kind, record.id), kind=_KIND_VALUES[record.kind], grant=grant
    )
    shown.create_time.FromMilliseconds(record.created_ms)
    if record.expires_ms is not None:
        shown.expire_time.FromMilliseconds(record.expires_ms)
    if record.revoked_ms is not None:
        shown.revoke_time.FromMilliseconds(record.revoked_ms)
    return shown
