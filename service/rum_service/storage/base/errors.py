"""The exceptions of every store that callers handle."""

from __future__ import annotations

__all__ = ["DefinitionTakenError", "NameTakenError", "QuotaReachedError", "ReplicaUnavailableError"]


class NameTakenError(Exception):
    """A new record's name or ID is already in use."""


class QuotaReachedError(Exception):
    """The new records would exceed the limit that the caller gave."""


class DefinitionTakenError(Exception):
    """The destination already has an equal definition with another ID."""


class ReplicaUnavailableError(Exception):
    """The replica cannot be read, or it is not known how far behind it is."""
