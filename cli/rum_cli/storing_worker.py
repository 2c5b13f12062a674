"""A worker process of `openrum up --workers` on PostgreSQL: a bridge, and a service for its puts.

PostgreSQL takes several writers. On SQLite, `rum_cli.worker` passes its puts to the service of the
main process. All other calls go to the main process.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rum_bridge.server import running_bridge
from rum_bridge.settings import BridgeSettings
from rum_cli.environment import read_settings
from rum_cli.worker import run_worker
from rum_endpoint.metrics_page import Samples
from rum_service.server import running_local_service
from rum_service.settings import ServiceSettings


@asynccontextmanager
async def _running_both(
    settings: BridgeSettings, listener: socket.socket
) -> AsyncIterator[list[Samples]]:
    async with (
        running_local_service(read_settings(ServiceSettings)) as service,
        running_bridge(settings, listener, batch_put=service.local_bridge.batch_put) as bridge,
    ):
        yield [service.samples, bridge.samples]


if __name__ == "__main__":
    run_worker(_running_both)
