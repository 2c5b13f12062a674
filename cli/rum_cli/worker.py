"""A worker process of `openrum up --workers`. `rum_cli.workers` starts it.

It runs a bridge, and on PostgreSQL also a service that stores the bridge's puts. SQLite allows one
writer, so there the bridge passes its puts to the service of the main process. All other calls go
to the main process.

arguments         the number of the worker, the file descriptor of its listening socket, and the
                  address of the service. The settings come from the environment.
standard input    nothing. Its end means that the main process has ended.
standard output   one line, as soon as clients can connect, or why the bridge cannot start
"""

from __future__ import annotations

__all__ = ["READY", "main"]

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from rum_bridge.server import running_bridge
from rum_bridge.settings import BridgeSettings
from rum_cli.environment import read_settings
from rum_cli.failure import WRONG_USAGE
from rum_cli.process import configure_logs, run_until_stopped
from rum_endpoint.start_error import StartError
from rum_service.settings import ServiceSettings

READY = "ready"


def main() -> None:
    """Run until SIGTERM or until the main process ends."""
    number, descriptor, service = sys.argv[1:]
    configure_logs(worker=int(number))
    listener = socket.socket(fileno=int(descriptor))
    bridge_settings = read_settings(BridgeSettings).calling_without_tls(service)
    service_settings = read_settings(ServiceSettings)

    @asynccontextmanager
    async def bridge() -> AsyncIterator[None]:
        # Nothing can be stored without the service. End at once, so that a new start finds the port
        # free.
        asyncio.get_running_loop().add_reader(sys.stdin, os._exit, 1)
        async with AsyncExitStack() as stack:
            batch_put = None
            if service_settings.has_database_server:
                # Only here: it takes 40 MB of memory.
                from rum_service.server import running_local_service

                local = await stack.enter_async_context(running_local_service(service_settings))
                batch_put = local.batch_put
            await stack.enter_async_context(
                running_bridge(bridge_settings, listener, batch_put=batch_put)
            )
            print(READY, flush=True)
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # the main process reads one line
            yield

    try:
        run_until_stopped(bridge)
    except StartError as error:
        print(error, flush=True)
        sys.exit(WRONG_USAGE)


if __name__ == "__main__":
    main()
