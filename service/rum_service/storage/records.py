"""The values that pass between the use cases and the stores."""

from __future__ import annotations

__all__ = [
    "AppMonitorRecord",
    "Appended",
    "Batch",
    "CredentialRecord",
    "LoggedBatch",
    "MetricDefinitionRecord",
    "MetricDestinationRecord",
]

from dataclasses import dataclass, field
from enum import Enum, auto


@dataclass(frozen=True, slots=True)
class Batch:
    """One accepted batch, as the log keeps it."""

    app_monitor: int
    """Key of the app monitor's record."""
    batch_id: bytes
    """The 16 bytes of BatchId: unique within the app monitor."""
    digest: bytes
    """16 bytes over the whole request: tells a retry from another batch with the same id."""
    received_ms: int
    """When the service took it, in milliseconds since the Unix epoch."""
    first_ms: int
    """The earliest timestamp of its events, in milliseconds since the Unix epoch."""
    last_ms: int
    """The latest timestamp of its events, in milliseconds since the Unix epoch."""
    event_count: int
    payload: bytes
    """The serialized PutRumEventsRequest, compressed with zstd."""
    dropped_events: int = 0
    """How many events were sent that the payload does not hold: custom events, not enabled."""


class Appended(Enum):
    """What an append did with one batch."""

    STORED = auto()
    """The batch is new, and the log holds it now."""
    DUPLICATE = auto()
    """The log held the batch already, and holds it once."""
    CONFLICT = auto()
    """The log holds another batch with this id and does not hold this one."""


@dataclass(frozen=True, slots=True)
class LoggedBatch:
    """A committed batch and its place in the log."""

    sequence: int
    """Grows with every batch of a process; never used twice."""
    payload: bytes


@dataclass(frozen=True, slots=True)
class AppMonitorRecord:
    """An app monitor, as the store keeps it."""

    key: int
    """Names the app monitor in the log; never used twice, also after a deletion."""
    id: str
    """The lower-case UUID that clients put events to."""
    name: str
    document: str
    """The ProtoJSON of rum.v1.AppMonitor without its state."""
    has_events: bool = False
    policy: str | None = None
    """The resource policy, to the letter."""
    policy_revision: str | None = None
    """Changes with every change of the policy; None when there is none."""
    custom_events: bool = False
    """Whether custom events are kept. `Monitors` reads it from the document; stores do not."""


@dataclass(frozen=True, slots=True)
class MetricDestinationRecord:
    """Where an app monitor sends metrics to."""

    key: int
    """Grows with every destination made; never used twice."""
    kind: str
    """CloudWatch or Evidently."""
    arn: str
    """The ARN of the Evidently experiment; empty for CloudWatch."""
    iam_role_arn: str | None


@dataclass(frozen=True, slots=True)
class MetricDefinitionRecord:
    """A metric that is sent to a destination."""

    id: str
    document: str
    """The ProtoJSON of rum.v1.MetricDefinition without its id."""
    digest: bytes
    """16 bytes over the definition: two of one destination never have the same."""
    sequence: int = 0
    """Grows with every definition made; never used twice. The store gives it."""


@dataclass(frozen=True, slots=True)
class CredentialRecord:
    """An access key or a bearer token, as the store keeps it."""

    kind: str
    """`key` or `token`."""
    id: str
    """Unique in its kind: the access key id, or the SHA-256 of the token in hexadecimal."""
    name: str
    access: str
    """What it allows: `read`, `write`, `admin`, joined by commas."""
    app_monitor: int | None
    """Key of the only app monitor it is for; None: all."""
    sealed_secret: bytes = field(repr=False)
    """Of a key: its secret, encrypted. Of a token: nothing, its id is the hash."""
    created_ms: int
    expires_ms: int | None = None
    revoked_ms: int | None = None
