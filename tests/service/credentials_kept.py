"""Credentials on a real database, with a clock that the test sets and lookups that it can watch."""

from __future__ import annotations

__all__ = ["Kept", "WatchedCredentials", "kept_in"]

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rum_service.auth.keyring import Keyring
from rum_service.control.app_monitors import AppMonitors
from rum_service.control.credentials import Credentials
from rum_service.storage import open_store
from rum_service.storage.base import CredentialStore, Store
from rum_service.storage.records import CredentialRecord
from tests.support.services import ACCOUNT, settings_in, started

_TIMEOUT_S = 30


class WatchedCredentials:
    """A `CredentialStore` that records lookups by ID and can hold one after it has read.

    It also counts the reads of all IDs.
    """

    def __init__(self, store: CredentialStore) -> None:
        self._store = store
        self.lookups: list[str] = []
        self.id_reads = 0
        self._hold: tuple[asyncio.AbstractEventLoop, asyncio.Event, asyncio.Event] | None = None

    def hold(self) -> tuple[asyncio.Event, asyncio.Event]:
        """Hold the next lookup. Return two events: one set by the lookup, one that releases it."""
        read, release = asyncio.Event(), asyncio.Event()
        self._hold = asyncio.get_running_loop(), read, release
        return read, release

    def by_id(self, kind: str, credential_id: str) -> CredentialRecord | None:
        self.lookups.append(credential_id)
        found = self._store.by_id(kind, credential_id)
        if self._hold:
            (loop, read, release), self._hold = self._hold, None
            loop.call_soon_threadsafe(read.set)
            asyncio.run_coroutine_threadsafe(release.wait(), loop).result(_TIMEOUT_S)
        return found

    def add(self, credential: CredentialRecord) -> None:
        self._store.add(credential)

    def by_id_prefix(self, kind: str, prefix: str) -> CredentialRecord | None:
        return self._store.by_id_prefix(kind, prefix)

    def ids(self) -> set[tuple[str, str]]:
        self.id_reads += 1
        return self._store.ids()

    def any_valid(self, now_ms: int) -> bool:
        return self._store.any_valid(now_ms)

    def list(
        self, *, kind: str | None, after: tuple[int, str, str] | None, limit: int
    ) -> Sequence[CredentialRecord]:
        return self._store.list(kind=kind, after=after, limit=limit)

    def revoke(self, kind: str, credential_id: str, revoked_ms: int) -> bool:
        return self._store.revoke(kind, credential_id, revoked_ms)


@dataclass
class Clock:
    """A clock that a test sets."""

    now: float = 1_793_534_400.25
    """2026-11-01T12:00:00.25Z, in Unix seconds."""

    def __call__(self) -> float:
        return self.now


@dataclass
class Kept:
    """The use cases and what they stand on."""

    folder: Path
    store: Store
    watched: WatchedCredentials
    app_monitors: AppMonitors
    credentials: Credentials
    keyring: Keyring
    clock: Clock

    @property
    def now(self) -> float:
        """The time of the clock."""
        return self.clock.now

    def passes(self, seconds: float) -> None:
        """Move the clock."""
        self.clock.now += seconds

    def records(self) -> list[CredentialRecord]:
        """Return all records, newest first."""
        return list(self.store.credentials.list(kind=None, after=None, limit=1000))


@asynccontextmanager
async def kept_in(folder: Path) -> AsyncIterator[Kept]:
    """Run the use cases of a service on an empty database in the folder."""
    settings = settings_in(folder, account_id=ACCOUNT)
    store = open_store(settings.database_url)
    watched = WatchedCredentials(store.credentials)
    clock = Clock()
    async with started(replace(store, credentials=watched), settings, clock=clock) as service:
        yield Kept(
            folder,
            store,
            watched,
            service.app_monitors,
            service.credentials,
            service.keyring,
            clock,
        )
    store.close()
