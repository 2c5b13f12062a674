"""The worker processes of `openrum up --workers`: start them, restart those that end, stop all.

    main process    service, listening sockets, restarts
    └─ worker 1…N   a bridge each, on a listening socket each; on PostgreSQL also a service each

The main process keeps every listening socket open. After a worker ends, the connections
that the kernel gives to its socket wait until the worker is back.
"""

from __future__ import annotations

__all__ = ["exit_code_of", "running_workers"]

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import IO, cast

import structlog

from rum_cli.worker import READY
from rum_endpoint.start_error import StartError

logger = structlog.get_logger()

_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 5.0
"""How long a worker may take to end after the time for requests in progress."""
_FIRST_DELAY_S = 0.1
_MAX_DELAY_S = 5.0
_STABLE_S = 30.0
"""After running this long, a worker that ends is restarted after the first delay again."""


@asynccontextmanager
async def running_workers(
    service: str, listeners: Sequence[socket.socket], *, stores: bool, drain_s: float
) -> AsyncIterator[None]:
    """Run one worker for each socket while the context is open. Closes the sockets at the end.

    Args:
        service: the address of the service, without TLS.
        listeners: bound to OPENRUM_HTTP. They need not listen.
        stores: whether workers store their puts themselves.
        drain_s: OPENRUM_DRAIN_S, which the workers obey.

    Raises:
        StartError: a worker cannot start.
    """
    module = "rum_cli.storing_worker" if stores else "rum_cli.worker"
    workers = [
        _Worker(number, module, service, listener) for number, listener in enumerate(listeners, 1)
    ]
    restarts: list[asyncio.Task[None]] = []
    try:
        starts = (worker.start() for worker in workers)
        for error in await asyncio.gather(*starts, return_exceptions=True):
            if error:
                raise error
        restarts += [asyncio.create_task(worker.keep_running()) for worker in workers]
        yield
    finally:
        for task in restarts:
            task.cancel()
        await asyncio.gather(*restarts, return_exceptions=True)
        for listener in listeners:
            listener.close()
        await asyncio.gather(*(worker.stop(drain_s) for worker in workers))


class _Worker:
    """One worker, over the lives of its processes."""

    _process: subprocess.Popen[bytes] | None = None

    def __init__(self, number: int, module: str, service: str, listener: socket.socket) -> None:
        self._number = number
        self._module = module
        self._service = service
        self._listener = listener

    async def start(self) -> None:
        """Start a process, and return when clients can connect. Raises StartError."""
        try:
            arguments = [str(self._number), str(self._listener.fileno()), self._service]
            self._process, output = _spawn(self._module, arguments, self._listener.fileno())
        except OSError as error:
            raise StartError(f"worker {self._number} cannot be started: {error}") from error
        try:
            async with asyncio.timeout(_START_TIMEOUT_S):
                answer = (await asyncio.to_thread(output.readline)).decode().strip()
        except TimeoutError:
            self._process.kill()
            answer = f"worker {self._number} did not start within {_START_TIMEOUT_S:g} seconds"
        if answer != READY:
            code = await exit_code_of(self._process)
            raise StartError(
                answer or f"worker {self._number} ended at its start, exit code {code}"
            )
        output.close()

    async def keep_running(self) -> None:
        """Start a process whenever one ends, after a delay that grows."""
        delay_s = _FIRST_DELAY_S
        loop = asyncio.get_running_loop()
        while self._process:
            began = loop.time()
            code = await exit_code_of(self._process)
            if loop.time() - began >= _STABLE_S:
                delay_s = _FIRST_DELAY_S
            logger.error("worker ended", worker=self._number, exit_code=code, restart_in_s=delay_s)
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, _MAX_DELAY_S)
            try:
                await self.start()
            except StartError as error:
                logger.error("worker not started", worker=self._number, reason=str(error))

    async def stop(self, drain_s: float) -> None:
        """Let requests in progress end, then the process."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(drain_s + _STOP_TIMEOUT_S):
                await exit_code_of(self._process)
        except TimeoutError:
            logger.error("worker killed, because it did not stop", worker=self._number)
            self._process.kill()
            await exit_code_of(self._process)


def _spawn(
    module: str, arguments: Sequence[str], descriptor: int
) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    """Start a process and return it with its standard output."""
    # Not asyncio's subprocesses: uvloop forks, while Popen uses vfork, which runs no code in a copy
    # of gRPC's threads and locks.
    process = subprocess.Popen(
        # -P: a module in the working directory must not replace one with the same name.
        [sys.executable, "-P", "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=[descriptor],
        # Ctrl-C in a terminal reaches the main process only, which lets the workers finish.
        process_group=0,
    )
    return process, cast("IO[bytes]", process.stdout)


async def exit_code_of(process: subprocess.Popen[bytes]) -> int:
    """Wait until a process ends."""
    if process.poll() is None:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        descriptor = os.pidfd_open(process.pid)
        try:
            loop.add_reader(descriptor, ended.set)
            await ended.wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
    with process:  # closes its pipes
        return process.wait()
