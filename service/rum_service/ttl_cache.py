"""A cache whose entries expire, for lookups that each call needs and a database answers."""

from __future__ import annotations

__all__ = ["TtlCache"]

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class TtlCache(Generic[K, V]):
    """Keep each value for `ttl_s` seconds. For use on one event loop.

    Args:
        ttl_s: how long another process's change may go unnoticed, in seconds.
        max_entries: a full cache is emptied, so that strangers' guesses cannot fill memory.
        clock: monotonic, in seconds.
    """

    def __init__(self, *, ttl_s: float, max_entries: int, clock: Callable[[], float]) -> None:
        self._ttl_s = ttl_s
        self._max_entries = max_entries
        self._clock = clock
        self._entries: dict[K, tuple[float, V]] = {}

    def get(self, key: K) -> V | None:
        """Return the cached value, or None if there is none or it has expired."""
        entry = self._entries.get(key)
        return entry[1] if entry and entry[0] > self._clock() else None

    async def get_or_load(self, key: K, load: Callable[[], Awaitable[V]]) -> V:
        """Return the cached value, or load and cache it. Exceptions of `load` are not cached."""
        now = self._clock()
        entry = self._entries.get(key)
        if entry and entry[0] > now:
            return entry[1]
        # `clear` replaces the dict, so a load that began before it cannot cache a stale value.
        entries = self._entries
        value = await load()
        if len(entries) >= self._max_entries:
            entries.clear()
        entries[key] = (now + self._ttl_s, value)
        return value

    def clear(self) -> None:
        """Forget everything. Call this after each change that this process makes."""
        self._entries = {}
