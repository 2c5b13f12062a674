"""Runs the servers of `openrum up`, `service` and `bridge` until SIGTERM or SIGINT."""

from __future__ import annotations

__all__ = ["run_bridge", "run_service", "run_up"]

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import structlog
import uvloop

from rum_bridge.server import open_listener, running_bridge
from rum_bridge.settings import BridgeSettings
from rum_cli.environment import read_settings
from rum_cli.failure import WRONG_USAGE, Failure
from rum_cli.first_run import FirstRun, first_run
from rum_endpoint.start_error import StartError
from rum_service.server import running_service
from rum_service.settings import ServiceSettings

_OWN_SOCKET = "var/openrum.sock"


def run_up() -> None:
    """Run the service and the bridge, and print the next commands."""
    service_settings = read_settings(ServiceSettings)
    bridge_settings = read_settings(BridgeSettings)
    exposed_by = f"OPENRUM_HTTP: {bridge_settings.http}" if bridge_settings.exposed else None
    exposed = service_settings.exposed or bridge_settings.exposed
    tls = service_settings.grpc_certificate_file is not None
    if tls and not service_settings.socket:
        service_settings = service_settings.model_copy(update={"socket": _OWN_SOCKET})

    @asynccontextmanager
    async def both() -> AsyncIterator[None]:
        # Before the service starts, so that a busy port is the first and only thing reported.
        listener = open_listener(bridge_settings)
        async with running_service(service_settings, exposed_by=exposed_by) as running:
            # The socket has no TLS: this process needs no CA to call its own service.
            target = f"unix:{service_settings.socket}" if tls else running.address
            settings = bridge_settings.model_copy(update={"service": target})
            async with running_bridge(settings, listener) as bridge_running:
                await first_run(
                    FirstRun(
                        service_settings,
                        bridge_settings,
                        grpc=running.address,
                        http=bridge_running.address,
                        target=target,
                        authorizes=exposed or service_settings.auth == "required",
                    )
                )
                yield

    _run(both)


def run_service() -> None:
    """Run the service."""
    settings = read_settings(ServiceSettings)
    _run(lambda: running_service(settings))


def run_bridge() -> None:
    """Run the bridge."""
    settings = read_settings(BridgeSettings)
    if settings.exposed and not settings.bridge_token_file.exists():
        raise Failure(
            f"OPENRUM_HTTP: {settings.http} can be reached from other machines, and without a "
            "bridge token the service cannot trust what this bridge says about its callers; set "
            "OPENRUM_BRIDGE_TOKEN_FILE to the file that the service created "
            f"({settings.bridge_token_file} does not exist), or set a loopback address, 127.0.0.1 "
            "or [::1]",
            WRONG_USAGE,
        )
    _run(lambda: running_bridge(settings))


def _run(running: Callable[[], AbstractAsyncContextManager[object]]) -> None:
    _configure_logs()

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

    try:
        uvloop.run(until_stopped())
    except StartError as error:
        raise Failure(str(error), WRONG_USAGE) from None


def _configure_logs() -> None:
    """Log to standard error: lines for people on a terminal, JSON elsewhere."""
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
