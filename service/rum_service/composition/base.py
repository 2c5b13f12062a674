"""Builds the base of all other parts: settings, the store, threads and app monitors."""

from __future__ import annotations

__all__ = ["LOOKUP_THREADS", "READER_THREADS", "Base"]

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import Self

from rum_service.auth import policy
from rum_service.control.app_monitor_deletion import AppMonitorDeletion
from rum_service.control.app_monitors import AppMonitors
from rum_service.control.source_map_purge import SourceMapPurge
from rum_service.monitors import MonitorCache
from rum_service.settings import ServiceSettings
from rum_service.storage.base import Store

READER_THREADS = 4
LOOKUP_THREADS = 4


@dataclass(frozen=True)
class Base:
    """Parts that many others need."""

    settings: ServiceSettings
    store: Store
    clock: Callable[[], float]
    """Unix seconds."""
    new_id: Callable[[], str]
    lookups: ThreadPoolExecutor
    """Threads for the small queries that puts wait for. Slow reads do not occupy them."""
    readers: ThreadPoolExecutor
    """Threads for reads of the log and for the control plane."""
    monitors: MonitorCache[policy.Policy]
    source_map_purge: SourceMapPurge
    deletion: AppMonitorDeletion
    app_monitors: AppMonitors

    @classmethod
    def of(
        cls,
        settings: ServiceSettings,
        store: Store,
        *,
        clock: Callable[[], float],
        new_id: Callable[[], str],
    ) -> Self:
        """Create the parts."""
        lookups = ThreadPoolExecutor(LOOKUP_THREADS, thread_name_prefix="lookup")
        readers = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="reader")
        monitors = MonitorCache(
            store.monitors, lookups, compile_policy=policy.parse, clock=monotonic
        )
        source_map_purge = SourceMapPurge(store.source_maps, readers, clock=clock)
        deletion = AppMonitorDeletion(store, lookups, monitors, source_map_purge)
        app_monitors = AppMonitors(
            store,
            lookups,
            monitors,
            deletion,
            clock=clock,
            new_id=new_id,
            max_app_monitors=settings.max_app_monitors,
        )
        return cls(
            settings,
            store,
            clock,
            new_id,
            lookups,
            readers,
            monitors,
            source_map_purge,
            deletion,
            app_monitors,
        )
