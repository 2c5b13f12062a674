"""Run a server in this process until SIGTERM or SIGINT, and set up its logs."""

from __future__ import annotations

__all__ = ["STOP_S", "configure_logs", "print_text", "run_until_stopped", "serve"]

import asyncio
import atexit
import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import structlog
import uvloop

from rum_cli.allocator import reuse_freed_memory
from rum_cli.failure import WRONG_USAGE, Failure
from rum_cli.log_repeats import Repeats
from rum_cli.log_writer import LogWriter, open_standard_streams
from rum_cli.output import printable
from rum_endpoint.end_process import end_process
from rum_endpoint.metrics_page import Samples
from rum_endpoint.request_log import REQUEST_EVENT
from rum_endpoint.start_error import StartError
from rum_endpoint.systemd import notify

STOP_S = 30.0
"""How long a stop may take after the time for calls in progress: for the last commits."""
# With thousands of calls in progress the default of 700 took 18 % of the CPU (2026-11).
_GARBAGE_THRESHOLD = 20_000
_STANDARD_OUTPUT, _STANDARD_ERROR = 1, 2


def serve(
    running: Callable[[Samples], AbstractAsyncContextManager[object]],
    drain_s: float,
    log_format: str,
) -> None:
    """Log to standard error and run a command's servers until a signal. Raises Failure.

    Args:
        running: runs the servers. Its argument returns the metrics of the log.
        drain_s: how long calls in progress may take after the signal.
        log_format: OPENRUM_LOG_FORMAT.
    """
    log = configure_logs(log_format)
    try:
        run_until_stopped(lambda: running(log.samples), stop_within_s=drain_s + STOP_S)
    except StartError as error:
        raise Failure(str(error), WRONG_USAGE) from None


def run_until_stopped(
    running: Callable[[], AbstractAsyncContextManager[object]], *, stop_within_s: float
) -> None:
    """Enter the context, wait for a signal, and leave the context.

    Files that the process creates are closed to other users: the database has events of visitors.

    Args:
        stop_within_s: how long leaving the context may take. Then the process ends with exit code
            70: a disk or a database that does not answer must not keep it from ending.

    Raises:
        StartError: the context cannot be entered.
    """

    async def until_stopped() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with running():
            # Imported objects live until the end. Collecting them again and again cost REST 10 % of
            # its CPU (2026-11).
            gc.collect()
            gc.freeze()
            gc.set_threshold(_GARBAGE_THRESHOLD)
            notify("READY=1")
            await stop.wait()
            notify("STOPPING=1")
            late = f"the process did not stop within {stop_within_s:g} seconds"
            timer = threading.Timer(stop_within_s, end_process, [late])
            timer.daemon = True
            timer.start()

    os.umask(0o077)
    reuse_freed_memory()
    uvloop.run(until_stopped())


def configure_logs(log_format: str = "auto", *, worker: int | None = None) -> LogWriter:
    """Log to standard error, and return what writes the lines.

    Logging neither raises nor blocks: `rum_cli.log_writer` and `rum_cli.log_repeats` say how.

    Args:
        log_format: OPENRUM_LOG_FORMAT. `auto` is lines for people on a terminal, JSON elsewhere.
        worker: the worker's number, which is in each of its lines. None: not a worker.
    """
    open_standard_streams()
    renderers: list[structlog.typing.Processor] = [structlog.processors.JSONRenderer()]
    is_terminal = os.isatty(_STANDARD_ERROR)
    if log_format == "console" or (log_format == "auto" and is_terminal):
        renderers = [_printable, structlog.dev.ConsoleRenderer(colors=is_terminal)]

    def add_worker(
        _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        return {**event, "worker": worker}

    logger = structlog.get_logger()
    repeats = Repeats(time.monotonic, sampled={REQUEST_EVENT})
    writer = LogWriter(
        _STANDARD_ERROR,
        report_dropped=lambda lines: logger.warning("log lines dropped", lines=lines),
        housekeeping=lambda: repeats.report(logger),
    )

    atexit.register(repeats.report, logger, at_end=True)  # runs before the writer's

    class SafeLogger(structlog.make_filtering_bound_logger(logging.INFO)):  # type: ignore[misc] # made at run time
        """Counts a line that cannot be rendered, instead of raising in the code that logs it."""

        def _proxy_to_logger(self, *args: Any, **named: Any) -> Any:
            try:
                return super()._proxy_to_logger(*args, **named)
            except Exception:
                writer.drop()

    structlog.configure(
        processors=[
            *([] if worker is None else [add_worker]),
            repeats,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            *renderers,
        ],
        wrapper_class=SafeLogger,
        logger_factory=lambda *_: writer,
        cache_logger_on_first_use=True,
    )
    # What libraries log: asyncio and uvicorn log exceptions that nothing handles.
    logging.basicConfig(handlers=[_ToStructlog()], level=logging.WARNING, force=True)
    threading.excepthook = _log_end_of_thread
    return writer


def _printable(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Replace characters that control a terminal: clients choose the paths of requests."""
    return {
        name: "\n".join(map(printable, value.split("\n"))) if isinstance(value, str) else value
        for name, value in event.items()
    }


def print_text(text: str) -> None:
    """Print to standard output, which may be full or closed: neither raises nor blocks."""
    LogWriter(_STANDARD_OUTPUT, report_dropped=lambda _: None).msg(text)


class _ToStructlog(logging.Handler):
    """Passes the lines of the standard library's logging on."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except Exception:
            message = str(record.msg)
        logger = structlog.get_logger()
        log = logger.error if record.levelno >= logging.ERROR else logger.warning
        log(message, logger=record.name, exc_info=record.exc_info)


def _log_end_of_thread(ended: threading.ExceptHookArgs) -> None:
    name = ended.thread.name if ended.thread else None
    structlog.get_logger().error("thread failed", thread=name, exc_info=ended.exc_value)
