"""The log of batches, and a replica of it."""

from __future__ import annotations

__all__ = ["LogStore", "Replica"]

from collections.abc import Sequence
from typing import Protocol

from rum_service.storage.records import Appended, Batch, CommittedBatch, FoundBatches


class LogStore(Protocol):
    """The log of batches, in the order of their commits. Only erasures change batches."""

    def append(self, batches: Sequence[Batch]) -> list[Appended]:
        """Commit all batches in one transaction; they are on disk when this returns.

        Idempotent: retrying a stored batch stores nothing. `payload.is_same` compares batches.

        Returns:
            One outcome per batch, in order. Of several batches with one ID in one call, the first
            is stored. The others are duplicates if they equal it, else conflicts.
            A retry of a damaged batch restores it, if the checksum shows that it is that batch.
            If an append fails after it has stored batches, the next append of them returns that
            they are stored.
        """
        ...

    def read(
        self,
        app_monitor: int,
        *,
        below: int | None,
        after_ms: int,
        before_ms: int,
        limit: int,
        max_bytes: int,
        accept_damaged: bool = False,
    ) -> FoundBatches:
        """Return an app monitor's newest batches, at most `limit`.

        A batch is visible as soon as the append that stored it returns. One call does a bounded
        amount of work, so it may return fewer batches than there are: then continue below the
        returned sequence, which is lower after each call.

        Args:
            app_monitor: the key of the app monitor.
            below: return only batches with a lower sequence. None: start with the newest.
            after_ms, before_ms: return only batches that may contain an event in this time range,
                both ends included, in milliseconds since the Unix epoch.
            max_bytes: return no more batches once their contents have this length together.
            accept_damaged: also return damaged batches that can be decompressed. Others are only
                in `FoundBatches.damaged`.
        """
        ...

    def after(self, sequence: int, *, limit: int, max_bytes: int) -> list[CommittedBatch]:
        """Return the oldest batches above a sequence, of all app monitors, in the order of commits.

        A reader that continues above the last returned sequence misses no batch, even if others
        are appended meanwhile. Empty: no batch is above `sequence` yet. A damaged batch is returned
        without its content.

        Args:
            limit: return at most this number of batches.
            max_bytes: return no more batches once their contents have this length together.
        """
        ...

    def received_after(self, sequence: int) -> int | None:
        """Return when the first batch above a sequence was received, if there is one."""
        ...

    def newest_sequence(self) -> int:
        """Return the sequence of the newest batch, or 0 if there never was one.

        It does not decrease when batches are removed.
        """
        ...

    def purge(self, app_monitor: int, *, limit: int) -> int:
        """Delete an app monitor's oldest batches, at most `limit`; return the number."""
        ...

    def dropped_events(self, app_monitors: Sequence[int]) -> dict[int, int]:
        """Return the sum of `Batch.dropped_events` per app monitor. Sums of zero are left out."""
        ...

    def dropped_from(self, sequences: Sequence[int]) -> int:
        """Return the sum of `Batch.dropped_events` of the batches with these sequences."""
        ...

    def deleted_app_monitors(self) -> list[int]:
        """Return the keys of deleted app monitors that still have batches, in ascending order."""
        ...

    def maintain(self, now_ms: int | None = None) -> None:
        """Perform regular maintenance. May block for minutes.

        Call this every minute. Appends and reads continue meanwhile. With PostgreSQL it creates the
        partitions of the next days. If it fails, appends still succeed.

        Args:
            now_ms: the time, in milliseconds since the Unix epoch. None: the time of the database.
        """
        ...

    def check_writable(self) -> None:
        """Commit a small change to the log. Raises whatever would make an append fail."""
        ...


class Replica(Protocol):
    """A copy of the log that may be behind. Both methods raise ReplicaUnavailableError."""

    def lag_s(self) -> float:
        """Return how many seconds the replica is behind, at most."""
        ...

    def read(
        self,
        app_monitor: int,
        *,
        below: int | None,
        after_ms: int,
        before_ms: int,
        limit: int,
        max_bytes: int,
    ) -> FoundBatches:
        """Do the same as `LogStore.read`, on the replica."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...
