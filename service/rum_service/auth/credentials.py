"""Access keys and tokens: made, listed, taken back, and looked up on the way of a call."""

from __future__ import annotations

__all__ = ["Credentials"]

import asyncio
import re
import secrets
import string
import time
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from rum.operator.v1 import operator_service_pb2 as pb
from rum_service.auth.callers import ADMIN, READ, WRITE, Principal
from rum_service.auth.secret_files import SecretBox
from rum_service.auth.tokens import new_token, token_hash
from rum_service.errors import ConflictException, ResourceNotFoundException, ValidationException
from rum_service.storage.base import CredentialStore, NameTakenError
from rum_service.storage.records import AppMonitorRecord, CredentialRecord
from rum_service.storage.threads import on_thread

_KEY, _TOKEN = "key", "token"
# How long a revocation by another process on the same database needs to be seen here.
_KNOWN_FOR_S = 5.0
# Unknown ids are remembered too, or each guess would cost the database a query; this many at most.
_MAX_KNOWN = 10_000

_check_name = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII).fullmatch
_check_key_id = re.compile(r"\w{16,128}", re.ASCII).fullmatch
_check_secret = re.compile(r"[\x21-\x7e]{16,128}").fullmatch


@dataclass(frozen=True, slots=True)
class _Good:
    record: CredentialRecord
    secret: str = field(repr=False)
    """Of a key, opened: a thread for each signed put would cost more than all else it does."""


@dataclass(frozen=True, slots=True)
class _Known:
    until: float
    """On the clock of the event loop."""
    good: _Good | None
    """None: there is none."""


class NamedMonitors(Protocol):
    """The app monitors that a grant can name."""

    async def by_name(self, name: str) -> AppMonitorRecord: ...
    async def names(self) -> dict[int, str]: ...


class Credentials:
    """The use cases. To be used on one event loop; the store works on the executor's threads."""

    def __init__(
        self,
        store: CredentialStore,
        executor: Executor,
        monitors: NamedMonitors,
        box: SecretBox,
        *,
        account_id: str,
    ) -> None:
        self._store = store
        self._executor = executor
        self._monitors = monitors
        self._box = box
        self._account_id = account_id
        self._known: dict[tuple[str, str], _Known] = {}

    async def principal_of_token(self, token: str) -> Principal | None:
        """Returns who a token stands for; None where it is unknown, expired or revoked."""
        known = await self._valid(_TOKEN, token_hash(token))
        return self._principal(known.record) if known else None

    async def key(self, access_key_id: str) -> tuple[Principal, str] | None:
        """Returns who an access key stands for, and its secret; None where there is none."""
        # What is no id is not looked up, and so not remembered: it may be long, and hold NUL,
        # which PostgreSQL does not take.
        if not _check_key_id(access_key_id):
            return None
        known = await self._valid(_KEY, access_key_id)
        return (self._principal(known.record), known.secret) if known else None

    async def create_key(self, request: pb.CreateAccessKeyRequest) -> pb.CreateAccessKeyResponse:
        """Makes or takes over an access key. Raises ConflictException."""
        given = (request.HasField("access_key_id"), request.HasField("secret_access_key"))
        if given == (False, False):
            # 120 bits and 240 bits; the letters are those of AWS's keys.
            key_id = "OR" + "".join(secrets.choice(string.ascii_uppercase) for _ in range(18))
            secret = secrets.token_urlsafe(30)
        else:
            key_id, secret = request.access_key_id, request.secret_access_key
            if not _check_key_id(key_id):
                raise ValidationException("access_key_id must be 16 to 128 letters and digits.")
            if not _check_secret(secret):
                raise ValidationException("secret_access_key must be 16 to 128 characters.")
        sealed = await on_thread(self._executor, self._box.seal, secret)
        await self._add(_KEY, key_id, request.grant, sealed, expires_ms=None)
        return pb.CreateAccessKeyResponse(access_key_id=key_id, secret_access_key=secret)

    async def create_token(self, request: pb.CreateTokenRequest) -> pb.CreateTokenResponse:
        """Makes a token."""
        expires_ms = None
        if request.HasField("expires_in_seconds"):
            if not 1 <= request.expires_in_seconds <= 10**9:
                raise ValidationException("expires_in_seconds must be between 1 and 10^9.")
            expires_ms = _now_ms() + request.expires_in_seconds * 1000
        token = new_token()
        await self._add(_TOKEN, token_hash(token), request.grant, b"", expires_ms)
        return pb.CreateTokenResponse(id=_shown_id(_TOKEN, token_hash(token)), token=token)

    async def list(self, request: pb.ListCredentialsRequest) -> pb.ListCredentialsResponse:
        """Lists credentials without their secrets."""
        _check_kind(request.kind or _KEY)
        records = await on_thread(self._executor, self._store.list)
        names = await self._monitors.names()
        return pb.ListCredentialsResponse(
            credentials=[
                _shown(record, names) for record in records if request.kind in ("", record.kind)
            ]
        )

    async def revoke(self, request: pb.RevokeCredentialRequest) -> None:
        """Takes a credential back, for good. Raises ResourceNotFoundException."""
        _check_kind(request.kind)
        found = [
            record
            for record in await on_thread(self._executor, self._store.list)
            if record.kind == request.kind and _shown_id(record.kind, record.id) == request.id
        ]
        if not found:
            raise ResourceNotFoundException(
                f"There is no {request.kind} with this id.", request.id, "Credential"
            )
        revoke = self._store.revoke
        await on_thread(self._executor, revoke, request.kind, found[0].id, _now_ms())
        self._forget_known()

    async def has_valid_credential(self) -> bool:
        """Says whether there is a credential that is good."""
        records = await on_thread(self._executor, self._store.list)
        return any(_is_valid(record) for record in records)

    async def _add(
        self, kind: str, record_id: str, grant: pb.Grant, sealed: bytes, expires_ms: int | None
    ) -> None:
        if not _check_name(grant.name):
            raise ValidationException(r"grant.name must match [\w+=,.@-]{1,64}.")
        if not grant.access or not set(grant.access) <= {READ, WRITE, ADMIN}:
            raise ValidationException("grant.access must be of read, write, admin.")
        restricted = grant.HasField("app_monitor_name")
        if restricted and ADMIN in grant.access:
            raise ValidationException("grant.app_monitor_name cannot restrict admin.")
        monitor = await self._monitors.by_name(grant.app_monitor_name) if restricted else None
        record = CredentialRecord(
            kind=kind,
            id=record_id,
            name=grant.name,
            access=",".join(sorted(set(grant.access))),
            app_monitor=monitor.key if monitor else None,
            sealed_secret=sealed,
            created_ms=_now_ms(),
            expires_ms=expires_ms,
        )
        try:
            await on_thread(self._executor, self._store.add, record)
        except NameTakenError:
            raise ConflictException(
                "This access key id is in use.", record_id, "Credential"
            ) from None
        self._forget_known()

    async def _valid(self, kind: str, record_id: str) -> _Good | None:
        now = asyncio.get_running_loop().time()
        known = self._known.get((kind, record_id))
        if known is None or known.until <= now:
            cache = self._known
            found = await on_thread(self._executor, self._look_up, kind, record_id)
            known = _Known(now + _KNOWN_FOR_S, found)
            if len(cache) >= _MAX_KNOWN:
                cache.clear()
            cache[kind, record_id] = known
        return known.good if known.good and _is_valid(known.good.record) else None

    def _look_up(self, kind: str, record_id: str) -> _Good | None:
        record = self._store.by_id(kind, record_id)
        if record is None or not _is_valid(record):
            return None
        return _Good(record, self._box.open(record.sealed_secret) if kind == _KEY else "")

    def _forget_known(self) -> None:
        # A new cache: a look-up under way may hold what was before, and puts that into the old one.
        self._known = {}

    def _principal(self, record: CredentialRecord) -> Principal:
        return Principal(
            arn=f"arn:aws:iam::{self._account_id}:user/{record.name}",
            access=frozenset(record.access.split(",")),
            app_monitor=record.app_monitor,
        )


def _check_kind(kind: str) -> None:
    if kind not in (_KEY, _TOKEN):
        raise ValidationException("kind must be key or token.")


def _is_valid(record: CredentialRecord) -> bool:
    expired = record.expires_ms is not None and record.expires_ms <= _now_ms()
    return record.revoked_ms is None and not expired


def _shown_id(kind: str, record_id: str) -> str:
    # Enough of a token's hash to name it.
    return record_id if kind == _KEY else record_id[:16]


def _shown(record: CredentialRecord, monitor_names: dict[int, str]) -> pb.Credential:
    grant = pb.Grant(name=record.name, access=record.access.split(","))
    if record.app_monitor is not None:
        grant.app_monitor_name = monitor_names.get(record.app_monitor, "(deleted)")
    shown = pb.Credential(
        id=_shown_id(record.kind, record.id),
        kind=record.kind,
        grant=grant,
        created=_rfc3339(record.created_ms),
    )
    if record.expires_ms is not None:
        shown.expires = _rfc3339(record.expires_ms)
    if record.revoked_ms is not None:
        shown.revoked = _rfc3339(record.revoked_ms)
    return shown


def _rfc3339(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")


def _now_ms() -> int:
    return round(time.time() * 1000)
