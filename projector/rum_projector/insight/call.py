"""A call of InsightService: what its answer needs besides the request."""

from __future__ import annotations

__all__ = ["Call"]

from dataclasses import dataclass

from rum_projector.insight.documents import Documents
from rum_projector.insight.selection import compared_selection
from rum_projector.projection import Freshness
from rum_projector.queries.base import Query, Selection
from rum_service.storage.base import Store


@dataclass(frozen=True)
class Call:
    """One call."""

    query: Query
    """Runs a statement. All statements of a call see the same rows.

    Raises QueryTimeoutError when the time of the call is used up.
    """
    documents: Documents
    """Reads events from the log."""
    monitor: int
    """The key of the app monitor. 0 for calls that are not about one."""
    now_ms: int
    store: Store
    """The database of the log."""
    freshness: Freshness
    """How current the projection is, at least."""
    removed_before_ms: int
    """Batches received before this time have been removed. 0: none has."""

    def compared(self, selection: Selection, compare_after: float) -> Selection | None:
        """Return the selection to compare with. None: none is wanted, or it has been removed.

        A hundredth of it may have been removed.
        """
        found = compared_selection(selection, compare_after)
        if found and found.after_ms + found.length_ms / 100 < self.removed_before_ms:
            return None
        return found
