"""The projector process of `openrum up`: start it, restart it when it ends, stop it."""

from __future__ import annotations

__all__ = ["running_projector_process"]

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from rum_cli.workers import exit_code_of

logger = structlog.get_logger()

_STOP_TIMEOUT_S = 10.0
_FIRST_DELAY_S = 0.5
_MAX_DELAY_S = 30.0
_STABLE_S = 60.0
"""After running this long, a projector that ends is restarted after the first delay again."""


@asynccontextmanager
async def running_projector_process() -> AsyncIterator[None]:
    """Run the projector while the context is open. Nothing waits for its start."""
    child = _Child()
    running = asyncio.create_task(child.keep_running())
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await child.stop()


class _Child:
    """The projector, over the lives of its processes."""

    _process: subprocess.Popen[bytes] | None = None

    async def keep_running(self) -> None:
        """Start a process, and another one whenever it ends, after a delay that grows."""
        delay_s = _FIRST_DELAY_S
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                self._process = _spawn()
                code = await exit_code_of(self._process)
            except OSError as error:
                logger.error("projector not started", reason=str(error), retry_in_s=delay_s)
            else:
                logger.error("projector ended", exit_code=code, restart_in_s=delay_s)
            if loop.time() - began >= _STABLE_S:
                delay_s = _FIRST_DELAY_S
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, _MAX_DELAY_S)

    async def stop(self) -> None:
        """Let the transaction in progress end, then the process."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(_STOP_TIMEOUT_S):
                await exit_code_of(process)
        except TimeoutError:
            process.kill()  # the projection continues where its last transaction ended
            await exit_code_of(process)


def _spawn() -> subprocess.Popen[bytes]:
    # As in `rum_cli.workers`: vfork, no module of the working directory, and no Ctrl-C.
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "rum_cli.projector_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        process_group=0,
    )
