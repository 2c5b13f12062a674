"""The tables. Every change here needs a migration in `migrations/versions`.

log        the batches, and what is known about all of them
control    app monitors, and what belongs to them
"""

from __future__ import annotations

__all__ = [
    "BATCH_BYTES",
    "BLOCK_BITS",
    "app_monitors",
    "batch_spans",
    "batches",
    "counted_batches",
    "credentials",
    "erased_batches",
    "erasures",
    "future_batches",
    "imported_batches",
    "metadata",
    "metric_definitions",
    "metric_destinations",
    "removals",
    "retention",
    "source_map_parts",
    "source_maps",
    "stored_bytes",
    "write_checks",
]

from rum_service.storage.schema.base import metadata
from rum_service.storage.schema.control import (
    app_monitors,
    credentials,
    metric_definitions,
    metric_destinations,
    source_map_parts,
    source_maps,
)
from rum_service.storage.schema.log import (
    BATCH_BYTES,
    BLOCK_BITS,
    batch_spans,
    batches,
    counted_batches,
    erased_batches,
    erasures,
    future_batches,
    imported_batches,
    removals,
    retention,
    stored_bytes,
    write_checks,
)
