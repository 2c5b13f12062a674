"""What was erased, and the proof of it."""

from __future__ import annotations

__all__ = ["ErasureStore"]

from collections.abc import Callable, Sequence
from typing import Protocol

from rum_service.storage.records import ErasedBatch, ErasureRecord, Remainder


class ErasureStore(Protocol):
    """Erasures of users and sessions. A use case reads the log and calls `advance`."""

    def begin(
        self,
        app_monitor: int,
        app_monitor_name: str,
        *,
        kind: str,
        subject: str,
        digest: bytes,
        erased_by: str,
        now_ms: int,
    ) -> ErasureRecord:
        """Note that an erasure begins. It concerns the batches that are in the log now."""
        ...

    def advance(
        self,
        key: int,
        *,
        sequences: Sequence[int],
        below: int,
        remainder: Callable[[bytes], Remainder | None],
        damaged: Sequence[int] = (),
    ) -> ErasureRecord:
        """Erase from batches, and note that those from `below` up are done, in one transaction.

        Idempotent: a batch without anything to erase is neither changed nor counted. If a client
        retries a changed batch, it is still a duplicate, and nothing is stored.

        Args:
            sequences: the batches to change. Those that do not exist are skipped.
            remainder: returns the content that remains. None: it has nothing to erase.
            damaged: batches that may have more to erase, newest first.

        Returns:
            The erasure. One that has finished is not changed.
        """
        ...

    def claim(self, key: int, *, now_ms: int, until_ms: int, held_ms: int | None) -> bool:
        """Claim an erasure until a time, unless another process has claimed it or it has finished.

        Return whether that succeeded.

        Args:
            held_ms: the end of the caller's own claim, which this one replaces. None: it has none.
        """
        ...

    def finish(self, key: int, *, now_ms: int) -> ErasureRecord:
        """Note that an erasure has finished, and forget the ID. Idempotent."""
        ...

    def scrub(self) -> bool:
        """Overwrite erased bytes that the files of the database still contain.

        Return whether that succeeded. It fails while another connection reads. Then try again.
        """
        ...

    def progress(self, app_monitor: int, *, through: int, below: int) -> tuple[int, int]:
        """Count the batches up to `through` that are searched if those from `below` up are.

        Return their number, and that of all batches up to `through`.
        """
        ...

    def by_key(self, key: int) -> ErasureRecord | None:
        """Return an erasure, if it exists."""
        ...

    def list(self, *, below: int | None, limit: int) -> Sequence[ErasureRecord]:
        """Return at most `limit` erasures with lower keys, newest first. None: from the newest."""
        ...

    def unfinished(self) -> Sequence[ErasureRecord]:
        """Return the erasures that have not finished, oldest first."""
        ...

    def changed_after(self, change: int, *, limit: int) -> Sequence[ErasedBatch]:
        """Return the next changes of batches, at most `limit`, in the order of their commits.

        A reader that continues after the last returned change misses none.
        """
        ...
