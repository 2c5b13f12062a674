"""A service built by the composition root, in this process, over any store and clock."""

from __future__ import annotations

__all__ = ["ACCOUNT", "settings_in", "started"]

import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from rum_service.composition.service import Service, build
from rum_service.settings import ServiceSettings
from rum_service.storage.base import Store

ACCOUNT = "123456789012"


def settings_in(folder: Path, **members: object) -> ServiceSettings:
    """Return settings whose files are all in one folder."""
    return ServiceSettings(
        **{
            "grpc": "127.0.0.1:0",
            "database_url": f"sqlite:///{folder / 'openrum.sqlite3'}",
            "operator_token_file": folder / "operator.token",
            "bridge_token_file": folder / "bridge.token",
            "secrets_key_file": folder / "secrets.key",
            # Tests store batches of any time.
            "retention_days": 0,
            **members,
        }  # type: ignore[arg-type]
    )


@asynccontextmanager
async def started(
    store: Store,
    settings: ServiceSettings,
    *,
    clock: Callable[[], float] = time.time,
    listening: bool = False,
) -> AsyncIterator[Service]:
    """Run a service over `store`. Without `listening` it has no gRPC server."""
    service = build(settings, store, clock=clock, new_id=lambda: str(uuid.uuid4()))
    async with AsyncExitStack() as stack:
        await service.start(stack, listening=listening)
        yield service
