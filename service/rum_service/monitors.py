"""What a put needs to know about an app monitor, compiled once and cached."""

from __future__ import annotations

__all__ = ["Monitor", "MonitorCache"]

import json
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

from rum_service.errors import ResourceNotFoundException
from rum_service.events.custom import custom_events_enabled
from rum_service.lookup_cache import LookupCache
from rum_service.storage.base import AppMonitorStore
from rum_service.storage.records import AppMonitorRecord
from rum_service.storage.threads import on_thread

# Changes by another process on the same database take effect here after at most this time.
# Changes by this process take effect at once.
_CACHED_S = 5.0
# Most records are the same each time they are read. Compiling one takes 20 to 100 µs.
_MAX_COMPILED = 1024

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Monitor(Generic[P]):
    """A compiled app monitor. `P` is the type of its compiled resource policy."""

    key: int
    """Identifies the app monitor in the log."""
    name: str
    policy: P | None
    """The resource policy, or None."""
    domains: tuple[str, ...]
    """Its domains, with wildcards: `*.example.com`, `example.*`."""
    keeps_custom_events: bool
    """Whether custom events are stored. Otherwise they are dropped and counted."""


class MonitorCache(Generic[P]):
    """Finds app monitors. For use on one event loop; the store works on the executor's threads.

    Args:
        compile_policy: compiles a stored resource policy.
        clock: monotonic, in seconds.
    """

    def __init__(
        self,
        store: AppMonitorStore,
        executor: Executor,
        *,
        compile_policy: Callable[[str], P],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._executor = executor
        self._compile_policy = compile_policy
        self._compiled = lru_cache(_MAX_COMPILED)(self._compile)
        self._cache = LookupCache[str, Monitor[P]](
            read_ids=lambda: on_thread(executor, store.ids),
            read=lambda ids: on_thread(executor, self._read, ids),
            ttl_s=_CACHED_S,
            clock=clock,
        )

    def cached(self, monitor_id: str) -> Monitor[P] | None:
        """Return the app monitor with this id if it is cached, in lower case only."""
        return self._cache.get(monitor_id)

    def known_key(self, monitor_id: str) -> int | None:
        """Return the key of the app monitor with this id if it has been read, in lower case only.

        It stays known while the app monitor is read again.
        """
        monitor = self._cache.last(monitor_id)
        return monitor.key if monitor else None

    async def by_id(self, monitor_id: str) -> Monitor[P]:
        """Return the app monitor with this id, in upper or lower case, from the cache or the store.

        Raises:
            ResourceNotFoundException: the app monitor does not exist.
        """
        monitor_id = monitor_id.lower()
        monitor = await self._cache.find(monitor_id)
        if monitor is None:
            raise ResourceNotFoundException(
                "There is no app monitor with this id.", monitor_id, "AppMonitor"
            )
        return monitor

    async def load(self, monitor_ids: Iterable[str]) -> None:
        """Read the app monitors with these ids that are not cached, in one query.

        `by_id` then needs no query for each.
        """
        await self._cache.load([monitor_id.lower() for monitor_id in monitor_ids])

    async def by_name(self, name: str) -> Monitor[P] | None:
        """Return the app monitor with this name as stored now, or None."""
        record = await on_thread(self._executor, self._store.by_name, name)
        return None if record is None else self._compiled(record)

    def forget(self) -> None:
        """Read app monitors from the store again. Call this after each change of one."""
        self._cache.clear()

    def _read(self, monitor_ids: Collection[str]) -> dict[str, Monitor[P] | Exception]:
        records = self._store.by_ids(monitor_ids)
        return {record.id: self._try_compile(record) for record in records}

    def _try_compile(self, record: AppMonitorRecord) -> Monitor[P] | Exception:
        """Compile a record, or return why that fails: it must not fail the other app monitors."""
        try:
            return self._compiled(record)
        except Exception as error:
            return error

    def _compile(self, record: AppMonitorRecord) -> Monitor[P]:
        members = json.loads(record.document)
        domain = members.get("Domain")
        return Monitor(
            key=record.key,
            name=record.name,
            policy=None if record.policy is None else self._compile_policy(record.policy),
            domains=(*members.get("DomainList", ()), *([domain] if domain else ())),
            keeps_custom_events=custom_events_enabled(members),
        )
