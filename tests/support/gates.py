"""A gate that lets everybody in, as that of a service on loopback does."""

from __future__ import annotations

from concurrent.futures import Executor
from datetime import UTC, datetime
from pathlib import Path

from rum_service.auth.authentication import Authentication
from rum_service.auth.authorization import Authorization
from rum_service.auth.credentials import Credentials
from rum_service.auth.secret_files import SecretBox
from rum_service.monitors import Monitors
from rum_service.storage.base import Store

ACCOUNT = "123456789012"


def open_gate(store: Store, threads: Executor, monitors: Monitors) -> Authorization:
    """The gate of a service that asks nobody who they are."""
    box = SecretBox(Path("/nonexistent/secrets.key"))  # never opened: nobody shows a key
    authentication = Authentication(
        Credentials(store.credentials, threads, monitors, box, account_id=ACCOUNT),
        operator_token="operator",
        bridge_token="bridge",
        certificate_access=frozenset(),
        account_id=ACCOUNT,
        region=None,
        clock=lambda: datetime.now(UTC),
    )
    return Authorization(
        authentication, required=False, check_origin=False, region="us-east-1", account_id=ACCOUNT
    )
