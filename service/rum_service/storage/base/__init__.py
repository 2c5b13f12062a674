"""The guarantees of every store.

    Store                    one database
    ├── log: LogStore                  the accepted batches
    ├── monitors: AppMonitorStore      the app monitors
    ├── policies: PolicyStore          their resource policies
    ├── metrics: MetricStore           their metric destinations and definitions
    ├── credentials: CredentialStore   access keys and tokens
    ├── usage: UsageStore              how many bytes app monitors use, and their quotas
    ├── retention: RetentionStore      how long batches are kept, and their removal
    ├── source_maps: SourceMapStore    source maps of scripts
    └── erasures: ErasureStore         what was erased, and the proof of it

Methods block and may be called from any thread. A method that raises has changed nothing.
"""

from __future__ import annotations

__all__ = [
    "AppMonitorStore",
    "CredentialStore",
    "DefinitionTakenError",
    "ErasureStore",
    "LogStore",
    "MetricStore",
    "NameTakenError",
    "PolicyStore",
    "QuotaReachedError",
    "Replica",
    "ReplicaUnavailableError",
    "RetentionStore",
    "SourceMapStore",
    "Store",
    "UsageStore",
]

from collections.abc import Callable
from dataclasses import dataclass, field

from rum_service.storage.base.credentials import CredentialStore
from rum_service.storage.base.erasures import ErasureStore
from rum_service.storage.base.errors import (
    DefinitionTakenError,
    NameTakenError,
    QuotaReachedError,
    ReplicaUnavailableError,
)
from rum_service.storage.base.log import LogStore, Replica
from rum_service.storage.base.metrics import MetricStore
from rum_service.storage.base.monitors import AppMonitorStore, PolicyStore
from rum_service.storage.base.retention import RetentionStore, UsageStore
from rum_service.storage.base.source_maps import SourceMapStore
from rum_service.storage.damage import DamagedBatches


@dataclass(frozen=True)
class Store:
    """One database: a use case receives the part that it needs."""

    log: LogStore
    monitors: AppMonitorStore
    policies: PolicyStore
    metrics: MetricStore
    credentials: CredentialStore
    usage: UsageStore
    retention: RetentionStore
    source_maps: SourceMapStore
    erasures: ErasureStore
    close: Callable[[], None]
    """Closes all connections. Call no part of the store afterwards."""
    damaged: DamagedBatches = field(default_factory=DamagedBatches)
    """The damaged batches that this process has met."""
    replica: Replica | None = None
    """None: no replica is configured, so all reads use the database itself."""
