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

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rum_service.storage.damage import DamagedBatches
from rum_service.storage.records import (
    Appended,
    AppMonitorRecord,
    Batch,
    CommittedBatch,
    CredentialRecord,
    ErasedBatch,
    ErasureRecord,
    FoundBatches,
    MetricDefinitionRecord,
    MetricDestinationRecord,
    Remainder,
    Removed,
    Retention,
    SourceMapRecord,
    Usage,
)


class NameTakenError(Exception):
    """A new record's name or ID is already in use."""


class QuotaReachedError(Exception):
    """The new records would exceed the limit that the caller gave."""


class ReplicaUnavailableError(Exception):
    """The replica cannot be read, or it is not known how far behind it is."""


class DefinitionTakenError(Exception):
    """The destination already has an equal definition with another ID."""


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


class AppMonitorStore(Protocol):
    """The app monitors. IDs and names are unique. Names are case-sensitive."""

    def create(
        self, monitor_id: str, name: str, document: str, *, limit: int | None = None
    ) -> AppMonitorRecord:
        """Create an app monitor.

        Raises:
            NameTakenError: the name or the ID is in use.
            QuotaReachedError: `limit` app monitors exist already.
        """
        ...

    def ids(self) -> set[str]:
        """Return the IDs of all app monitors."""
        ...

    def by_ids(self, monitor_ids: Collection[str]) -> Sequence[AppMonitorRecord]:
        """Return the app monitors with these lower-case IDs that exist, in any order."""
        ...

    def by_name(self, name: str) -> AppMonitorRecord | None:
        """Return the app monitor with this name, if it exists."""
        ...

    def list(self, *, after: str, limit: int) -> Sequence[AppMonitorRecord]:
        """Return at most `limit` app monitors with names after `after`, sorted by code point."""
        ...

    def update(self, key: int, *, expected: str, document: str) -> bool:
        """Replace the document if it still equals `expected`. Return whether it did."""
        ...

    def delete(self, key: int) -> bool:
        """Delete an app monitor, its metric destinations, its quota and its retention.

        Its batches stay.

        Return whether the app monitor existed.
        """
        ...


class PolicyStore(Protocol):
    """The resource policies. An `AppMonitorRecord` contains the policy of its app monitor."""

    def replace(
        self, app_monitor: int, *, expected: str | None, policy: str | None, revision: str | None
    ) -> bool:
        """Replace the policy and its revision if the revision still equals `expected`.

        None means "no policy" in all three arguments. Return whether the policy was replaced.
        """
        ...


class MetricStore(Protocol):
    """The metric destinations of app monitors and their definitions, oldest first."""

    def put_destination(
        self, app_monitor: int, kind: str, arn: str, iam_role_arn: str | None
    ) -> bool:
        """Create a destination, or replace its role if it exists. Idempotent.

        Return whether the app monitor exists. If it does not, nothing is created.
        """
        ...

    def destination(self, app_monitor: int, kind: str, arn: str) -> MetricDestinationRecord | None:
        """Return a destination, if it exists."""
        ...

    def list_destinations(
        self, app_monitor: int, *, after: int, limit: int
    ) -> list[MetricDestinationRecord]:
        """Return at most `limit` destinations with keys above `after`."""
        ...

    def delete_destination(self, key: int) -> bool:
        """Delete a destination and its definitions. Return whether it existed."""
        ...

    def create_definitions(
        self, destination: int, new: Sequence[MetricDefinitionRecord], *, limit: int
    ) -> list[str] | None:
        """Create definitions in one transaction. Idempotent: existing ones stay unchanged.

        Returns:
            For each definition, in order, the ID of the stored definition with its digest.
            None: the destination does not exist.

        Raises:
            QuotaReachedError: the destination would have more than `limit` definitions.
        """
        ...

    def list_definitions(
        self, destination: int, *, after: int, limit: int
    ) -> list[MetricDefinitionRecord]:
        """Return at most `limit` definitions with sequences above `after`."""
        ...

    def delete_definitions(self, destination: int, ids: Sequence[str]) -> set[str]:
        """Delete the definitions with these IDs. Return the IDs that existed."""
        ...

    def update_definition(self, destination: int, new: MetricDefinitionRecord) -> bool:
        """Replace the definition that has this ID. Return whether it existed.

        Raises:
            DefinitionTakenError: another definition of the destination has the same digest.
        """
        ...


class CredentialStore(Protocol):
    """Access keys and tokens. Revoked ones are kept, so that their IDs are never reused."""

    def add(self, credential: CredentialRecord) -> None:
        """Add a credential.

        Raises:
            NameTakenError: a credential of the same kind has the ID.
        """
        ...

    def by_id(self, kind: str, credential_id: str) -> CredentialRecord | None:
        """Return a credential, revoked or not, if it exists."""
        ...

    def by_id_prefix(self, kind: str, prefix: str) -> CredentialRecord | None:
        """Return a credential whose ID starts with `prefix`, if one exists."""
        ...

    def ids(self) -> set[tuple[str, str]]:
        """Return kind and ID of all credentials, revoked or not."""
        ...

    def any_valid(self, now_ms: int) -> bool:
        """Return whether any credential is neither revoked nor expired."""
        ...

    def list(
        self, *, kind: str | None, after: tuple[int, str, str] | None, limit: int
    ) -> Sequence[CredentialRecord]:
        """Return up to `limit` credentials, newest first; ties are in a fixed order.

        Args:
            kind: None lists both kinds.
            after: created_ms, kind and id of the last record of the previous page.
        """
        ...

    def revoke(self, kind: str, credential_id: str, revoked_ms: int) -> bool:
        """Mark a credential as revoked, unless it is already. Return whether it exists."""
        ...


class UsageStore(Protocol):
    """How many bytes the batches of each app monitor use, and the quotas of app monitors."""

    def count(self) -> bool:
        """Add new batches to the sums of their app monitors, with a bounded amount of work.

        Return whether batches remain. Then `read` may return too little.
        """
        ...

    def read(self) -> dict[int, Usage]:
        """Return the usage of each app monitor by its key, up to the last commit."""
        ...

    def set_quota(self, app_monitor: int, quota: int | None) -> bool:
        """Set an app monitor's quota. Return whether the app monitor exists."""
        ...


class RetentionStore(Protocol):
    """How long the batches of app monitors are kept, and the removal of older ones."""

    held_s: float
    """For how many seconds other writers could not write while this store removed batches."""

    def read(self) -> dict[int, Retention]:
        """Return the retention of each app monitor by its key."""
        ...

    def first_sequences(self) -> dict[int, int]:
        """Return the sequence of the oldest batch of each app monitor that has batches."""
        ...

    def removed_before(self, app_monitor: int) -> int | None:
        """Return `Retention.removed_before_ms` of one app monitor."""
        ...

    def set_days(self, app_monitor: int, days: int | None) -> bool:
        """Set an app monitor's own retention. Return whether the app monitor exists."""
        ...

    def count_before(self, app_monitor: int, before_ms: int) -> int:
        """Estimate how many of an app monitor's batches were received before a time.

        The number is exact if the batches were received in the order of their sequences.
        """
        ...

    def claim(self, *, now_ms: int, until_ms: int, held_ms: int | None) -> bool:
        """Claim the removal for one service. Return False if another service has claimed it.

        Args:
            held_ms: the `until_ms` of this service's previous claim, which it may extend.
        """
        ...

    def removal_ms(self, before_ms: int) -> int:
        """Return the latest time, at most `before_ms`, to pass to `remove`.

        With PostgreSQL a day's batches become old together. Then their partition is dropped, and
        the batches need not be deleted one by one.
        """
        ...

    def remove(
        self, before_ms: Mapping[int, int], *, limit: int, max_bytes: int
    ) -> dict[int, Removed]:
        """Remove old batches of some app monitors in one transaction, oldest first.

        Usage, spans of blocks and `Retention.removed_before_ms` change in the same transaction.

        Args:
            before_ms: by app monitor, remove batches received before this time.
            limit: remove at most this number of batches.
            max_bytes: remove no more batches once their payloads have this length together.

        Returns:
            The result of each app monitor that this step has reached, in the order of the
            argument.
        """
        ...

    def give_back_space(self) -> bool:
        """Return a part of the unused disk space to the system. Return whether more is left."""
        ...


class SourceMapStore(Protocol):
    """The source maps of app monitors. They are visible when they are complete."""

    def begin(self, app_monitor: int, release: str, file: str, *, now_ms: int) -> int | None:
        """Begin an upload and return its key. None: the app monitor does not exist."""
        ...

    def add_part(self, key: int, number: int, content: bytes) -> None:
        """Store one part of the upload. Parts are numbered from 0."""
        ...

    def finish(self, key: int, *, size: int, quota: int) -> SourceMapRecord | None:
        """Make an upload visible. It replaces the older one of the same release and file.

        Return the source map. None: the app monitor or the upload has been deleted.

        Args:
            size: the length of all parts.
            quota: 0 means no limit.

        Raises:
            QuotaReachedError: the source maps of the app monitor would use more than `quota` bytes.
        """
        ...

    def cancel(self, key: int) -> None:
        """Delete an upload unless it is complete."""
        ...

    def list(
        self, app_monitor: int, *, release: str | None, below: int | None, limit: int
    ) -> Sequence[SourceMapRecord]:
        """Return at most `limit` source maps, newest first.

        Args:
            release: only those of this release. None: of all releases.
            below: only those with lower keys. None: start with the newest.
        """
        ...

    def by_base_name(
        self, app_monitor: int, base_name: str, *, release: str | None, limit: int
    ) -> Sequence[SourceMapRecord]:
        """Return at most `limit` source maps whose file ends with this segment, newest first."""
        ...

    def by_key(self, app_monitor: int, key: int) -> SourceMapRecord | None:
        """Return a source map, if it exists and belongs to the app monitor."""
        ...

    def part(self, key: int, number: int) -> bytes | None:
        """Return one part of the source map, if it exists.

        Raises:
            UnreadableError: its bytes are damaged.
        """
        ...

    def stored_bytes(self, app_monitor: int) -> int:
        """Return how many bytes the app monitor's source maps use."""
        ...

    def delete(self, app_monitor: int, release: str, file: str | None) -> int:
        """Delete the release's source maps, or only the one for `file`. Return the number."""
        ...

    def purge(self, *, began_before_ms: int, limit: int) -> int:
        """Delete at most `limit` parts that belong to deleted source maps. Return the number.

        Also cancel uploads that began before a time: their process has ended.
        """
        ...


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
