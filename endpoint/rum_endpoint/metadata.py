"""gRPC metadata that callers send and the service reads. gRPC requires lower-case keys."""

from __future__ import annotations

__all__ = [
    "ACCOUNT_ID_KEY",
    "APP_MONITOR_KEY",
    "AUTHORIZATION_KEY",
    "BRIDGE_TOKEN_REJECTED",
    "CALLER_KEY",
    "REPLICA_LAG_KEY",
    "REQUEST_ID_KEY",
    "STATUS_DETAILS_KEY",
    "TOKEN_PREFIX",
    "bearer",
]

AUTHORIZATION_KEY = "authorization"
BRIDGE_TOKEN_REJECTED = "The token of the bridge is missing or wrong."  # noqa: S105 - a message
"""The message of the AccessDeniedException for a bridge whose callers cannot be identified."""
CALLER_KEY = "rum-caller-bin"
"""A serialized HttpCaller: the HTTP caller that a bridge relays."""
REQUEST_ID_KEY = "x-amzn-requestid"
"""The request ID that the caller of a bridge sees; the service logs failures under it."""
APP_MONITOR_KEY = "rum-app-monitor-key"
"""The key of the app monitor in the database, in calls that the service forwards to a projector."""
ACCOUNT_ID_KEY = "rum-account-id"
"""The account ID for event documents, in the same calls."""
REPLICA_LAG_KEY = "openrum-replica-lag-seconds"
"""How far behind the database is, at most, in the trailing metadata of a response that was read
from a replica. The bridge copies it to a header."""
STATUS_DETAILS_KEY = "grpc-status-details-bin"
"""A serialized google.rpc.Status, in the trailing metadata of a failed call."""
# Distinguishes our tokens from others: aws-rum-web sends any Authorization header a page sets.
TOKEN_PREFIX = "openrum_"  # noqa: S105 - a prefix, not a secret


def bearer(token: str) -> tuple[str, str]:
    """Return the metadata entry that carries a token."""
    return AUTHORIZATION_KEY, f"Bearer {token}"
