"""A cache of records that each call looks up by ID and a database stores.

Anyone can send random IDs. They cost at most one query a second together, because the IDs of all
records are in memory too.
"""

from __future__ import annotations

__all__ = ["LookupCache"]

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

# An ID that another process creates is unknown here for at most this time, if other unknown IDs
# are looked up meanwhile.
_IDS_TTL_S = 1.0


class _Known(Generic[K, V]):
    """What the cache knows. `clear` replaces it, so that a read in progress adds nothing stale."""

    def __init__(self) -> None:
        self.ids: set[K] = set()
        self.ids_expire = float("-inf")
        self.values: dict[K, tuple[float, V]] = {}
        """Each value with the time when it expires."""


class LookupCache(Generic[K, V]):
    """Keep each value for `ttl_s` seconds. For use on one event loop.

    The IDs that are looked up during a read of the database are read together after it.

    Args:
        read_ids: returns the IDs of all records.
        read: returns the values for the IDs that exist. An exception in place of a value is raised
            by `find` and not kept.
        ttl_s: how long another process's change may go unnoticed, in seconds.
        clock: monotonic, in seconds.
    """

    def __init__(
        self,
        *,
        read_ids: Callable[[], Awaitable[Iterable[K]]],
        read: Callable[[Collection[K]], Awaitable[Mapping[K, V | Exception]]],
        ttl_s: float,
        clock: Callable[[], float],
    ) -> None:
        self._read_ids = read_ids
        self._read = read
        self._ttl_s = ttl_s
        self._clock = clock
        self._known = _Known[K, V]()
        self._reading = asyncio.Lock()
        self._wanted: set[K] = set()
        self._next_read: asyncio.Task[Mapping[K, V | Exception]] | None = None

    def get(self, key: K) -> V | None:
        """Return the cached value, or None if there is none or it has expired."""
        entry = self._known.values.get(key)
        return entry[1] if entry and entry[0] > self._clock() else None

    def last(self, key: K) -> V | None:
        """Return the value that was read last, even if it has expired."""
        entry = self._known.values.get(key)
        return entry[1] if entry else None

    async def find(self, key: K) -> V | None:
        """Return the value, from the cache or the database. None: the record does not exist.

        Raises whatever the read of the value raised.
        """
        if (value := self.get(key)) is not None or not self._may_exist(key):
            return value
        found = (await self._join_read([key])).get(key)
        if isinstance(found, Exception):
            raise found
        return found

    async def load(self, keys: Iterable[K]) -> None:
        """Read the values that are not cached together, so that `find` needs no query for each."""
        missing = [key for key in keys if self.get(key) is None and self._may_exist(key)]
        if missing:
            await self._join_read(missing)

    def clear(self) -> None:
        """Forget everything. Call this after each change that this process makes."""
        self._known = _Known()

    def _may_exist(self, key: K) -> bool:
        return key in self._known.ids or self._known.ids_expire <= self._clock()

    def _join_read(self, keys: Iterable[K]) -> asyncio.Future[Mapping[K, V | Exception]]:
        """Return the result of the next read, which includes these keys."""
        self._wanted.update(keys)
        if self._next_read is None:
            self._next_read = asyncio.create_task(self._read_wanted())
        return asyncio.shield(self._next_read)  # others wait for it too

    async def _read_wanted(self) -> Mapping[K, V | Exception]:
        async with self._reading:
            wanted, self._wanted, self._next_read = self._wanted, set(), None
            known, now = self._known, self._clock()
            if known.ids_expire <= now and not wanted <= known.ids:
                known.ids = set(await self._read_ids())
                known.ids_expire = now + _IDS_TTL_S
                known.values = {k: value for k, value in known.values.items() if k in known.ids}
            # Together with what has expired: calls with many IDs need one read, not one for each.
            expired = {key for key, (expires, _) in known.values.items() if expires <= now}
            existing = (wanted | expired) & known.ids
            found = await self._read(existing) if existing else {}
            known.ids -= existing - found.keys()
            # Only now: until the read has ended, `last` returns them.
            for key in expired:
                known.values.pop(key, None)
            for key, value in found.items():
                if not isinstance(value, Exception):
                    known.values[key] = (now + self._ttl_s, value)
            return found
