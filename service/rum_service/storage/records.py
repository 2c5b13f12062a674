"""The values that use cases exchange with the store."""

from __future__ import annotations

__all__ = [
    "AppMonitorRecord",
    "Appended",
    "Batch",
    "CommittedBatch",
    "CredentialRecord",
    "Dropped",
    "ErasedBatch",
    "ErasureRecord",
    "FoundBatches",
    "LoggedBatch",
    "MetricDefinitionRecord",
    "MetricDestinationRecord",
    "Remainder",
    "Removed",
    "Retention",
    "SourceMapRecord",
    "Usage",
]

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple


class Dropped(NamedTuple):
    """Events that were dropped from a batch for one reason."""

    reason: str
    events: int
    size: int
    """How many bytes shorter the batch is without them."""


class Batch(NamedTuple):
    """An accepted batch to append to the log.

    A tuple, because it is created four times as fast as a frozen dataclass.
    """

    app_monitor: int
    """The key of its `AppMonitorRecord`."""
    batch_id: bytes
    """The 16 bytes of BatchId, unique within the app monitor."""
    received_ms: int
    """When the service accepted it, in milliseconds since the Unix epoch."""
    first_ms: int
    """The earliest timestamp of its events, in milliseconds since the Unix epoch."""
    last_ms: int
    """The latest timestamp of its events, in milliseconds since the Unix epoch."""
    event_count: int
    content: bytes
    """The PutRumEventsRequest to store, serialized."""
    received: bytes | None = None
    """The serialized request as received, if events were dropped from it. Recognizes a retry."""
    dropped: tuple[Dropped, ...] = ()
    """The dropped events, by reason."""
    country: str | None = None
    """The country of the client: an ISO 3166 code, two capital letters. None: not known."""
    is_imported: bool = False
    """Whether it comes from a file, with the time of receipt in it."""

    @property
    def dropped_events(self) -> int:
        """The number of dropped events."""
        return sum(dropped.events for dropped in self.dropped) if self.dropped else 0


class Appended(Enum):
    """The outcome of appending one batch."""

    STORED = auto()
    """The batch is new and was stored."""
    DUPLICATE = auto()
    """The batch was already in the log and was not stored again."""
    CONFLICT = auto()
    """Another batch in the log has its ID. The batch was not stored."""
    DAMAGED = auto()
    """The batch in the log that has its ID is damaged, so it is not known whether it is the same
    one. The batch was not stored."""


@dataclass(frozen=True, slots=True)
class LoggedBatch:
    """A committed batch."""

    sequence: int
    """Its position in the log. Increases with every commit; never reused."""
    content: bytes
    country: str | None = None
    """`Batch.country`."""


class CommittedBatch(NamedTuple):
    """A committed batch of any app monitor."""

    sequence: int
    """Its position in the log. Increases with every commit; never reused."""
    app_monitor: int
    """The key of its `AppMonitorRecord`, which may be deleted."""
    received_ms: int
    """When the service accepted it, in milliseconds since the Unix epoch."""
    content: bytes
    """Empty if the batch is damaged."""
    country: str | None = None
    """`Batch.country`."""
    is_damaged: bool = False
    """Whether its bytes are not the ones that were stored."""


@dataclass(frozen=True, slots=True)
class FoundBatches:
    """A part of the batches that a read of the log selects, newest first."""

    batches: list[LoggedBatch]
    """May be empty although there are more."""
    below: int | None
    """Continue below this sequence. None: there are no more."""
    damaged: Sequence[int] = ()
    """The sequences of the batches whose bytes are damaged. They are not in `batches`, unless the
    read accepts damaged batches and they can still be decompressed."""


@dataclass(frozen=True, slots=True)
class AppMonitorRecord:
    """A stored app monitor."""

    key: int
    """Identifies the app monitor in the log. Never reused, even after a deletion."""
    id: str
    """The lower-case UUID that clients send events to."""
    name: str
    document: str
    """ProtoJSON of rum.v1.AppMonitor, without its state."""
    has_events: bool = False
    """Whether it has ever had batches."""
    policy: str | None = None
    """The resource policy, exactly as it was sent."""
    policy_revision: str | None = None
    """Changes whenever the policy changes. None: the app monitor has no policy."""


@dataclass(frozen=True, slots=True)
class MetricDestinationRecord:
    """A destination that an app monitor sends metrics to."""

    key: int
    """Increases with every new destination; never reused."""
    kind: str
    """CloudWatch or Evidently."""
    arn: str
    """The ARN of the Evidently experiment. Empty for CloudWatch."""
    iam_role_arn: str | None


@dataclass(frozen=True, slots=True)
class MetricDefinitionRecord:
    """Defines a metric that is sent to a destination."""

    id: str
    document: str
    """ProtoJSON of rum.v1.MetricDefinition, without its ID."""
    digest: bytes
    """16-byte digest of the definition, unique within the destination."""
    sequence: int = 0
    """Increases with every new definition; never reused. The store sets it."""


@dataclass(frozen=True, slots=True)
class CredentialRecord:
    """A stored access key or bearer token."""

    kind: str
    """`key` or `token`."""
    id: str
    """Unique within its kind: the access key ID, or the hexadecimal SHA-256 of the token."""
    name: str
    access: str
    """The permissions `read`, `write` and `admin`, joined by commas."""
    app_monitor: int | None
    """The key of the only app monitor that it grants access to. None: all app monitors."""
    sealed_secret: bytes = field(repr=False)
    """The encrypted secret of an access key. Empty for a token, whose ID is its hash."""
    created_ms: int
    expires_ms: int | None = None
    revoked_ms: int | None = None


class SourceMapRecord(NamedTuple):
    """A stored source map, without its content."""

    key: int
    """Increases with every upload; never reused."""
    release: str
    file: str
    """The script: the path in its URL, or the end of it."""
    size: int
    """The length of the content."""
    stored_bytes: int
    """The length of the compressed content."""
    began_ms: int
    """When the upload began, in milliseconds since the Unix epoch."""


class Usage(NamedTuple):
    """How much of the database an app monitor uses."""

    name: str
    """The name of the app monitor."""
    stored_bytes: int
    """The length of its compressed batches, with the overhead of each."""
    quota: int | None = None
    """Its own quota in bytes. None: the default. 0: no limit."""


class Retention(NamedTuple):
    """How long an app monitor's batches are kept."""

    name: str
    """The name of the app monitor."""
    days: int | None = None
    """Its own number of days. None: the default. 0: forever."""
    removed_before_ms: int | None = None
    """Batches received before this time have been removed. None: none has."""
    oldest_ms: int | None = None
    """When its oldest batch was received. None: it has no batches."""


class Removed(NamedTuple):
    """The number of batches and events that one step has removed."""

    batches: int = 0
    events: int = 0
    is_done: bool = True
    """Whether nothing is left to remove."""


class Remainder(NamedTuple):
    """The events that remain in a batch after an erasure."""

    content: bytes
    """The serialized request without the erased events."""
    erased_events: int
    event_count: int
    """The number of remaining events. 0: the content has nothing about its user either."""
    first_ms: int | None
    """The earliest timestamp of these events. None: there are none."""
    last_ms: int | None


@dataclass(frozen=True, slots=True)
class ErasureRecord:
    """An erasure, finished or not."""

    key: int
    """Increases with every erasure; never reused."""
    app_monitor: int
    """The key of its `AppMonitorRecord`, which may be deleted."""
    app_monitor_name: str
    kind: str
    """`user` or `session`."""
    subject: str | None = field(repr=False)
    """The ID to erase, in lower case. None: the erasure has finished."""
    digest: bytes
    """The SHA-256 of the ID in lower case."""
    erased_by: str
    began_ms: int
    finished_ms: int | None
    """None: the erasure has not finished."""
    through_sequence: int
    """Batches up to this sequence are searched, newest first."""
    below_sequence: int
    """Batches from this sequence up are done."""
    deleted_batches: int
    """Batches without events now."""
    rewritten_batches: int
    """Batches that have fewer events now."""
    events: int
    """Events that were erased."""
    bytes: int
    """The number of bytes by which the log became smaller."""
    damaged_batches: int
    """Batches whose bytes are damaged, so that they may have more to erase."""
    damaged_sequences: Sequence[int]
    """The first of them, newest first."""


class ErasedBatch(NamedTuple):
    """A batch that an erasure changed."""

    change: int
    """Increases with every change, in the order of the commits; never reused."""
    sequence: int
    """The batch in the log."""
