"""A worker process of `openrum up --workers`: one bridge. `rum_cli.workers` starts it.

arguments         the number of the worker, the file descriptor of its listening socket, and the
                  address of the service. The settings come from the environment.
standard input    nothing. Its end means that the main process has ended.
standard output   one line, as soon as clients can connect, or why the bridge cannot start
"""

from __future__ import annotations

__all__ = ["READY", "run_worker"]

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from rum_bridge.server import running_bridge
from rum_bridge.settings import BridgeSettings
from rum_cli.environment import read_settings
from rum_cli.failure import WRONG_USAGE
from rum_cli.process import STOP_S, configure_logs, run_until_stopped
from rum_endpoint.metrics_page import Samples, metrics_page
from rum_endpoint.start_error import StartError

READY = "ready"

Running = Callable[[BridgeSettings, socket.socket], AbstractAsyncContextManager[list[Samples]]]
"""Runs a bridge on a listening socket while the context is open. Yields the metrics of its parts.
"""


def run_worker(running: Running) -> None:
    """Run until SIGTERM or until the main process ends."""
    number, descriptor, service = sys.argv[1:]
    settings = read_settings(BridgeSettings).calling_without_tls(service)
    log = configure_logs(settings.log_format, worker=int(number))
    listener = socket.socket(fileno=int(descriptor))

    @asynccontextmanager
    async def worker() -> AsyncIterator[None]:
        # Nothing can be stored without the service. End at once, so that a new start finds the port
        # free.
        asyncio.get_running_loop().add_reader(sys.stdin, os._exit, 1)
        async with (
            running(settings, listener) as parts,
            metrics_page(settings.metrics_address(int(number)), *parts, log.samples),
        ):
            print(READY, flush=True)
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # the main process reads one line
            yield

    try:
        run_until_stopped(worker, stop_within_s=settings.drain_s + STOP_S)
    except StartError as error:
        print(error, flush=True)
        sys.exit(WRONG_USAGE)


@asynccontextmanager
async def _running_one(
    settings: BridgeSettings, listener: socket.socket
) -> AsyncIterator[list[Samples]]:
    async with running_bridge(settings, listener) as bridge:
        yield [bridge.samples]


if __name__ == "__main__":
    run_worker(_running_one)
