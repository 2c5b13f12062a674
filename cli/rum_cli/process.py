"""Run a server in this process until SIGTERM or SIGINT, and set up its logs."""

from __future__ import annotations

__all__ = ["configure_logs", "run_until_stopped", "serve"]

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import structlog
import uvloop

from rum_cli.allocator import reuse_freed_memory
from rum_cli.failure import WRONG_USAGE, Failure
from rum_endpoint.start_error import StartError


def serve(running: Callable[[], AbstractAsyncContextManager[object]]) -> None:
    """Log to standard error and run a command's servers until a signal. Raises Failure."""
    configure_logs()
    try:
        run_until_stopped(running)
    except StartError as error:
        raise Failure(str(error), WRONG_USAGE) from None


def run_until_stopped(running: Callable[[], AbstractAsyncContextManager[object]]) -> None:
    """Enter the context, wait for a signal, and leave the context. Raises StartError.

    Files that the process creates are closed to other users: the database has events of visitors.
    """

    async def until_stopped() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with running():
            # Imported objects live until the end. Collecting them again and again cost REST 10 % of
            # its CPU (2026-11). Higher thresholds had no measurable effect.
            gc.collect()
            gc.freeze()
            await stop.wait()

    os.umask(0o077)
    reuse_freed_memory()
    uvloop.run(until_stopped())


def configure_logs(*, worker: int | None = None) -> None:
    """Log to standard error: lines for people on a terminal, JSON elsewhere.

    Args:
        worker: the number that every line of a worker process carries.
    """
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer()

    def add_worker(
        _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        return {**event, "worker": worker}

    structlog.configure(
        processors=[
            *([] if worker is None else [add_worker]),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        # One write for a line: PrintLogger writes the newline separately, so that lines of workers
        # would mix.
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
