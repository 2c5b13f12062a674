"""What `openrum up`, `service` and `bridge` run: until SIGTERM or SIGINT, then drain and return."""

from __future__ import annotations

__all__ = ["run_bridge", "run_service", "run_up"]

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

import structlog
import uvloop
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from rum_bridge.server import open_listener, running_bridge
from rum_bridge.settings import BridgeSettings
from rum_cli.failure import WRONG_USAGE, Failure
from rum_cli.first_run import FirstRun, first_run
from rum_endpoint.start_error import StartError
from rum_service.server import running_service
from rum_service.settings import ServiceSettings

_OWN_SOCKET = "var/openrum.sock"

Settings = TypeVar("Settings", bound=BaseSettings)


def run_up() -> None:
    """Runs service and bridge, and prints how to use them."""
    service_settings, bridge_settings = _settings(ServiceSettings), _settings(BridgeSettings)
    exposed_by = f"OPENRUM_HTTP: {bridge_settings.http}" if bridge_settings.exposed else None
    exposed = service_settings.exposed or bridge_settings.exposed
    tls = service_settings.grpc_certificate_file is not None
    if tls and not service_settings.socket:
        service_settings = service_settings.model_copy(update={"socket": _OWN_SOCKET})

    @asynccontextmanager
    async def both() -> AsyncIterator[None]:
        # Before the service starts: a busy port is said at once, and nothing else.
        listener = open_listener(bridge_settings)
        async with running_service(service_settings, exposed_by=exposed_by) as running:
            # Past the service's TLS, if it has any, through its socket.
            near = f"unix:{service_settings.socket}" if tls else running.address
            settings = bridge_settings.model_copy(update={"service": near})
            async with running_bridge(settings, listener) as bridge_running:
                scheme = "https" if bridge_settings.http_certificate_file else "http"
                await first_run(
                    FirstRun(
                        near,
                        running.address,
                        f"{scheme}://{bridge_running.address}",
                        service_settings.operator_token_file,
                        authorized=exposed or service_settings.auth == "required",
                    )
                )
                yield

    _run(both)


def run_service() -> None:
    """Runs the service."""
    settings = _settings(ServiceSettings)
    _run(lambda: running_service(settings))


def run_bridge() -> None:
    """Runs the bridge."""
    settings = _settings(BridgeSettings)
    if settings.exposed and not settings.bridge_token_file.exists():
        raise Failure(
            f"OPENRUM_HTTP: {settings.http} can be reached from other machines, and the service "
            "would not believe this bridge who calls; set OPENRUM_BRIDGE_TOKEN_FILE to the file "
            f"that the service made ({settings.bridge_token_file} is not there), or set a loopback "
            "address, 127.0.0.1 or [::1]",
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
            # What was imported stays for good: going through it again and again cost REST 10 % of
            # its CPU (2026-11). Higher thresholds gave no more that could be told from noise.
            gc.collect()
            gc.freeze()
            await stop.wait()

    try:
        uvloop.run(until_stopped())
    except StartError as error:
        raise Failure(str(error), WRONG_USAGE) from None


def _settings(kind: type[Settings]) -> Settings:
    try:
        return kind()
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        message = problem["msg"].removeprefix("Value error, ")
        if problem["loc"]:
            message = f"OPENRUM_{str(problem['loc'][0]).upper()}: {message}"
        raise Failure(message, WRONG_USAGE) from None


def _configure_logs() -> None:
    """Lines for people on a terminal, JSON for everything else; both to standard error."""
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
