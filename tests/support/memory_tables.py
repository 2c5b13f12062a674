"""The data of an in-memory store, shared by its parts as a `Database` is by the SQL parts."""

from __future__ import annotations

__all__ = ["MemoryTables"]

import threading
from collections import Counter
from dataclasses import dataclass, field

from rum_service.storage.records import (
    AppMonitorRecord,
    Batch,
    CredentialRecord,
    MetricDefinitionRecord,
    MetricDestinationRecord,
    SourceMapRecord,
)


@dataclass(eq=False)
class MemoryTables:
    """Hold `lock` to use anything else."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    batches: dict[tuple[int, bytes], tuple[int, Batch]] = field(default_factory=dict)
    """Sequence and batch by app monitor and batch ID, oldest first."""
    monitors: list[AppMonitorRecord] = field(default_factory=list)
    destinations: list[tuple[int, MetricDestinationRecord]] = field(default_factory=list)
    """App monitor and destination."""
    definitions: list[tuple[int, MetricDefinitionRecord]] = field(default_factory=list)
    """Destination and definition."""
    credentials: dict[tuple[str, str], CredentialRecord] = field(default_factory=dict)
    """By kind and ID."""
    quotas: dict[int, int | None] = field(default_factory=dict)
    """By app monitor."""
    retention_days: dict[int, int | None] = field(default_factory=dict)
    """By app monitor."""
    removed_before_ms: dict[int, int] = field(default_factory=dict)
    """By app monitor."""
    claimed_until_ms: int = 0
    source_maps: dict[int, tuple[int, SourceMapRecord]] = field(default_factory=dict)
    """App monitor and source map by key. Its size is -1 until it is complete."""
    source_map_parts: dict[tuple[int, int], bytes] = field(default_factory=dict)
    """By source map and number."""
    last_numbers: Counter[str] = field(default_factory=Counter)

    def next_number(self, table: str) -> int:
        """Return a key or sequence that the table has never used."""
        self.last_numbers[table] += 1
        return self.last_numbers[table]
